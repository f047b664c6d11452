"""Steps of builds in user namespaces of their own, as root and without privilege: layers have the ids inside."""

from __future__ import annotations

import os
import pwd
import subprocess

import pytest

from argosy.linux.idmap import subordinate
from tests.integration.test_userns import ranges
from tests.rig.program import Program

DOCKERFILE = """FROM busybox AS first
COPY --chown=7:8 given /copied
WORKDIR /made/here
RUN cat /proc/self/uid_map /proc/self/gid_map | tr -s ' ' \\
  && stat -c '%n %u:%g' / /bin/busybox /copied /made/here /etc/hosts
RUN touch /own && touch /other && chown 70:71 /other && chmod 4755 /other && chown 5:6 /copied && ln /other /again \\
  && rm /bin/wget && mkdir /kept && echo lower > /kept/file
RUN rm -r /kept && mkdir /kept
FROM busybox
COPY --from=first /other /kept /from/
COPY --from=first /copied /copied
RUN --mount=type=secret,id=s,uid=9,target=/secret --mount=type=cache,target=/cache,uid=3 \\
  --mount=type=bind,source=given,target=/bound --mount=type=bind,from=first,source=/other,target=/image \\
  stat -c '%n %u:%g' /secret /cache /bound /image && cat /secret /bound && touch /cache/filled && chown 12:13 /from
"""
NAMED = next((name for name in ("containers", "argosy-test") if subordinate("/etc/subuid", name, -1)), "")
OWNERS = {"from": (12, 13), "from/other": (70, 71), "copied": (5, 6)}


@pytest.fixture(scope="module")
def program(shared_both: Program) -> Program:
    if shared_both.rootless and ranges(shared_both) < 10000:
        pytest.skip("needs ranges in /etc/subuid")
    shared_both.busybox()
    os.makedirs(f"{shared_both.files}/ctx")
    shared_both.write("ctx/given", "given\n")
    shared_both.write("secret", "hidden\n")
    return shared_both


def base(program: Program) -> int:
    return 1000 if program.rootless else 200000


def build(program: Program, *flags: str, check: bool | int = True, text: str = DOCKERFILE) -> list[str]:
    secret = f"id=s,src={program.files}/secret"
    words = ("--network", "none", "--secret", secret, *flags, "-f", "-", f"{program.files}/ctx")
    return program.run("build", *words, input=text.encode(), check=check).lines


def archived(program: Program, image: str) -> dict[str, tuple[int, int]]:
    """The owners of all files, as a container without a map sees them."""
    words = ("run", "--rm", "--network", "none", "--user", "0", image, "sh", "-c")
    shown = program.run(*words, "stat -c '%n %u:%g' $(find / -xdev -path /proc -prune -o -print)").lines
    found = {}
    for line in shown:
        name, _, ids = line.rpartition(" ")
        uid, gid = ids.split(":")
        found[name.lstrip("/")] = int(uid), int(gid)
    return found


@pytest.mark.parametrize("layers", ["--layers", "--layers=false", "--squash-all"])
def test_steps_run_under_the_map_and_layers_have_the_ids_inside(program: Program, layers: str) -> None:
    outside = base(program)
    lines = build(
        program, f"--userns-uid-map=0:{outside}:5000", layers, "--no-cache", "--skip-unused-stages", "-t", "one"
    )
    assert lines.count(f" 0 {outside} 5000") == 2
    for told in ("/ 0:0", "/bin/busybox 0:0", "/copied 7:8", "/made/here 0:0", "/etc/hosts 0:0"):
        assert told in lines, told
    for told in ("/secret 9:0", "/cache 3:0", "/bound 0:0", "/image 70:71", "hidden", "given"):
        assert told in lines, told
    owners = archived(program, "one")
    assert {name: owners[name] for name in OWNERS} == OWNERS
    assert "from/file" not in owners  # of a directory that was made anew
    assert max(max(ids) for name, ids in owners.items() if not name.startswith(("proc", "sys", "dev"))) < outside


def test_every_form(program: Program) -> None:
    outside = base(program)
    text = "FROM busybox\nRUN cat /proc/self/uid_map /proc/self/gid_map; readlink /proc/self/ns/user\n"

    def shown(*flags: str) -> list[str]:
        lines = build(program, "--no-cache", *flags, text=text)
        return [" ".join(line.split()) for line in lines if line.startswith((" ", "user:"))]

    plain, host = shown(), shown("--userns", "host")
    assert host == plain
    for text_of_new in ("", "container", "private"):
        private = shown(f"--userns={text_of_new}")
        assert private[-1] != plain[-1]
        assert all(line.split()[0] == line.split()[1] for line in private[:-1])
    assert shown(f"--userns-gid-map=0:{outside}:7")[:-1] == [f"0 {outside} 7"] * 2
    several = f"0:{outside}:70,70:{outside + 100}:4000"
    pieces = [f"0 {outside} 70", f"70 {outside + 100} 4000"]
    words = ("--userns=private", f"--userns-uid-map={several}", f"--userns-gid-map=0:{outside}:4000")
    assert shown(*words)[:-1] == [*pieces, f"0 {outside} 4000"]
    name = pwd.getpwuid(program.uid).pw_name if program.rootless else NAMED
    if name:
        count = ranges(program) if program.rootless else sum(size for _, size in subordinate("/etc/subuid", name, -1))
        start = 1 if program.rootless else subordinate("/etc/subuid", name, -1)[0][0]
        assert shown("--userns-uid-map-user", name)[0] == f"0 {start} {count}"
        assert shown("--userns-gid-map-group", name)[1] == f"0 {start} {count}"


def test_a_namespace_that_is_there(program: Program) -> None:
    if program.rootless:
        pytest.skip("the namespace would have to be below that of the store")
    holder = subprocess.Popen(
        ["unshare", "--user", "--map-root-user", "sh", "-c", "echo; exec cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        path = f"/proc/{holder.pid}/ns/user"
        text = "FROM busybox\nRUN readlink /proc/self/ns/user && echo x > /x && stat -c %u /x\n"
        lines = build(program, "--no-cache", "--userns", path, text=text)
        assert os.readlink(path) in lines
        assert "0" in lines
    finally:
        holder.communicate()


def test_a_file_whose_owner_the_map_does_not_have(program: Program) -> None:
    outside = base(program)
    lacking = f"--userns-uid-map=0:{outside}:50"
    build(program, "-t", "owned", text="FROM busybox\nCOPY --chown=60:0 given /given\n")
    done = program.run("build", lacking, "-f", "-", input=b"FROM owned\nRUN true\n", cwd=program.files, check=125)
    assert "files that belong to the id 60, and the user namespace has 50 ids" in done.stderr
    done = program.run(
        *("build", lacking, "-f", "-", f"{program.files}/ctx"),
        input=b"FROM busybox\nCOPY --chown=60:0 given /given\n",
        check=125,
    )
    assert "it is not mapped in the user namespace" in done.stderr


@pytest.mark.parametrize("squash", [(), ("--squash",)])
def test_a_working_container_has_the_map_for_its_life(program: Program, squash: tuple[str, ...]) -> None:
    outside = base(program)

    def buildah(*words: str) -> list[str]:
        return program.run(*words, name="buildah", cwd=program.files).lines

    flag = f"--userns-uid-map=0:{outside}:5000"  # before the command, it counts as well
    (name,) = buildah(*((flag, "from") if squash else ("from", flag)), "--pull=never", "busybox")
    assert buildah("run", name, "sh", "-c", "cat /proc/self/uid_map; touch /own; chown 5:6 /own; rm /bin/wget")[
        0
    ].split() == [
        "0",
        str(outside),
        "5000",
    ]
    buildah("copy", "--chown", "7:8", name, "ctx/given", "/made/given")
    assert buildah("run", name, "stat", "-c", "%u:%g", "/made/given", "/made", "/own") == ["7:8", "7:8", "5:6"]
    buildah("commit", "--rm", *squash, name, "committed")
    owners = archived(program, "committed")
    assert (owners["own"], owners["made/given"], owners["made"]) == ((5, 6), (7, 8), (7, 8))
    assert "bin/wget" not in owners
    assert max(max(ids) for path, ids in owners.items() if not path.startswith(("proc", "sys", "dev"))) < 1000
