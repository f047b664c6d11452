"""`cp`: what goes where, as podman has it, and that nothing leads out of a container."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator

import pytest

from tests.rig.program import Program, finish

CONTENT = ["again", "f", "l", "sub", "sub/g"]
_HOST = """
mkdir -p d/sub bound fixed; printf x >d/f; printf y >d/sub/g; echo hi >file; ln -s f d/l; ln d/f d/again
mkdir -p clash/x; echo 1 >clash/x/a; mkdir other; echo 2 >other/x; ln -s nowhere dangling; mkfifo fifo
chmod 711 d; touch -d 2001-01-01 d
"""


@pytest.fixture(scope="module")
def ground(shared_both: Program) -> Iterator[Program]:
    """A program with a running container `r` of the user 7:8, and one that never ran, `s`, with a volume and binds."""
    program = shared_both
    program.call("sh", "-c", f"cd {program.files}; {_HOST}")
    run = ("--network", "none", "-v", "vol:/vol", "-v", f"{program.files}/bound:/mnt/b")
    image = program.busybox()
    program.run("run", "-d", "--name", "r", "--user", "7:8", *run, image, "sleep", "600")
    program.run("create", "--name", "s", *run, "-v", f"{program.files}/fixed:/mnt/ro:ro", image, "sleep", "600")
    yield program
    program.run("rm", "--force", "--time", "0", "r", "s")


def inside(program: Program, script: str) -> list[str]:
    return program.run("exec", "--user", "0", "r", "sh", "-c", script).lines


def archived(program: Program, place: str) -> list[str]:
    """The names in the archive of a place, sorted."""
    done = program.run("cp", place, "-")
    return sorted(tarfile.open(fileobj=io.BytesIO(done.stdout_bytes)).getnames())


def below(name: str) -> list[str]:
    return [name, *(f"{name}/{path}" for path in CONTENT)]


def refused(program: Program, *words: str) -> str:
    return program.run("cp", *words, check=125).stderr.splitlines()[0]


@pytest.mark.parametrize("name", ["r", "s"])
def test_where_directories_go(ground: Program, name: str) -> None:
    source = f"{ground.files}/d"
    ground.run("cp", source, f"{name}:/new")
    assert archived(ground, f"{name}:/new") == below("new")
    ground.run("cp", f"{source}/.", f"{name}:/fresh")
    assert archived(ground, f"{name}:/fresh/.") == CONTENT
    ground.run("cp", f"{source}/", f"{name}:fresh")
    assert archived(ground, f"{name}:/fresh/d") == below("d")
    ground.run("cp", f"{name}:/new", f"{name}:/vol")
    assert archived(ground, f"{name}:/vol/new") == below("new")
    assert refused(ground, source, f"{name}:/etc/passwd") == (
        "Error: destination must be a directory when copying a directory"
    )


def test_what_files_get(ground: Program) -> None:
    ground.run("cp", f"{ground.files}/d", "r:/mine")
    ground.run("cp", "-a=false", f"{ground.files}/d", "r:/kept")
    assert inside(ground, "stat -c '%a %u %g %Y' /mine; stat -c '%u %g %h' /mine/f /mine/l") == [
        "711 7 8 978307200",
        "7 8 2",
        "7 8 1",
    ]
    assert inside(ground, "stat -c '%u %g' /kept/f") == ["0 0"]
    ground.run("cp", "r:/mine", f"{ground.files}/back")
    found = os.lstat(f"{ground.files}/back/f")
    assert (found.st_uid, found.st_nlink, os.readlink(f"{ground.files}/back/l")) == (ground.uid, 2, "f")
    ground.run("cp", "-a", f"{ground.files}/d", "r:/dockers", name="docker")
    assert inside(ground, "stat -c '%u %g' /dockers/f") == ["0 0"]


def test_links_are_followed_inside(ground: Program) -> None:
    inside(ground, "mkdir /real; echo v >/real/v; ln -s /real /way; ln -s ../../../../../../real/v /climbing")
    ground.run("cp", "r:/way/v", f"{ground.files}/v")
    ground.run("cp", "r:/climbing", f"{ground.files}/climbed")
    ground.run("cp", f"{ground.files}/file", "r:/way/put")
    assert inside(ground, "cat /real/put") == ["hi"]
    for name in ("v", "climbed"):
        with open(f"{ground.files}/{name}") as file:
            assert file.read() == "v\n"
    for name in ("/proc/1/status", "/sys/kernel/uevent_seqnum"):  # their sizes are not those of their contents
        ground.run("cp", f"r:{name}", f"{ground.files}/told")
        with open(f"{ground.files}/told") as file:
            assert 3 < len(file.read().rstrip("\0")) == os.path.getsize(file.name)
    assert archived(ground, "r:/way") == ["real", "real/put", "real/v"]
    ground.run("cp", "r:/climbing", f"{ground.files}/link", name="docker")
    assert os.readlink(f"{ground.files}/link") == "../../../../../../real/v"


def test_overwriting(ground: Program) -> None:
    inside(ground, "mkdir -p /c1 /c2/x; touch /c1/x /c2/x/keep")
    clash, other = f"{ground.files}/clash/.", f"{ground.files}/other/."
    put = "Error: copying to container: copier: put: error creating"
    assert refused(ground, clash, "r:/c1") == f'{put} "/c1/x": mkdir /c1/x: file exists'
    assert refused(ground, other, "r:/c2") == f'{put} "/c2/x": open /c2/x: file exists'
    assert inside(ground, "ls /c1/x /c2/x") == ["/c1/x", "", "/c2/x:", "keep"]
    ground.run("cp", "--overwrite", clash, "r:/c1")
    ground.run("cp", "--overwrite", other, "r:/c2")
    assert inside(ground, "cat /c1/x/a /c2/x") == ["1", "2"]


def test_archives(ground: Program) -> None:
    with tarfile.open(f"{ground.files}/in.tar.gz", "w:gz") as file:
        file.add(f"{ground.files}/d", "d")
    with open(f"{ground.files}/in.tar.gz", "rb") as archive:
        ground.run("cp", "-", "r:/tmp", input=archive.read())
    assert inside(ground, "find /tmp/d | sort") == [f"/tmp/{path}" for path in below("d")]
    reading = "source must be a (compressed) tar archive when copying from stdin"
    assert reading in ground.run("cp", "-", "r:/tmp", input=b"no archive" * 99, check=125).stderr
    directory = "destination must be a directory when copying from stdin"
    assert directory in ground.run("cp", "-", "r:/etc/passwd", check=125).stderr
    assert "copied no items" in refused(ground, "r:/dev/null", "-")
    with open("/dev/full", "wb") as full:
        assert "No space left" in finish(ground.start("cp", "r:/bin", "-", stdout=full), check=125).stderr


def test_mounts_of_one_that_does_not_run(ground: Program) -> None:
    ground.run("cp", f"{ground.files}/file", "s:/mnt/b/put")
    assert os.path.exists(f"{ground.files}/bound/put")
    assert "read-only file system" in refused(ground, f"{ground.files}/file", "s:/mnt/ro/put")
    assert inside(ground, "cat /mnt/b/put") == ["hi"]
    ground.run("cp", "s:/mnt/b/put", "r:/vol/passed")
    assert archived(ground, "s:/vol/passed") == ["passed"]


def test_what_is_refused(ground: Program) -> None:
    file = f"{ground.files}/file"
    wanted = {
        (file, "r:/nodir/x"): '"/nodir/x" could not be found on container r: no such file or directory',
        (file, "r:/tmp/nope/"): '"/tmp/nope/" could not be found on container r: no such file or directory',
        (f"{file}s", "r:/"): f'"{file}s" could not be found on the host: no such file or directory',
        (f"{ground.files}/dangling", "r:/"): f'"{ground.files}/dangling" could not be found on the host: no such '
        "file or directory",
        ("r:/nofile", "."): '"/nofile" could not be found on container r: no such file or directory',
        ("r:/etc", file): "destination must be a directory when copying a directory",
        ("r:/etc/passwd", f"{ground.files}/fifo"): f'invalid destination: "{ground.files}/fifo" must be a directory '
        "or a regular file",
        (file, f"{file}2"): "name or ID cannot be empty",
        ("nosuch:/etc", "."): 'container "nosuch" does not exist',
        ("r:", "."): 'invalid arguments "r:", ".": you must specify paths',
        ("r:/dev/null", ground.files): "copying from container: copier: get: copied no items: no such file or "
        "directory",
    }
    for words, message in wanted.items():
        assert refused(ground, *words) == f"Error: {message}"
    assert "accepts 2 arg(s), received 1" in ground.run("cp", "r:/etc", check=125).stderr


def test_a_race_of_names_leads_nowhere(ground: Program) -> None:
    """A directory on the way that is a link to the host's place half of the time."""
    secret = f"{ground.files}/secret"
    ground.call("sh", "-c", f"mkdir -p {secret}; echo outside >{secret}/f")
    script = (
        f"mkdir -p /race/a{ground.files}/secret; ln -s {ground.files}/secret /race/l; mkdir /race/d; touch /race/d/f"
    )
    inside(ground, script)
    loop = "cd /race; while [ ! -e /stop ]; do mv d x; mv l d; mv d l; mv x d; done"
    ground.run("exec", "-d", "--user", "0", "r", "sh", "-c", loop)
    for number in range(12):
        ground.run("cp", "r:/race/d", f"{ground.files}/race{number}", check=False)
        ground.run("cp", f"{ground.files}/clash", "r:/race/d/in", check=False)
        copy = f"{ground.files}/race{number}"
        if not os.path.islink(copy):  # the link itself, which has taken the directory's place, is no harm
            assert not os.path.exists(f"{copy}/f") or os.path.getsize(f"{copy}/f") == 0
    inside(ground, "touch /stop")
    assert sorted(os.listdir(secret)) == ["f"]
