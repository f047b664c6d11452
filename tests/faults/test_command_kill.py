"""kill -9 of the commands of everyday life, each at a few system calls spread over its whole life.

Whatever was killed: listings show whole objects, the same command repeated does what it is for, and after `system check
--repair` nothing is left.  `test_container_kill` has the commands that run containers.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterator

import pytest

from tests.faults.injection import Point, calls, chosen, kill_at, needs_strace
from tests.rig import host, leaks, processes
from tests.rig.checkpointing import Runtime
from tests.rig.program import Program

pytestmark = needs_strace

POINTS = int(os.environ.get("ARGOSY_FAULT_POINTS", "3"))
KILLED = 128 + 9
NO_NETWORK = ("--network", "none")
SLEEP = ("--stop-timeout", "0", *NO_NETWORK, "busybox", "sleep", "600")

Work = Callable[[Program, str], object]


class Case:
    """A command: what is there before, its words (NAME is another name each time, HERE a directory), and what must be
    there after it.  `again` is done before the command is repeated."""

    def __init__(self, prepare: Work, words: str, check: Work, *, again: Work | None = None) -> None:
        self.prepare, self.words, self.check, self.again = prepare, words.split(), check, again or nothing

    def args(self, program: Program, name: str) -> list[str]:
        return [word.replace("NAME", name).replace("HERE", program.files) for word in self.words]


def nothing(_program: Program, _name: str) -> None:
    return


def created(program: Program, name: str) -> None:
    program.run("create", "--name", name, *SLEEP)


def running(program: Program, name: str) -> None:
    program.run("run", "-d", "--name", name, *SLEEP)


def stopped(program: Program, name: str) -> None:
    program.run("run", "-d", "--restart", "always", "--name", name, *SLEEP)
    program.run("stop", "-t", "0", name)


def with_volume(program: Program, name: str) -> None:
    program.run("volume", "create", name)
    program.run("volume", "import", name, archive(program))


def archive(program: Program) -> str:
    path = f"{program.files}/archive.tar"
    if not os.path.exists(path):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            for number in range(20):
                entry = tarfile.TarInfo(f"d/{number}")
                entry.size = 3
                tar.addfile(entry, io.BytesIO(b"abc"))
        program.write("archive.tar", out.getvalue())
    return path


def built(program: Program, version: str) -> None:
    path = program.write("Containerfile", f'FROM busybox\nENV VERSION={version}\nVOLUME /kept\nCMD ["sleep", "600"]\n')
    program.run("build", "-q", "-t", "localhost/app", "-f", path, program.files)


def updatable(program: Program, name: str) -> None:
    built(program, "old")
    words = ("--stop-timeout", "0", *NO_NETWORK, "--label", "io.containers.autoupdate=local")
    program.run("run", "-d", "--name", name, *words, "localhost/app")
    program.run("exec", name, "sh", "-c", "echo here > /kept/x")
    built(program, "new")


def labelled(program: Program, _name: str) -> None:
    if program.run("image", "exists", "localhost/labelled", check=False).returncode:
        path = program.write("Labelled", 'FROM busybox\nLABEL run="podman create --name NAME IMAGE true"\n')
        program.run("build", "-q", "-t", "localhost/labelled", "-f", path, program.files)


def with_files(program: Program, name: str) -> None:
    created(program, name)
    if not os.path.exists(f"{program.files}/d"):
        with tarfile.open(archive(program)) as tar:
            tar.extractall(program.files)


def secret(program: Program, name: str) -> None:
    program.run("secret", "create", name, archive(program))


def without(*words: str) -> Work:
    """What a killed command may have made already is taken away."""

    def work(program: Program, name: str) -> None:
        program.run(*(word.replace("NAME", name) for word in words), check=False)

    return work


def says(expected: str, *words: str) -> Work:
    def check(program: Program, name: str) -> None:
        assert expected.replace("NAME", name) in program.run(*(word.replace("NAME", name) for word in words)).stdout

    return check


def exported(program: Program, name: str) -> None:
    with tarfile.open(f"{program.files}/{name}.tar") as tar:
        assert len([entry for entry in tar if entry.isfile()]) == 20


def copied(program: Program, name: str) -> None:
    target = f"{program.files}/{name}.out"
    program.run("cp", f"{name}:/d", target)
    assert sorted(os.listdir(target)) == sorted(map(str, range(20)))


def updated(program: Program, name: str) -> None:
    found = program.run("exec", name, "sh", "-c", "echo $VERSION; cat /kept/x").lines
    assert found == ["new", "here"]
    assert [line for line in program.run("ps", "-a", "--format", "{{.Names}}").lines if "before" in line] == []


def passed_over(program: Program, name: str) -> None:
    """Where the killed command has done it already, doing it again is an error: the container is let go on."""
    program.run("unpause", name, check=False)
    program.run("stop", "-t", "0", name)
    program.run("start", name)


def taken_down(program: Program, name: str) -> None:
    program.run("stop", name)


def recreated(program: Program, name: str) -> None:
    program.run("secret", "rm", name, check=False)
    secret(program, name)


CASES = {
    "cp in": Case(with_files, "cp HERE/d NAME:/", copied),
    "cp out": Case(created, "cp NAME:/etc HERE/NAME.etc", nothing),
    "container clone": Case(
        created,
        "container clone NAME NAME-copy",
        says("created", "inspect", "NAME-copy"),
        again=without("rm", "NAME-copy"),
    ),
    "update": Case(running, "update --restart always NAME", says("always", "inspect", "NAME")),
    "volume create": Case(
        nothing, "volume create NAME", says("NAME", "volume", "ls"), again=without("volume", "rm", "NAME")
    ),
    "volume import": Case(with_volume, "volume import NAME HERE/archive.tar", nothing),
    "volume export": Case(with_volume, "volume export -o HERE/NAME.tar NAME", exported),
    "volume rm": Case(with_volume, "volume rm -f NAME", nothing),
    "commit": Case(running, "commit -q NAME localhost/NAME", says("localhost/NAME", "images")),
    "init": Case(created, "init NAME", says("initialized", "inspect", "NAME"), again=taken_down),
    "pause": Case(running, "pause NAME", says("paused", "inspect", "NAME"), again=passed_over),
    "mount": Case(created, "mount NAME", says("NAME", "ps", "-a")),
    "system boot": Case(stopped, "system boot", says("Up", "ps", "--filter", "name=NAME")),
    "container runlabel": Case(
        labelled,
        "container runlabel --name NAME run localhost/labelled",
        says("created", "inspect", "NAME"),
        again=without("rm", "NAME"),
    ),
    "generate spec": Case(created, "generate spec -f HERE/NAME.json NAME", nothing),
    "secret create": Case(
        nothing,
        "secret create NAME HERE/archive.tar",
        says("NAME", "secret", "ls"),
        again=without("secret", "rm", "NAME"),
    ),
    "secret rm": Case(secret, "secret rm NAME", nothing, again=recreated),
    "auto-update": Case(updatable, "auto-update", updated),
}


@pytest.fixture(scope="module")
def program(shared_program: Program) -> Program:
    shared_program.busybox()
    return shared_program


@pytest.fixture(autouse=True)
def _emptied(program: Program) -> Iterator[None]:
    archive(program)
    yield
    empty(program)


def empty(program: Program) -> None:
    program.run("unmount", "--all")
    program.run("rm", "--all", "--force", "--time", "0", "--volumes")
    program.run("volume", "rm", "--all", "--force")
    program.run("secret", "rm", "--all")


def whole(program: Program) -> None:
    """Listings name whole objects, and complain of none."""
    for words in (("ps", "-a"), ("volume", "ls")):
        assert program.run(*words).stderr == ""


def inner(points: list[Point]) -> list[Point]:
    """Places between the first and the last: there nothing has happened yet, or all has."""
    return chosen(points, POINTS)[1:-1]


@pytest.mark.parametrize("command", CASES)
def test_kill(program: Program, command: str) -> None:
    case = CASES[command]
    case.prepare(program, "counted")
    points = inner(calls(program, *case.args(program, "counted")))
    case.check(program, "counted")
    empty(program)
    known = set(processes.descendants()) | leaks.pause_processes(program)
    killed = 0
    for turn, point in enumerate(points):
        name = f"{command.replace(' ', '')}{turn}"
        case.prepare(program, name)
        words = case.args(program, name)
        killed += kill_at(program, point, *words).returncode == KILLED
        whole(program)
        if turn % 2:
            program.run("system", "check", "--repair", "--quick")
        case.again(program, name)
        done = program.run(*words, check=False)
        assert done.returncode == 0, (point, done.stderr)
        case.check(program, name)
        empty(program)
    assert killed >= len(points) // 2
    program.run("system", "check", "--repair", "--quick")
    assert program.run("system", "check", "--quick").stdout == "No damage, nothing left over\n"
    assert leaks.left_over(program, known) == []


SAVED = {
    "checkpoint": ("container", "checkpoint", "NAME"),
    "checkpoint --export": ("container", "checkpoint", "--export", "HERE/exported", "NAME"),
    "restore": ("container", "restore", "NAME"),
    "restore --import": ("container", "restore", "--import", "HERE/saved", "--name", "NAME"),
}


@host.needs_root
def test_kill_of_checkpoints(argosy: Program) -> None:
    """A container runs, or can be restored: its processes are not lost between the two."""
    program = argosy
    program.busybox()
    runtime = Runtime(program)
    running(program, "saved")
    program.run("container", "checkpoint", "--export", f"{program.files}/saved", "saved")
    program.run("rm", "saved")
    known = set(processes.descendants()) | leaks.pause_processes(program)
    for command, words in SAVED.items():
        saved = "--import" in words

        def prepare(name: str, *, saved: bool = saved, command: str = command) -> None:
            if not saved:
                running(program, name)
            if command == "restore":
                program.run("container", "checkpoint", name)

        def args(name: str, words: tuple[str, ...] = words) -> list[str]:
            return [word.replace("NAME", name).replace("HERE", program.files) for word in words]

        prepare("counted")
        points = inner(calls(program, *args("counted")))
        program.run("rm", "--all", "--force", "--time", "0")
        for turn, point in enumerate(points):
            name = f"victim{turn}"
            prepare(name)
            kill_at(program, point, *args(name))
            whole(program)
            if saved:
                program.run("rm", "-f", "-t", "0", name, check=False)
                program.run(*args(name))
            elif status(program, name) != "running":
                program.run("container", "restore", name)
            assert status(program, name) == "running", (command, point)
            program.run("rm", "-f", "-t", "0", name)
        program.run("system", "check", "--repair", "--quick")
        assert leaks.left_over(program, known) == []
    runtime.calls()


def status(program: Program, name: str) -> str:
    return program.run("inspect", "--format", "{{.State.Status}}", name).stdout.strip()
