"""kill -9 of each command that works on containers, at system calls spread over its whole life.

Afterwards every listing works, the same command repeated succeeds, and `system check --repair` (or the next command)
leaves no mount, process, namespace or unfinished file: the program fixture checks that when the test ends.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.faults.injection import count_calls, kill_at, needs_strace, spread
from tests.rig.program import Program

pytestmark = needs_strace

# How many places each command is killed at.  ARGOSY_FAULT_POINTS raises it for a long run by hand.
POINTS = int(os.environ.get("ARGOSY_FAULT_POINTS", "10"))

Prepare = Callable[[Program, str], object]


def _nothing(_program: Program, _name: str) -> None:
    pass


def _created(program: Program, name: str) -> None:
    program.run("create", "--name", name, "--network", "none", "busybox", "sleep", "600")


def _running(program: Program, name: str) -> None:
    program.run("run", "-d", "--name", name, "--network", "none", "busybox", "sleep", "600")


COMMANDS: dict[str, tuple[Prepare, tuple[str, ...]]] = {
    "run -d": (_nothing, ("run", "-d", "--name", "NAME", "--network", "none", "busybox", "sleep", "600")),
    "run --rm": (_nothing, ("run", "--rm", "--name", "NAME", "--network", "none", "busybox", "true")),
    "create": (_nothing, ("create", "--name", "NAME", "--network", "none", "busybox", "true")),
    "start": (_created, ("start", "NAME")),
    "stop": (_running, ("stop", "-t", "0", "NAME")),
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
    total = count_calls(program, *args("counted"))
    program.run("rm", "-f", "-t", "0", "counted", check=False)
    assert total > 20
    for number in spread(total, POINTS):
        name = f"victim{number}"
        prepare(program, name)
        kill_at(program, number, *args(name))
        _still_works(program)
        _repeat(program, command, name, args(name))
        program.run("rm", "-f", "-t", "0", name, check=False)
        assert program.run("ps", "-aq").stdout == "", f"after a kill at call {number} of {total}"
    program.run("system", "check", "--repair")
    assert os.listdir(f"{program.root}/containers") == []


def _still_works(program: Program) -> None:
    """Listings show whole objects or nothing."""
    for line in program.run("ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}}").lines:
        container_id, name = line.split()
        assert len(container_id) == 64
        assert name.startswith("victim")
        program.run("inspect", name)
    assert "busybox" in program.run("images").stdout


def _repeat(program: Program, command: str, name: str, args: list[str]) -> None:
    """The same command succeeds; where it makes the container, one that is there already goes first."""
    there = program.run("container", "exists", name, check=False).returncode == 0
    if command.startswith(("run", "create")) and there:
        program.run("rm", "-f", "-t", "0", name)
    if command.startswith(("rm", "stop")) and not there:
        return
    program.run(*args)


def test_kill_of_cleanup(argosy: Program, busybox: str) -> None:
    """conmon's exit command killed anywhere: the next command finishes its work."""
    program = argosy
    total = 150
    for number in spread(total, POINTS):
        name = f"victim{number}"
        program.run("run", "-d", "--name", name, "--network", "none", "busybox", "sleep", "600")
        pid = program.run("inspect", "--format", "{{.State.Pid}}", name).stdout.strip()
        container_id = program.run("inspect", "--format", "{{.Id}}", name).stdout.strip()
        os.kill(int(pid), 9)
        kill_at(program, number, "container", "cleanup", container_id)
        assert program.run("wait", name).stdout.strip() == "137"
        assert "Exited (137)" in program.run("ps", "-a", "--format", "{{.Status}}").stdout
        program.run("rm", name)
    program.run("system", "check", "--repair")


def test_conmon_killed(argosy_both: Program, busybox: str) -> None:
    """A container whose conmon was killed runs on, can be seen, stopped and removed."""
    program = argosy_both
    program.run("run", "-d", "--name", "orphan", "--network", "none", "busybox", "sleep", "600")
    container_id = program.run("inspect", "--format", "{{.Id}}", "orphan").stdout.strip()
    with open(f"{program.runroot}/containers/{container_id}/conmon.pid", encoding="ascii") as file:
        os.kill(int(file.read()), 9)
    assert program.run("ps", "-q").stdout.strip() == container_id[:12]
    program.run("exec", "orphan", "true")
    program.run("stop", "-t", "0", "orphan")
    assert "Exited" in program.run("ps", "-a", "--format", "{{.Status}}").stdout
    program.run("start", "orphan")
    program.run("rm", "-f", "-t", "0", "orphan")


def test_run_directory_wiped(argosy: Program, busybox: str) -> None:
    """Without its run directory a running container is still seen, ended and removed; a new one can be run."""
    program = argosy
    program.run("run", "-d", "--name", "lost", "--network", "none", "busybox", "sleep", "600")
    program.call("rm", "-rf", program.runroot)
    assert "lost" in program.run("ps", "-a", "--format", "{{.Names}}").stdout
    program.run("run", "--rm", "--network", "none", "busybox", "true")
    program.run("rm", "-f", "-t", "0", "lost")
    assert program.run("ps", "-aq").stdout == ""


def test_reboot(argosy: Program, busybox: str) -> None:
    """After a reboot (other boot id, no run directory, no mounts) containers have exited and can be started again."""
    program = argosy
    program.run("run", "-d", "--name", "old", "--network", "none", "busybox", "sleep", "600")
    container_id = program.run("inspect", "--format", "{{.Id}}", "old").stdout.strip()
    _power_off(program, container_id)
    assert "Exited" in program.run("ps", "-a", "--format", "{{.Status}}").stdout
    program.run("start", "old")
    assert program.run("ps", "--format", "{{.Names}}").stdout.strip() == "old"
    program.run("rm", "-f", "-t", "0", "old")


def _power_off(program: Program, container_id: str) -> None:
    """End what a reboot ends: processes, mounts, the run directory, and the boot id that was written down."""
    pid = program.run("inspect", "--format", "{{.State.Pid}}", container_id).stdout.strip()
    with open(f"{program.runroot}/containers/{container_id}/conmon.pid", encoding="ascii") as file:
        os.kill(int(file.read()), 9)
    os.kill(int(pid), 9)
    program.call("umount", f"{program.root}/containers/{container_id}/merged")
    program.call("rm", "-rf", program.runroot)
    path = f"{program.root}/containers/{container_id}/started.json"
    with open(path, "rb") as file:
        data = file.read()
    from argosy.records import shelf

    body = shelf.unseal(data, "started.json", path)
    with open("/proc/sys/kernel/random/boot_id", "rb") as file:
        current = file.read().strip()
    assert current in body
    with open(path, "wb") as file:
        file.write(shelf.seal(body.replace(current, b"00000000-0000-4000-8000-000000000000")))
