"""Health checks: their processes killed, their container or run directory gone, the disk full, the host booted."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.faults.disk import Disk, can_cut
from tests.integration.test_health import OFTEN, health, keepers, run, status, until
from tests.rig import leaks, processes
from tests.rig.program import Program, finish

ROUNDS = int(os.environ.get("ARGOSY_FAULT_POINTS", "3"))


@pytest.fixture(scope="module")
def program(shared_program: Program) -> Program:
    shared_program.busybox()
    return shared_program


def last(program: Program, name: str) -> str:
    log = health(program, name)["Log"]
    return str(log[-1]["End"]) if log else ""


def goes_on(program: Program, name: str) -> None:
    before = last(program, name)
    until(lambda: last(program, name) > before)


def remove(program: Program, *names: str) -> None:
    program.run("rm", "-f", "-t", "0", *names)
    until(lambda: not keepers(program))


def test_the_keeper_killed(program: Program) -> None:
    """Again and again, at any moment: one comes back with the next look, with all that was known."""
    run(program, "kept", *OFTEN, "--health-cmd", "true")
    program.run("wait", "--condition", "healthy", "kept")
    for _ in range(ROUNDS):
        for keeper in until(lambda: keepers(program)):
            os.kill(keeper, 9)
        assert status(program, "kept") == "healthy"
        goes_on(program, "kept")
    (keeper,) = keepers(program)
    os.kill(keeper, 9)
    remove(program, "kept")


def test_a_check_killed(program: Program) -> None:
    """By its container, or with its runtime from outside: it has failed, and the next one comes."""
    run(program, "shot", *OFTEN, "--health-retries", "1", "--health-cmd", "test -e /calm || kill -9 $$")
    program.run("wait", "--condition", "unhealthy", "shot")
    program.run("exec", "shot", "touch", "/calm")
    program.run("wait", "--condition", "healthy", "shot")
    remove(program, "shot")
    run(program, "slow", "--health-interval", "100ms", "--health-retries", "1", "--health-cmd", "sleep 1000")
    (keeper,) = until(lambda: keepers(program))
    (runtime,) = until(lambda: children(keeper))
    os.kill(runtime, 9)
    program.run("wait", "--condition", "unhealthy", "slow")
    remove(program, "slow")


def children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def test_the_container_removed_under_a_check(program: Program) -> None:
    """Nothing is left of either; another container goes on."""
    run(program, "other", *OFTEN, "--health-cmd", "true")
    run(program, "gone", "--health-interval", "100ms", "--health-cmd", "sleep 1000")
    by_hand = program.start("healthcheck", "run", "other")
    (keeper,) = until(lambda: keepers(program))
    until(lambda: len(children(keeper)) >= 1)
    program.run("rm", "-f", "-t", "0", "gone")
    assert finish(by_hand).stdout == ""
    goes_on(program, "other")
    assert not os.path.exists(f"{program.root}/containers/gone")
    remove(program, "other")


def test_what_the_run_directory_had_is_lost(program: Program) -> None:
    """The names, the pipe and the lock: the keeper ends, and the next look starts another one."""
    run(program, "lost", *OFTEN, "--health-cmd", "true")
    program.run("wait", "--condition", "healthy", "lost")
    (before,) = keepers(program)
    shutil.rmtree(f"{program.runroot}/health")
    program.run("ps")
    until(lambda: keepers(program) not in ([], [before]))
    goes_on(program, "lost")
    until(lambda: len(keepers(program)) == 1)
    remove(program, "lost")


def test_a_damaged_file_is_as_good_as_none(program: Program) -> None:
    container_id = run(program, "torn", "--health-interval", "1h", "--health-cmd", "true")
    until(lambda: status(program, "torn") == "healthy")
    for data in (b"", b"\0" * 100, b"{}"):
        with open(f"{program.root}/containers/{container_id}/health.json", "wb") as file:
            file.write(data)
        assert status(program, "torn") == "starting"
        program.run("healthcheck", "run", "torn")
        assert status(program, "torn") == "healthy"
    remove(program, "torn")


def test_after_a_reboot(program: Program) -> None:
    """Nothing runs, so nothing is checked; what was known is still told, and a start starts anew."""
    container_id = run(program, "booted", "--health-interval", "1h", "--health-cmd", "exit 1", "--health-retries", "1")
    program.run("wait", "--condition", "unhealthy", "booted")
    program.run("kill", "booted")
    until(lambda: not keepers(program))
    shutil.rmtree(f"{program.runroot}/health")
    assert status(program, "booted") == "unhealthy"
    assert not keepers(program)
    program.run("start", "booted")
    program.run("wait", "--condition", "unhealthy", "booted")
    assert os.listdir(f"{program.runroot}/health").count(container_id) == 1
    remove(program, "booted")


@pytest.mark.skipif(not can_cut(), reason="needs root, loop devices and mkfs.ext4")
def test_the_disk_is_full(argosy: Program) -> None:
    """Nothing can be written down; the container is restarted all the same, and the file is whole afterwards."""
    program, known = argosy, set(processes.descendants())
    with Disk(program.base, 24, path=program.root, uid=program.uid):
        program.busybox()
        assert processes.settle(known | leaks.pause_processes(program), 30) == {}
        run(
            program,
            "tight",
            *OFTEN,
            "--health-retries",
            "3",
            "--health-on-failure",
            "stop",
            "--health-cmd",
            "test -e /ok",
        )
        program.run("exec", "tight", "touch", "/ok")
        program.run("wait", "--condition", "healthy", "tight")
        subprocess.run(["dd", "if=/dev/zero", f"of={program.root}/fill", "bs=4k"], check=False, capture_output=True)
        program.run("exec", "tight", "rm", "/ok")
        program.run("wait", "tight", timeout_s=60)
        os.unlink(f"{program.root}/fill")
        assert status(program, "tight") in ("healthy", "unhealthy")
        remove(program, "tight")
        assert processes.settle(known | leaks.pause_processes(program), 30) == {}
        processes.kill(dict.fromkeys(leaks.pause_processes(program), ""))
