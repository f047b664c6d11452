"""kill -9 of each command that works on pods, at system calls spread over its whole life.

Afterwards every listing works and shows whole pods, the same command repeated succeeds, and after `system check
--repair` nothing is left of what was killed.  ARGOSY_FAULT_POINTS and ARGOSY_FAULT_SEED are as with containers.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.faults.injection import calls, chosen, kill_at, needs_strace
from tests.rig import host
from tests.rig.program import Program

pytestmark = [needs_strace, host.needs_root]

POINTS = int(os.environ.get("ARGOSY_FAULT_POINTS", "2"))
KILLED = 128 + 9
ALONE = ("--network", "none")
SLEEP = ("busybox", "sleep", "600")

Prepare = Callable[[Program, str], object]


def _nothing(_program: Program, _name: str) -> None:
    pass


def _made(program: Program, name: str) -> None:
    program.run("pod", "create", "--name", name, *ALONE)
    program.run("create", "--pod", name, *SLEEP)


def _running(program: Program, name: str) -> None:
    program.run("run", "-d", "--pod", f"new:{name}", *ALONE, *SLEEP)


COMMANDS: dict[str, tuple[Prepare, tuple[str, ...]]] = {
    "create": (_nothing, ("pod", "create", "--replace", "--infra-name", "hold-NAME", *ALONE, "--name", "NAME")),
    "start": (_made, ("pod", "start", "NAME")),
    "stop": (_running, ("pod", "stop", "-t", "0", "NAME")),
    "rm": (_running, ("pod", "rm", "--ignore", "-f", "-t", "0", "NAME")),
    "run": (_made, ("run", "-d", "--replace", "--stop-timeout", "0", "--name", "in-NAME", "--pod", "NAME", *SLEEP)),
}


@pytest.fixture(scope="module")
def program(shared_program: Program) -> Program:
    shared_program.busybox()
    return shared_program


@pytest.mark.parametrize("command", COMMANDS)
def test_kill_anywhere(program: Program, command: str) -> None:
    prepare, words = COMMANDS[command]

    def args(name: str) -> list[str]:
        return [word.replace("NAME", name) for word in words]

    prepare(program, "counted")
    numbers = calls(program, *args("counted"))
    program.run("pod", "rm", "--all", "-f", "-t", "0")
    assert len(numbers) > 10
    points = chosen(numbers, POINTS)
    killed = 0
    for turn, point in enumerate(points):
        name = f"victim{turn}"
        prepare(program, name)
        killed += kill_at(program, point, *args(name)).returncode == KILLED
        _still_works(program)
        if turn % 2:
            program.run("system", "check", "--repair", "--quick")
            assert program.run("system", "check", "--quick").stdout == "No damage, nothing left over\n"
        done = program.run(*args(name), check=False)
        assert done.returncode == 0, f"after a kill at {point}: {done.stderr}"
        program.run("pod", "rm", "--ignore", "-f", "-t", "0", name)
        program.run("system", "check", "--repair", "--quick")
        assert program.run("ps", "-aq").stdout == "", f"after a kill at {point}"
        assert program.run("pod", "ps", "-q").stdout == "", f"after a kill at {point}"
    assert os.listdir(f"{program.root}/pods") == os.listdir(f"{program.root}/containers") == []
    assert killed >= len(points) // 2  # not every run comes to every call


def _still_works(program: Program) -> None:
    """Listings show whole pods or nothing."""
    for line in program.run("pod", "ps", "--no-trunc", "--format", "{{.ID}} {{.Name}}").lines:
        pod_id, name = line.split()
        assert name.startswith("victim")
        assert program.run("pod", "inspect", name).json()["Id"] == pod_id
    program.run("ps", "-a", "--pod")
