"""buildah's commands on working containers, as root and without privilege."""

from __future__ import annotations

import os
import signal
import tarfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.rig.program import Completed, Program


@pytest.fixture(scope="module")
def program(shared_both: Program) -> Program:
    shared_both.busybox()
    return shared_both


def buildah(program: Program, *words: str, check: bool | int = True, **options: Any) -> Completed:
    return program.run(*words, name="buildah", check=check, cwd=program.files, **options)


def new(program: Program, image: str = "busybox") -> str:
    return buildah(program, "from", "--pull=never", image).stdout.strip()


def test_a_container_is_changed_and_committed(program: Program) -> None:
    name = new(program)
    assert buildah(program, "run", name, "--", "sh", "-c", "echo in > /made; rm /bin/wget; pwd").stdout == "/\n"
    assert buildah(program, "run", name, "cat", "/made", "-", input="given").stdout == "in\ngiven"
    failed = buildah(program, "run", name, "sh", "-c", "exit 3", check=3)
    assert failed.stderr == "Error: while running runtime: exit status 3\n"
    first = buildah(program, "commit", name, "first").stdout.strip()
    found = program.run("image", "inspect", "first").json()[0]
    assert found["Id"] == first
    assert len(found["RootFS"]["Layers"]) == 2
    # The container is as it was, and can be committed again, in one layer, and taken away.
    buildah(program, "run", name, "sh", "-c", "echo more >> /made")
    buildah(program, "commit", "--squash", "--rm", "--format", "docker", "--timestamp", "7", name, "second")
    found = program.run("image", "inspect", "second").json()[0]
    assert len(found["RootFS"]["Layers"]) == 1
    assert found["Created"].startswith("1970-01-01T00:00:07")
    assert program.run("run", "--rm", "--network", "none", "second", "cat", "/made").stdout == "in\nmore\n"
    gone = program.run("run", "--rm", "--network", "none", "first", "sh", "-c", "cat /made; ls /bin/wget", check=1)
    assert gone.stdout == "in\n"
    missing = buildah(program, "run", name, "true", check=125)
    assert missing.stderr == f'Error: reading build container "{name}": container not known\n'


def test_what_run_is_told_holds_for_one_run(program: Program) -> None:
    name = buildah(program, "from", "--pull=never", "--cap-drop", "CAP_CHOWN", "busybox").stdout.strip()
    program.write("seen", "shown")
    script = "echo $A; hostname; pwd; id -u; cat /mnt; cat /proc/net/dev | wc -l"
    words = ("-e", "A=1", "--hostname", "host", "--workingdir", "/tmp", "--user", "7", "--network", "none")
    done = buildah(program, "run", *words, "-v", f"{program.files}/seen:/mnt:ro", name, "sh", "-c", script)
    assert done.lines == ["1", "host", "/tmp", "7", "shown3"]
    assert buildah(program, "run", name, "chown", "1", "/etc", check=1).returncode == 1
    buildah(program, "run", "--add-history", "--cap-add", "CAP_CHOWN", name, "chown", "1", "/etc")
    assert "chown 1 /etc" in buildah(program, "inspect", "--format", "{{.History}}", name).stdout
    buildah(program, "rm", name)


def test_isolation_by_chroot_shares_what_the_host_has(program: Program) -> None:
    """As buildah has it: network, processes, IPC and control group; by flag, by variable, and for one run."""
    name = buildah(program, "from", "--pull=never", "--isolation", "chroot", "busybox").stdout.strip()
    assert '"Isolation": "chroot"' in buildah(program, "inspect", name).stdout
    links = "for kind in mnt uts ipc net pid cgroup; do readlink /proc/self/ns/$kind; done"
    shared = "for kind in ipc net pid cgroup; do readlink /proc/self/ns/$kind; done"
    host = [os.readlink(f"/proc/self/ns/{kind}") for kind in ("ipc", "net", "pid", "cgroup")]
    chroot = buildah(program, "run", name, "sh", "-c", links).lines
    assert chroot[2:6] == host
    contained = buildah(program, "run", "--isolation", "oci", name, "sh", "-c", links).lines
    assert not {*contained[:5]} & {*host, *chroot}  # with control groups of version 1 their namespace is the host's
    text = f"FROM busybox\nRUN echo $({shared}) > /seen\nRUN --network=none ls /sys/class/net > /alone\n".encode()
    program.run("build", "-t", "seen", "-f", "-", input=text, env={"BUILDAH_ISOLATION": "chroot"}, cwd=program.files)
    seen = program.run("run", "--rm", "--network", "none", "seen", "cat", "/seen", "/alone").lines
    assert seen == [" ".join(host), "lo"]
    for flags, words in (
        (("--isolation", "jail"), 'unrecognized isolation type "jail"'),
        (("--isolation", "chroot", "--memory", "64m"), "there can be no limits"),
        (("--isolation", "chroot", "--network", "bridge"), "--network bridge cannot be had"),
        (("--isolation", "chroot", "--pid", "private"), "--pid private cannot be had"),
    ):
        assert words in program.run("build", *flags, "-f", "-", input=text, cwd=program.files, check=125).stderr
    buildah(program, "rm", name)


def test_every_field_of_the_configuration(program: Program) -> None:
    name = new(program, "scratch")
    given = {
        "--cmd": '["a", "b c"]',
        "--entrypoint": "run it",
        "--user": "u:g",
        "--workingdir": "/w",
        "--stop-signal": "SIGINT",
        "--author": "me",
        "--created-by": "hand",
        "--history-comment": "said",
        "--healthcheck": "CMD-SHELL curl -f x",
        "--healthcheck-interval": "5s",
        "--healthcheck-retries": "4",
        "--shell": "/bin/bash -c",
        "--onbuild": "RUN x",
        "--hostname": "host",
        "--domainname": "domain",
        "--comment": "noted",
        "--arch": "arm64",
        "--os-version": "9",
        "--os-feature": "win32k",
        "--annotation": "k=v",
    }
    listed = ("--env", "A=1", "--env", "B=$A/x", "--label", "l=1", "--label", "m=2", "--port", "80,90/udp", "-v", "/v")
    buildah(program, "config", *(word for pair in given.items() for word in pair), *listed, name)
    buildah(program, "config", "--env", "A-", "--label", "m-", "--port", "80-", name)
    buildah(program, "commit", "--format", "docker", "--identity-label=false", name, "docker-one")
    raw = program.run("image", "inspect", "docker-one").json()[0]
    config = raw["Config"]
    assert config["Env"] == ["B=1/x"]
    assert config["Entrypoint"] == ["/bin/sh", "-c", "run it"]
    assert config["Cmd"] == ["a", "b c"]
    assert (config["User"], config["WorkingDir"], config["StopSignal"]) == ("u:g", "/w", "SIGINT")
    assert (list(config["ExposedPorts"]), list(config["Volumes"]), config["Labels"]) == (["90/udp"], ["/v"], {"l": "1"})
    assert (raw["Author"], raw["Architecture"], raw["Comment"]) == ("me", "arm64", "noted")
    document = buildah(program, "inspect", "--type", "image", "docker-one").json()["Docker"]
    assert document["config"]["Healthcheck"] == {
        "Test": ["CMD-SHELL", "curl -f x"],
        "Interval": 5_000_000_000,
        "Timeout": 30_000_000_000,
        "Retries": 4,
    }
    assert document["config"]["OnBuild"] == ["RUN x"]
    assert document["config"]["Shell"] == ["/bin/bash", "-c"]
    assert (document["config"]["Hostname"], document["config"]["Domainname"]) == ("host", "domain")
    assert (document["os.version"], document["os.features"], document["comment"]) == ("9", ["win32k"], "noted")
    # What OCI's form has no words for is left out of it; annotations are there alone.
    buildah(program, "commit", "--format", "oci", name, "oci-one")
    found = buildah(program, "inspect", "--type", "image", "oci-one").json()
    assert found["ImageAnnotations"]["k"] == "v"
    assert "Healthcheck" not in found["Config"]
    shown = buildah(program, "inspect", "-f", "{{.OCIv1.Config.Labels}} {{.OCIv1.Config.Cmd}} {{.Container}}", name)
    assert shown.stdout == f"map[l:1] [a b c] {name}\n"
    buildah(program, "rm", name)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--port", "abc"), 'invalid --port "abc"'),
        (("--env", "FOO"), 'setting env "FOO": no value given'),
        (("--healthcheck-interval", "zz"), 'time: invalid duration "zz"'),
        (("--stop-signal", "SIGNO"), "SIGNO"),
        (("--volume", "rel"), "absolute path"),
        (("--label", "=x"), "NAME=VALUE"),
    ],
)
def test_a_setting_that_is_wrong_changes_nothing(program: Program, words: tuple[str, str], said: str) -> None:
    name = new(program, "scratch")
    before = buildah(program, "inspect", name).stdout
    assert said in buildah(program, "config", "--author", "me", *words, name, check=125).stderr
    assert buildah(program, "inspect", name).stdout == before
    buildah(program, "rm", name)


def test_copy_and_add(program: Program) -> None:
    os.makedirs(f"{program.files}/tree/sub", exist_ok=True)
    for path, text in {"tree/a": "a", "tree/sub/b": "b", "tree/x$y": "c", "ignored": "sub\n"}.items():
        program.write(path, text)
    with tarfile.open(f"{program.files}/t.tar", "w") as archive:
        archive.add(f"{program.files}/tree/a", "inner")
    os.chmod(f"{program.files}/t.tar", 0o644)
    name, other = new(program), new(program, "scratch")
    digest = buildah(program, "copy", name, "tree/a", "/one").stdout.strip()
    assert len(digest) == 64
    buildah(program, "config", "--workingdir", "/srv", name)
    assert buildah(program, "copy", "-q", name, "tree/a").stdout == ""
    buildah(program, "copy", "--chown", "5:6", "--chmod", "640", name, "tree/a", "tree/x$y", "/many")
    buildah(program, "copy", "--contextdir", f"{program.files}/tree", "--ignorefile", "ignored", name, ".", "/all")
    buildah(program, "add", "--add-history", name, "t.tar", "/unpacked")
    buildah(program, "copy", name, "t.tar", "/packed/")
    buildah(program, "copy", "--from", name, other, "/many/a", "/b")
    buildah(program, "copy", "--from", "busybox", other, "/bin/busybox", "/bin/")
    script = "cat /one /srv/a /unpacked/inner; stat -c '%n %a %u:%g' /many/*; ls /all /packed"
    done = buildah(program, "run", name, "sh", "-c", script).stdout
    assert done == "aaa/many/a 640 5:6\n/many/x$y 640 5:6\n/all:\na\nx$y\n\n/packed:\nt.tar\n"
    assert buildah(program, "run", other, "/bin/busybox", "stat", "-c", "%a %u:%g", "/b").stdout == "640 0:0\n"
    assert "ADD" in buildah(program, "inspect", "-f", "{{.History}}", name).stdout
    for words in (("tree/nope", "/x"), ("--contextdir", f"{program.files}/tree", "../t.tar", "/x")):
        assert "no such file or directory" in buildah(program, "copy", name, *words, check=125).stderr
    buildah(program, "rm", name, other)


def test_names_and_lists(program: Program) -> None:
    buildah(program, "rm", "--all")
    names = [new(program), new(program)]
    assert names[1] == f"{names[0]}-1"
    buildah(program, "rename", names[1], "other")
    taken = buildah(program, "from", "--pull=never", "--name", "other", "busybox", check=125).stderr
    assert 'the container name "other" is already in use' in taken
    assert "already in use" in buildah(program, "rename", names[0], "other", check=125).stderr
    listed = buildah(program, "containers", "--json").json()
    assert [(one["containername"], one["builder"]) for one in listed] == [(names[0], True), ("other", True)]
    row = buildah(program, "containers", "--noheading", "--filter", "name=other").stdout.split()
    assert row == [listed[1]["id"][:12], "*", listed[1]["imageid"][:12], "localhost/busybox:latest", "other"]
    assert buildah(program, "containers", "-q").lines == [one["id"] for one in listed]
    assert buildah(program, "rm", "nope", "other", check=125).stdout == f"{listed[1]['id']}\n"
    assert buildah(program, "rm", "--all").lines == [listed[0]["id"]]
    assert buildah(program, "containers", "-q").stdout == ""


def test_a_mounted_tree_is_changed_by_hand(program: Program) -> None:
    script = program.write(
        "script.sh",
        'set -e\nb="$1 --root $2 --runroot $3"\nc=$($b from --name byhand scratch)\nm=$($b mount $c)\n'
        "mkdir $m/etc; echo made > $m/etc/file; chown 1:1 $m/etc/file\n$b mount\n$b umount $c >/dev/null\n"
        "$b commit $c byhand >/dev/null\n$b mount\n",
        0o755,
    )
    launcher = program.argv(name="buildah")[0]
    words = ["sh", script, launcher, program.root, program.runroot]
    done = buildah(program, "unshare", *words) if program.rootless else program.call(*words)
    assert done.lines[0].split()[0] == "byhand"
    assert len(done.lines) == 1
    if program.rootless:
        assert "must execute `buildah unshare` first" in buildah(program, "mount", "byhand", check=125).stderr
    archive = f"{program.files}/byhand.tar"
    program.run("save", "-o", archive, "byhand")
    name = buildah(program, "from", "--pull=never", "--name", "again", "byhand").stdout.strip()
    buildah(program, "copy", "--from", "busybox", name, "/bin/busybox", "/bin/")
    found = buildah(program, "run", name, "/bin/busybox", "stat", "-c", "%u:%g %s", "/etc/file")
    assert found.stdout == "1:1 5\n"
    buildah(program, "rm", "--all")


def test_what_a_container_stands_on_is_no_garbage(program: Program) -> None:
    name = new(program)
    buildah(program, "run", name, "sh", "-c", "echo kept > /kept")
    buildah(program, "commit", name, "based")
    second = new(program, "based")
    assert "image is in use by a container" in buildah(program, "rmi", "based", check=2).stderr
    program.run("untag", "based")
    program.run("image", "prune", "--all", "--force")
    buildah(program, "rmi", "--prune")
    assert buildah(program, "run", second, "cat", "/kept").stdout == "kept\n"
    image = buildah(program, "commit", "--rm", second).stdout.strip()
    assert program.run("run", "--rm", "--network", "none", image, "cat", "/kept").stdout == "kept\n"
    third = new(program, image)
    program.run("rmi", "--force", image)
    assert "container not known" in buildah(program, "run", third, "true", check=125).stderr
    buildah(program, "rm", name)


def test_a_container_that_is_used_is_not_taken_away(program: Program) -> None:
    name = new(program)
    process = program.start("run", name, "sh", "-c", "echo runs; read word", name="buildah", stdin=-1)
    assert process.stdout is not None
    assert process.stdout.readline() == b"runs\n"
    for words in (("rm", name), ("commit", name, "busy")):
        assert "is in use by another process" in buildah(program, *words, check=125).stderr
    assert buildah(program, "run", name, "echo", "beside").stdout == "beside\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdin is not None
    process.stdin.close()
    process.stdout.close()
    assert process.stderr is not None
    process.stderr.close()
    assert buildah(program, "run", name, "echo", "after").stdout == "after\n"
    buildah(program, "rm", name)


def test_several_at_once_get_names_of_their_own(program: Program) -> None:
    with ThreadPoolExecutor(4) as pool:
        names = list(pool.map(lambda _: new(program, "scratch"), range(4)))
    assert len(set(names)) == 4
    assert len(buildah(program, "rm", "--all").lines) == 4


def test_a_prune_takes_images_of_working_containers_when_told_to(program: Program) -> None:
    name = new(program)
    buildah(program, "commit", "--quiet", name, "external")
    buildah(program, "rm", name)
    held = new(program, "external")
    identity = program.run("image", "inspect", "--format", "{{.Id}}", "external").lines[0]
    program.run("untag", "external")
    assert program.run("image", "prune", "--force").stdout == ""
    assert program.run("image", "prune", "--force", "--external").lines == [identity]
    assert held not in buildah(program, "containers").stdout
