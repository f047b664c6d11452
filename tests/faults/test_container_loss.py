"""What containers survive: conmon or the runtime killed, the run directory wiped, a reboot.

ARGOSY_FAULT_POINTS is at how many moments of its creating conmon is killed.
"""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from argosy.records import shelf
from tests.rig import leaks, processes
from tests.rig.program import Program, finish

POINTS = int(os.environ.get("ARGOSY_FAULT_POINTS", "6"))
NO_NETWORK = ("--network", "none")
OTHER_BOOT = b"00000000-0000-4000-8000-000000000000"


def run(program: Program, name: str, *flags: str) -> dict[str, Any]:
    """Run a container that sleeps; what `inspect` tells of it."""
    program.run("run", "-d", "--name", name, *flags, "busybox", "sleep", "600")
    described: dict[str, Any] = program.run("inspect", name).json()[0]
    return described


def status(program: Program, name: str) -> str:
    return program.run("ps", "-a", "--filter", f"name={name}", "--format", "{{.Status}}").stdout.strip()


def test_conmon_killed(argosy_both: Program, busybox: str) -> None:
    """The container runs on, can be seen, stopped, started and removed."""
    program = argosy_both
    os.kill(run(program, "orphan", *NO_NETWORK)["State"]["ConmonPid"], 9)
    assert status(program, "orphan").startswith("Up")
    program.run("exec", "orphan", "true")
    program.run("stop", "-t", "0", "orphan")
    assert status(program, "orphan").startswith("Exited (255)")
    program.run("start", "orphan")
    os.kill(program.run("inspect", "orphan").json()[0]["State"]["ConmonPid"], 9)
    program.run("rm", "-f", "-t", "0", "orphan")
    assert program.run("system", "check", "--quick").stdout == "No damage, nothing left over\n"


def test_conmon_killed_while_it_creates(argosy_both: Program, busybox: str) -> None:
    """At any moment: `run` fails or not, and nothing of it is left after the next command."""
    program = argosy_both
    known = set(processes.descendants())
    for number in range(POINTS):
        name = f"victim{number}"
        process = program.start("run", "-d", "--name", name, *NO_NETWORK, "busybox", "sleep", "600")
        kill_conmon(program, 0.003 * number)
        done = finish(process, check=False)
        assert done.returncode in (0, 125), done.stderr
        assert program.run("ps", "-a", "--format", "{{.Names}}").stdout == f"{name}\n"
        if number % 2:
            program.run("start", name)
        program.run("rm", "-f", "-t", "0", name)
        assert leaks.left_over(program, known) == []


def kill_conmon(program: Program, delay_s: float) -> None:
    """Wait for a conmon of this program's, and so long, then kill it and the ones that it has become."""
    deadline = time.monotonic() + 20
    while not conmons(program) and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(delay_s)
    while pids := conmons(program):
        processes.kill(dict.fromkeys(pids, ""))


def conmons(program: Program) -> list[int]:
    return [pid for pid, line in processes.descendants().items() if f" -b {program.runroot}/containers/" in line]


@pytest.mark.parametrize("flags", [NO_NETWORK, ()], ids=["none", "private"])
def test_run_directory_wiped(argosy_both: Program, busybox: str, flags: tuple[str, ...]) -> None:
    """A container whose run directory is gone is still seen, ended and removed; a new one can be run."""
    program = argosy_both
    known = set(processes.descendants())
    for name in ("lost", "ended", "forgotten"):
        run(program, name, *flags)
    wipe(program)
    assert status(program, "lost").startswith("Up")
    program.run("run", "--rm", *flags, "busybox", "true")
    program.run("stop", "-t", "0", "ended")
    assert status(program, "ended").startswith("Exited (137)")
    program.run("start", "ended")
    for name in ("lost", "ended"):
        program.run("rm", "-f", "-t", "0", name)
    os.kill(program.run("inspect", "forgotten").json()[0]["State"]["Pid"], 9)
    assert program.run("wait", "forgotten").stdout == "137\n"
    program.run("rm", "forgotten")
    program.run("system", "check", "--repair", "--quick")
    assert leaks.left_over(program, known) == []


FIRST: dict[str, tuple[str, ...]] = {
    "rm": ("rm", "-f", "-t", "0", "lost"),
    "stop": ("stop", "-t", "0", "lost"),
    "kill": ("kill", "lost"),
    "repair": ("system", "check", "--repair", "--quick"),
}


AFTERWARDS = {"rm": [""], "stop": ["Exited"], "kill": ["Exited", "Stopping"], "system": ["Up"]}


@pytest.mark.parametrize("flags", [NO_NETWORK, ()], ids=["none", "private"])
def test_the_first_command_after_all_is_wiped(argosy_both: Program, busybox: str, flags: tuple[str, ...]) -> None:
    """Neither a run directory nor a mount is left of what runs: it can be ended and removed, as a whole."""
    program = argosy_both
    known = set(processes.descendants())
    for command in FIRST.values():
        run(program, "lost", *flags)
        wipe(program)
        for mount in leaks.mounts(program, set()):
            program.call("umount", "-l", mount.removeprefix("mount: "))
        program.run(*command)
        deadline = time.monotonic() + 10
        while status(program, "lost").startswith("Up") and "Up" not in AFTERWARDS[command[0]]:
            assert time.monotonic() < deadline, "a signal takes effect a moment after `kill`, but no more"
        assert status(program, "lost").partition(" ")[0] in AFTERWARDS[command[0]]
        program.run("rm", "-f", "-t", "0", "lost", check=command[0] != "rm")
        assert leaks.left_over(program, known) == []
        assert program.run("system", "check", "--quick").stdout == "No damage, nothing left over\n"


def wipe(program: Program) -> None:
    """What a tidying script or a session's end does to the run directory; what root has mounted there goes first."""
    mounted = [*leaks.names(f"{program.runroot}/netns")]
    containers = f"{program.runroot}/containers"
    mounted += [f"{containers}/{name}/shm" for name in os.listdir(containers)]
    for path in mounted:
        program.call("umount", "-l", path, check=False)
    assert program.runroot.startswith("/tmp/")
    program.call("rm", "-rf", program.runroot)
    assert not os.path.exists(program.runroot)


@pytest.mark.parametrize("flags", [NO_NETWORK, ()], ids=["none", "private"])
def test_reboot(argosy_both: Program, busybox: str, flags: tuple[str, ...]) -> None:
    """After a reboot (other boot id, no run directory, no processes) containers have ended and can be started."""
    program = argosy_both
    known = set(processes.descendants()) - leaks.pause_processes(program)
    for name, more in (("old", ()), ("gone", ("--rm",))):
        run(program, name, *flags, *more)
    program.run("exec", "old", "sh", "-c", "echo kept >/file")
    power_off(program, known)
    assert status(program, "old").startswith("Exited (255)")
    program.run("start", "old")
    assert program.run("exec", "old", "cat", "/file").stdout == "kept\n"
    assert program.run("ps", "--format", "{{.Names}}").stdout == "old\n"
    program.run("system", "check", "--repair", "--quick")
    assert program.run("ps", "-a", "--format", "{{.Names}}").stdout == "old\n"
    program.run("rm", "-f", "-t", "0", "old")


def test_boot(argosy_both: Program, busybox: str) -> None:
    """After a reboot, `system boot` starts what restart policies want, and nothing else."""
    program = argosy_both
    known = set(processes.descendants()) - leaks.pause_processes(program)
    policies = ("always", "unless-stopped", "on-failure", "no")
    for policy in policies:
        run(program, policy, *NO_NETWORK, "--restart", policy)
        run(program, f"{policy}-stopped", *NO_NETWORK, "--restart", policy)
        program.run("stop", "-t", "0", f"{policy}-stopped")
    program.run("create", "--name", "created", *NO_NETWORK, "--restart", "always", busybox, "sleep", "100")
    program.run("run", *NO_NETWORK, "--name", "succeeded", "--restart", "on-failure", busybox, "true")
    program.run("container", "cleanup", "succeeded")  # its status is written down
    power_off(program, known)
    started = program.run("system", "boot").lines
    names = program.run("ps", "--format", "{{.Names}}").lines
    assert sorted(names) == ["always", "always-stopped", "on-failure", "unless-stopped"]
    assert len(started) == 4
    assert program.run("system", "boot").stdout == ""
    damaged = program.run("inspect", "-f", "{{.ID}}", "no").stdout.strip()
    with open(f"{program.root}/containers/{damaged}/container.json", "w") as file:
        file.write("{}")
    assert damaged in program.run("system", "boot", check=125).stderr
    program.run("rm", "-a", "-f", "-t", "0")


def power_off(program: Program, known: set[int]) -> None:
    """End what a reboot ends: processes, mounts, the run directory; and let what is written down be of another boot."""
    while left := processes.settle(known, 0):
        processes.kill(left)
    for mount in leaks.mounts(program, set()):
        program.call("umount", "-l", mount.removeprefix("mount: "))
    wipe(program)
    with open("/proc/sys/kernel/random/boot_id", "rb") as file:
        current = file.read().strip()
    for directory in leaks.names(f"{program.root}/containers"):
        for name in ("started.json", "container.json"):
            path = f"{directory}/{name}"
            if not os.path.exists(path):
                continue  # it was not running
            with open(path, "rb") as file:
                body = shelf.unseal(file.read(), name, path)
            with open(path, "wb") as file:
                file.write(shelf.seal(body.replace(current, OTHER_BOOT)))
