"""kill -9 of each command that works on containers, at system calls spread over its whole life.

Afterwards every listing works and shows whole objects, the same command repeated succeeds, and after the next command
or `system check --repair` no mount, process, namespace or unfinished file is left.

ARGOSY_FAULT_POINTS is how many places each command is killed at (a large number means: at each), ARGOSY_FAULT_SEED says
which.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from tests.faults.injection import calls, chosen, kill_at, needs_strace
from tests.rig import leaks, processes
from tests.rig.program import Program

pytestmark = needs_strace

POINTS = int(os.environ.get("ARGOSY_FAULT_POINTS", "6"))
KILLED = 128 + 9
NO_NETWORK = ("--network", "none")
MAP = ("--uidmap", "0:10:5000")
MOUNTS = ("-v", "/data", "-v", "/etc:/overlay:O", "--mount", "type=image,src=busybox,dst=/image")

Prepare = Callable[[Program, str], object]


def _nothing(_program: Program, _name: str) -> None:
    pass


def _created(program: Program, name: str) -> None:
    program.run("create", "--name", name, *NO_NETWORK, "busybox", "sleep", "600")


def _running(program: Program, name: str) -> None:
    program.run("run", "-d", "--name", name, *NO_NETWORK, "busybox", "sleep", "600")


def _fleeting(program: Program, name: str) -> None:
    program.run("run", "-d", "--rm", "--name", name, *NO_NETWORK, "busybox", "sleep", "600")


def _ended(program: Program, name: str) -> None:
    program.run("run", "--name", name, *NO_NETWORK, "busybox", "false", check=1)


def _mapped(program: Program, _name: str) -> None:
    program.run("run", "--rm", *NO_NETWORK, *MAP, "busybox", "true")


COMMANDS: dict[str, tuple[Prepare, tuple[str, ...]]] = {
    "run -d": (_nothing, ("run", "-d", "--name", "NAME", *NO_NETWORK, "busybox", "sleep", "600")),
    "run -d with a network": (_nothing, ("run", "-d", "--name", "NAME", "busybox", "sleep", "600")),
    "run --rm": (_nothing, ("run", "--rm", "--name", "NAME", *NO_NETWORK, *MOUNTS, "busybox", "true")),
    "run --uidmap": (_mapped, ("run", "--rm", "--name", "NAME", *MAP, "busybox", "true")),
    "create": (_nothing, ("create", "--name", "NAME", *NO_NETWORK, "busybox", "true")),
    "start": (_created, ("start", "NAME")),
    "start again": (_ended, ("start", "NAME")),
    "stop": (_running, ("stop", "-t", "0", "NAME")),
    "restart": (_running, ("restart", "-t", "0", "NAME")),
    "restart --rm": (_fleeting, ("restart", "-t", "0", "NAME")),
    "rm -f": (_running, ("rm", "-f", "-t", "0", "NAME")),
    "rm": (_created, ("rm", "NAME")),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_kill_anywhere(argosy_both: Program, busybox: str, command: str) -> None:
    program = argosy_both
    prepare, words = COMMANDS[command]

    def args(name: str) -> list[str]:
        return [name if word == "NAME" else word for word in words]

    prepare(program, "counted")
    numbers = calls(program, *args("counted"))
    program.run("rm", "-f", "-t", "0", "counted", check=False)
    assert len(numbers) > 10
    known = set(processes.descendants())
    points = chosen(numbers, POINTS)
    killed = 0
    for turn, point in enumerate(points):
        name = f"victim{turn}"
        prepare(program, name)
        killed += kill_at(program, point, *args(name)).returncode == KILLED
        _still_works(program)
        if turn % 2:
            program.run("system", "check", "--repair", "--quick")
            _settled(program)
        _repeat(program, name, args(name))
        program.run("rm", "-f", "-v", "-t", "0", name, check=False)
        assert program.run("ps", "-aq").stdout == "", f"after a kill at {point}"
    program.run("system", "check", "--repair", "--quick")
    assert leaks.left_over(program, known) == []
    assert os.listdir(f"{program.root}/containers") == []
    assert killed >= len(points) // 2  # not every run comes to every call


def _still_works(program: Program) -> None:
    """Listings show whole objects or nothing."""
    for line in program.run("ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}}").lines:
        container_id, name = line.split()
        assert len(container_id) == 64
        assert name.startswith("victim")
        described = program.run("inspect", name, check=False)
        if described.returncode == 0 or program.run("container", "exists", name, check=False).returncode == 0:
            assert described.json()[0]["Id"] == container_id  # else its own clean-up has removed it meanwhile
    assert "busybox" in program.run("images").stdout


def _settled(program: Program) -> None:
    """After a repair there is nothing but containers that run, whole."""
    assert program.run("system", "check", "--quick").stdout == "No damage, nothing left over\n"
    deadline = time.monotonic() + 10
    while left := _left(program):
        assert time.monotonic() < deadline, left  # an exit command may be at its work
        time.sleep(0.05)


def _left(program: Program) -> list[str]:
    running = {*program.run("ps", "-q", "--no-trunc").lines, ".cache"}  # the latter is crun's, from 1.9 on
    left = [
        text
        for name in ("containers", "runtime", "netns")
        for text in leaks.names(f"{program.runroot}/{name}", running)
    ]
    return left + leaks.names(f"{program.root}/tmp")


def _repeat(program: Program, name: str, args: list[str]) -> None:
    """The same command succeeds; where it makes the container, one that is there already goes first."""
    there = program.run("container", "exists", name, check=False).returncode == 0
    if args[0] in ("run", "create") and "--rm" not in args and there:
        program.run("rm", "-f", "-t", "0", name)
    if args[0] in ("rm", "stop", "restart") and not there:
        return
    done = program.run(*args, check=args[0] != "restart")
    if done.returncode:  # one made with --rm that was stopped: its own clean-up was quicker than we
        assert program.run("container", "exists", name, check=False).returncode == 1, done.stderr


def test_kill_while_a_layer_gets_other_owners(argosy_user: Program) -> None:
    """A tree for another id map is there whole or not at all, and what the container had in /tmp is taken away."""
    program = argosy_user
    image = program.busybox()
    known, others = set(processes.descendants()), set(os.listdir("/tmp"))

    def args(number: int) -> list[str]:
        return ["run", "--rm", "--name", "victim0", *NO_NETWORK, "--uidmap", f"0:{number}:3000", image, "ls", "/bin/sh"]

    points = chosen(calls(program, *args(1)), POINTS * 2)
    for turn, point in enumerate(points):
        kill_at(program, point, *args(turn + 2))
        _still_works(program)
        assert program.run(*args(turn + 2)).stdout == "/bin/sh\n", f"after a kill at {point}"
    program.run("system", "check", "--repair", "--quick")
    assert leaks.left_over(program, known) == []
    assert [name for name in set(os.listdir("/tmp")) - others if len(name) == len("argosy-") + 32] == []


def test_kill_of_rename(argosy_both: Program, busybox: str) -> None:
    """The container has one of its names, and the same command run again gives it the new one."""
    program = argosy_both
    _created(program, "counted")
    points = chosen(calls(program, "rename", "counted", "renamed"), POINTS)
    killed = 0
    for turn, point in enumerate(points):
        words = ("rename", f"victim{turn}", f"renamed{turn}")
        _created(program, words[1])
        killed += kill_at(program, point, *words).returncode == KILLED
        found = [name for name in words[1:] if program.run("container", "exists", name, check=False).returncode == 0]
        assert len(found) == 1
        if found[0] == words[1]:
            program.run(*words)
        assert program.run("inspect", "--format", "{{.Name}}", words[2]).stdout == f"{words[2]}\n"
    program.run("system", "check", "--repair", "--quick")
    names = set(program.run("ps", "-a", "--format", "{{.Names}}").lines)
    assert names == {"renamed", *(f"renamed{turn}" for turn in range(len(points)))}
    assert killed >= len(points) // 2


def test_kill_of_cleanup(argosy_both: Program, busybox: str) -> None:
    """conmon's exit command killed anywhere: the next command finishes its work."""
    program = argosy_both
    known = set(processes.descendants())
    _running(program, "counted")
    points = chosen(calls(program, "container", "cleanup", _end(program, "counted")), POINTS)
    killed = 0
    for turn, point in enumerate(points):
        name = f"victim{turn}"
        _running(program, name)
        done = kill_at(program, point, "container", "cleanup", _end(program, name))
        killed += done.returncode == KILLED
        assert program.run("wait", name).stdout.strip() == "137"
        status = program.run("ps", "-a", "--filter", f"name={name}", "--format", "{{.Status}}").stdout
        assert "Exited (137)" in status
        program.run("start", name)
        program.run("rm", "-f", "-t", "0", name)
    program.run("rm", "counted")
    program.run("system", "check", "--repair", "--quick")
    assert killed >= len(points) // 2
    assert leaks.left_over(program, known) == []


def _end(program: Program, name: str) -> str:
    """End a container by the hand of the kernel; its id.  Its conmon is killed first: nobody cleans up."""
    described = program.run("inspect", name).json()[0]
    state = described["State"]
    container_id: str = described["Id"]
    with open(f"{program.runroot}/exits/{container_id}", "w", encoding="ascii") as file:
        file.write("137")
    for pid in (state["ConmonPid"], state["Pid"]):
        os.kill(pid, 9)
    return container_id


@pytest.mark.parametrize("look", [1, 2])
def test_a_removal_while_an_orphaned_start_goes_on(argosy_both: Program, busybox: str, look: int) -> None:
    """`runtime start` outlives its killed command, and completes it between two looks of the one that removes."""
    program = argosy_both
    known = set(processes.descendants())
    gate = f"{program.files}/gate"
    os.mkfifo(gate, 0o666)
    os.chmod(gate, 0o666)
    runtime = program.run("info", "--format", "{{.Host.OCIRuntime.Path}}").stdout.strip()
    script = f'#!/bin/sh\ncase " $* " in *" start "*) cat {gate};; esac\nexec {runtime} "$@"\n'
    slow = program.write(os.path.basename(runtime), script, 0o755)
    run = program.argv("--runtime", slow, "run", "-d", "--name", "x", *NO_NETWORK, "busybox", "sleep", "600")
    starter = program.spawn(run, stdout=-3, stderr=-3)
    _until(lambda: any(line == f"cat {gate}" for line in processes.descendants().values()))
    starter.kill()
    starter.wait()
    (container_id,) = os.listdir(f"{program.root}/containers")
    mark = f"{program.runroot}/runtime/{container_id}/exec.fifo"
    log = program.write("calls", b"", 0o666)
    slowed = f"inject=newfstatat,stat,statx:delay_exit=600000:when={look}"
    words = ["strace", "-f", "-qq", "-o", log, "-P", mark, "-e", slowed, *program.argv("rm", "-f", "-t", "0", "x")]
    removal = program.spawn(words, stdout=-3)
    _until(lambda: _lines(log) >= look or removal.poll() is not None)
    os.close(os.open(gate, os.O_RDWR))
    assert removal.wait() == 0
    assert leaks.left_over(program, known | leaks.pause_processes(program)) == []
    assert os.listdir(f"{program.root}/containers") == []


def _lines(path: str) -> int:
    with open(path, "rb") as file:
        return file.read().count(b"\n")


def _until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)
