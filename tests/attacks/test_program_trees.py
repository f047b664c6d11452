"""Images whose trees are traps: what should be a file or directory is a link to the host, a FIFO, a hole."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.attacks.ground import INSECURE, Ground, Registry, busybox_with
from tests.rig import host
from tests.unit.archive import tars

OUTSIDE = b"@OUTSIDE@"
UP = b"../" * 30
GIB = 1 << 30
Part = bytes | tuple[bytes, bytes]


def gone(name: bytes) -> bytes:
    """A whiteout of something that busybox's layer has."""
    above, slash, base = name.rpartition(b"/")
    return tars.file(above + slash + b".wh." + base)


def sparse(name: bytes, size: int) -> bytes:
    """A file of this size that is a hole but for its last byte."""
    records = (
        (b"GNU.sparse.size", b"%d" % size),
        (b"GNU.sparse.map", b"%d,1" % (size - 1)),
        (b"GNU.sparse.name", name),
    )
    return tars.extended(*records) + tars.header(b"sparse", size=1) + tars.padded(b"x")


LINK_OUT = "leads nowhere in the image"
TRAPS: dict[str, tuple[list[Part], str]] = {
    # what: the entries, and what is said when the container is refused (else it runs, and sees nothing of the host)
    "passwd is a FIFO": ([tars.fifo(b"etc/passwd")], 'invalid file of the image "/etc/passwd": it is a FIFO'),
    "group is a FIFO": ([tars.fifo(b"etc/group")], 'invalid file of the image "/etc/group": it is a FIFO'),
    "passwd is a gigabyte": ([sparse(b"etc/passwd", GIB)], "it has 1073741824 bytes, more than 1048576"),
    "passwd is a directory": (
        [gone(b"etc/passwd"), tars.directory(b"etc/group/x"[:9])],
        'invalid file of the image "/etc/group": it is a directory',
    ),
    "passwd links out": ([(b"etc/passwd", OUTSIDE + b"/passwd")], ""),
    "passwd climbs out": ([(b"etc/passwd", UP + OUTSIDE + b"/passwd")], ""),
    "passwd is our standard input": ([(b"etc/passwd", b"/proc/self/fd/0")], ""),
    "passwd is the host's": ([(b"etc/passwd", b"/proc/1/root/etc/passwd")], ""),
    "passwd is a loop": ([(b"etc/passwd", b"passwd")], "Too many levels"),
    "etc links out": ([gone(b"etc"), (b"etc", OUTSIDE)], LINK_OUT),
    "etc climbs out": ([gone(b"etc"), (b"etc", UP + OUTSIDE)], LINK_OUT),
    "proc links out": ([gone(b"proc"), (b"proc", OUTSIDE)], "its /proc is a symbolic link"),
    "proc is a file": ([gone(b"proc"), tars.file(b"proc")], "its /proc is a file"),
    "proc is another directory": ([gone(b"proc"), (b"proc", b"/etc")], "its /proc is a symbolic link"),
    "sys links out": ([gone(b"sys"), (b"sys", OUTSIDE)], "its /sys is a symbolic link"),
    "dev links out": ([gone(b"dev"), (b"dev", OUTSIDE)], "its /dev is a symbolic link"),
    "dev climbs out": ([gone(b"dev"), (b"dev", UP + OUTSIDE)], "its /dev is a symbolic link"),
    "dev is a FIFO": ([gone(b"dev"), tars.fifo(b"dev")], "its /dev is a FIFO"),
    "proc, sys and dev are full": (
        [tars.file(b"proc/mounts", b"x"), tars.file(b"dev/null", b"x"), (b"dev/shm", OUTSIDE), (b"sys/fs", OUTSIDE)],
        "",
    ),
    "proc, sys and dev are gone": ([gone(b"proc"), gone(b"dev"), gone(b"sys")], ""),
    "resolv.conf links out": ([(b"etc/resolv.conf", OUTSIDE + b"/new")], ""),
    "resolv.conf climbs out": ([(b"etc/resolv.conf", UP + OUTSIDE + b"/secret")], ""),
    "resolv.conf is a directory": ([tars.directory(b"etc/resolv.conf")], "/etc/resolv.conf is a directory"),
    "resolv.conf is a FIFO": ([tars.fifo(b"etc/resolv.conf")], ""),
    "hosts and hostname link out": (
        [(b"etc/hosts", OUTSIDE + b"/passwd"), (b"etc/hostname", OUTSIDE + b"/secret")],
        "",
    ),
    "run links out": ([(b"run", OUTSIDE)], LINK_OUT),
    "run climbs out": ([(b"run", UP + OUTSIDE + b"/directory")], LINK_OUT),
    ".containerenv links out": ([tars.directory(b"run"), (b"run/.containerenv", OUTSIDE + b"/secret")], ""),
    "mtab links out": ([(b"etc/mtab", OUTSIDE + b"/new")], ""),
    "tmp links out": ([gone(b"tmp"), (b"tmp", OUTSIDE)], ""),
}
# Says what it sees, in words that cannot come from the host's directory.
LOOK = (
    'for place in proc sys dev; do grep -q " /$place " /proc/mounts && echo $place; done;'
    " cat /etc/passwd /etc/hosts /etc/resolv.conf /run/.containerenv /etc/hostname 2>/dev/null; ls /etc /run /tmp; true"
)


def layer_for(ground: Ground, parts: list[Part]) -> list[bytes]:
    outside = os.fsencode(ground.outside)
    return [
        part if isinstance(part, bytes) else tars.symlink(part[0], part[1].replace(OUTSIDE, outside)) for part in parts
    ]


@pytest.fixture(scope="module", params=["crun", "runc"])
def runtime(request: pytest.FixtureRequest, ground: Ground) -> str:
    """The runtimes that are here; the second one as root only, who has more to lose."""
    name: str = request.param
    if host.program(name) is None:
        pytest.skip(f"{name} is not installed")
    if name == "runc" and ground.program.rootless and host.is_root():
        pytest.skip("root has tried it")
    return name


@pytest.mark.parametrize("case", TRAPS)
def test_trees(ground: Ground, hostile: Registry, case: str, runtime: str) -> None:
    parts, words = TRAPS[case]
    reference = hostile.add(busybox_with(*layer_for(ground, parts)))
    ground.program.run("pull", "-q", INSECURE, reference)
    run = ("--runtime", runtime, "run", "--rm", "--network=host")
    may_run = not words or (words == LINK_OUT and runtime == "runc")  # which makes what a link leads to, inside
    look = (*run, reference, "sh", "-c", LOOK)
    if may_run:
        done = ground.attack(*look, status=0, keeps=True)
        assert done.stdout.split()[:3] == ["proc", "sys", "dev"]
        assert "OUTSIDE" not in done.stdout
    else:
        assert ground.attack(*look, words=[words], metered="gigabyte" in case).stdout == ""
    done = ground.program.run(*run, "--user", "evil", reference, "id", check=False)  # a user of the outside's only
    assert done.returncode in (125, 126)
    ground.judge(done, [])
    ground.program.run("rmi", reference)


VOLUMES: dict[str, list[Part]] = {
    # what is where the image has its VOLUME
    "a link out": [(b"data", OUTSIDE)],
    "a link that climbs out": [(b"data", UP + OUTSIDE)],
    "a file": [tars.file(b"data", b"x")],
    "links, FIFOs and devices": [
        (b"data/out", OUTSIDE + b"/secret"),
        (b"data/up", UP + OUTSIDE),
        tars.hardlink(b"data/hard", b"data/out"),
        tars.fifo(b"data/fifo"),
        tars.device(b"data/null", 1, 3),
        tars.file(b"data/set-uid", b"x", mode=0o6755),
    ],
    "sixteen gigabytes of nothing": [sparse(b"data/hole", 16 * GIB)],
    "a deep tree": [tars.extended((b"path", b"data/" + b"d/" * 600 + b"f")) + tars.header(b"f")],
}


@pytest.mark.parametrize("case", VOLUMES)
def test_volumes(ground: Ground, hostile: Registry, case: str) -> None:
    made = busybox_with(*layer_for(ground, VOLUMES[case]), config={"Volumes": {"/data": {}}})
    reference = hostile.add(made)
    ground.program.run("pull", "-q", INSECURE, reference)
    command = ("sh", "-c", "cd /data && ls && echo mine >mine")
    refused = case.startswith("a link") or case == "a file"
    for arguments in ((), ("-v", "named:/data:U", "--user", "65534")):
        run = ("run", "--rm", "--network=none", *arguments, reference, *command)
        if refused:
            done = ground.program.run(*run, check=False)
            assert done.returncode in (0, 126)
            ground.judge(done, [])
            ground.attack(
                "run", "--rm", "--network=none", *arguments, "--runtime=crun", reference, *command, words=["/data"]
            )
        else:
            ground.attack(*run, status=0, metered=True)
    if case == "links, FIFOs and devices":
        (data,) = (path for path, _, names in os.walk(f"{ground.program.root}/volumes") if "hard" in names)
        assert os.readlink(f"{data}/out") == f"{ground.outside}/secret"
        assert os.path.samestat(os.lstat(f"{data}/out"), os.lstat(f"{data}/hard"))
    ground.program.run("system", "prune", "--force", "--volumes")
    ground.program.run("rmi", reference)


MOUNTS = [
    ("-v", "named:/data"),
    ("-v", "@OUTSIDE@:/data/x:ro"),
    ("--tmpfs", "/data/deep/er"),
    ("--mount", "type=bind,src=@OUTSIDE@/secret,dst=/data/secret,ro"),
    ("-w", "/data/directory"),
]


def test_mounts_where_the_image_has_links_out(ground: Ground, hostile: Registry, runtime: str) -> None:
    """The runtime stays inside, or refuses; the host's directory gets nothing."""
    reference = hostile.add(busybox_with(*layer_for(ground, [(b"data", OUTSIDE)])))
    ground.program.run("pull", "-q", INSECURE, reference)
    before = ground.surroundings()
    for flag, value in MOUNTS:
        given = value.replace("@OUTSIDE@", ground.outside)
        done = ground.program.run(
            "--runtime", runtime, "run", "--rm", "--network=none", flag, given, reference, "true", check=False
        )
        assert done.returncode in (0, 125, 126), done.stderr
        ground.judge(done, [])
        assert ground.surroundings() == before
    ground.program.run("system", "prune", "--force", "--volumes")
    ground.program.run("rmi", reference)


DIRECTORIES = ["/proc/self/fd/7", "/proc", "/proc/1/root", "/dev/fd/8", "/tmp/../proc/self", "//proc//self/./fd/9"]
DESCRIPTORS = range(4, 11)
LINKED = [
    *(tars.symlink(b"fd%d" % number, b"/proc/self/fd/%d" % number) for number in DESCRIPTORS),
    *(tars.symlink(b"data/fd%d" % number, b"/proc/self/fd/%d" % number) for number in DESCRIPTORS),
    tars.symlink(b"root/out", b"/proc/1/root"),
    tars.symlink(b"here", b"/proc"),
]


def test_working_directories_that_are_descriptors(ground: Ground, hostile: Registry, runtime: str) -> None:
    """CVE-2024-21626: no directory of the host is ever the working directory, by whatever way it is named."""
    reference = hostile.add(busybox_with(*LINKED, config={"Volumes": {"/data": {}}}))
    ground.program.run("pull", "-q", INSECURE, reference)
    run = ("--runtime", runtime, "run", "--rm", "--network=none")
    for directory in (*DIRECTORIES, "/here", "/root/out", *(f"/fd{number}" for number in DESCRIPTORS)):
        done = ground.program.run(*run, "-w", directory, reference, "true", check=False)
        assert done.returncode in (125, 126), (directory, done.stderr)
        ground.judge(done, [])
    volume = f"{ground.program.files}/volume"
    os.makedirs(volume, exist_ok=True)
    os.chmod(volume, 0o755)
    for number in DESCRIPTORS:
        path = f"{volume}/fd{number}"
        if not os.path.lexists(path):
            os.symlink(f"/proc/self/fd/{number}", path)
    ground.program.run(*run[:2], "run", "-d", "--name", "runs", "--network=none", reference, "sleep", "1000")
    inside = "cat ../../../../../../../../../../etc/passwd"  # from a directory of the host, the host's
    for number in DESCRIPTORS:
        for words in (
            (*run, "-w", f"/data/fd{number}", reference),
            (*run, "-v", f"{volume}:/v", "-w", f"/v/fd{number}", reference),
            ("exec", "-w", f"/data/fd{number}", "runs"),
            ("exec", "-w", f"/fd{number}", "runs"),
        ):
            done = ground.program.run(*words, "sh", "-c", inside, check=False)
            assert done.returncode or "nobody:x:65534:65534:nobody:/:/bin/false" in done.stdout, (words, done.stdout)
            assert not done.returncode or done.stdout == ""
    ground.program.run("rm", "--force", "--time", "0", "runs")
    ground.program.run("rmi", reference)


def test_a_container_that_lays_traps_for_exec(ground: Ground, hostile: Registry) -> None:
    """What the container makes of its own account files does not stop or fool who looks for a user there."""
    reference = hostile.add(busybox_with())
    ground.program.run("pull", "-q", INSECURE, reference)
    ground.program.run("run", "-d", "--name", "traps", "--network=none", reference, "sleep", "1000")
    traps: dict[str, Any] = {
        "rm /etc/passwd; mkfifo /etc/passwd": (255, "it is a FIFO"),
        "rm /etc/passwd; ln -s /proc/1/root/etc/passwd /etc/passwd": (255, "unable to find user evil"),
        f"rm /etc/passwd; ln -s {ground.outside}/passwd /etc/passwd": (255, "unable to find user evil"),
        "rm /etc/passwd; truncate -s 1G /etc/passwd": (255, "more than 1048576"),
        "rm /etc/passwd; yes 'evil:x:0x0:0::/:/bin/sh' | head -n 30000 >/etc/passwd": (255, "unable to find user evil"),
        "rm /etc/passwd; mkdir /etc/passwd": (255, "it is a directory"),
        "rm -r /etc/passwd; ln -s passwd /etc/passwd": (255, "Too many levels"),
    }
    for trap, (status, words) in traps.items():
        ground.program.run("exec", "traps", "sh", "-c", trap)
        done = ground.program.run("exec", "--user", "evil", "traps", "id", check=False, timeout_s=20)
        assert done.returncode == status, (trap, done.stderr)
        ground.judge(done, [words])
    for name in ("ps", "ls"):
        ground.program.run("exec", "traps", "sh", "-c", f"rm /bin/{name}; mkfifo /bin/{name}; chmod 755 /bin/{name}")
        assert ground.program.run("exec", "traps", name, check=False, timeout_s=20).returncode == 126
    ground.program.run("top", "traps")
    ground.attack("rm", "--force", "--time", "0", "traps", status=0)
    ground.program.run("rmi", reference)


def test_a_container_that_digs_deep(ground: Ground, hostile: Registry) -> None:
    """Directories deeper than a path can say, made by a container, are counted, kept and removed."""
    reference = hostile.add(busybox_with())
    ground.program.run("pull", "-q", INSECURE, reference)
    dig = "i=0; while [ $i -lt 390 ] && mkdir dddddddddd && cd dddddddddd; do i=$((i+1)); done; chmod 0 /dddddddddd"
    ground.program.run("run", "--name", "mole", "--network=none", reference, "sh", "-c", dig)
    ground.program.run("ps", "--all", "--size")
    ground.program.run("inspect", "--size", "mole")
    ground.attack("rm", "mole", status=0)
    ground.program.run("rmi", reference)
