"""Checks that do not want to end, want all the room there is, or are none: nobody but their container suffers."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.integration.test_health import health, keepers, run, until
from tests.rig import processes
from tests.rig.program import Program

SHORT = ("--health-interval", "100ms", "--health-timeout", "300ms", "--health-retries", "1")
TRUST = ("--health-interval", "100ms", "--health-cmd", "true")
TIMED_OUT = -1
CHECKS = {
    "endless": "while :; do :; done",
    "deaf": "trap '' HUP INT TERM; sleep 1000; sleep 1000",
    "loud": "exec cat /dev/zero",
    "loud-and-wide": "for i in 1 2 3 4; do yes & done; exec cat /dev/zero >&2",
    "many": "while :; do sleep 1000 & done",
}


@pytest.fixture(scope="module")
def program(shared_program: Program) -> Program:
    shared_program.busybox()
    return shared_program


def memory_kib(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return int(dict(line.split(":", 1) for line in file)["VmHWM"].split()[0])


def failures(program: Program, name: str) -> list[dict[str, Any]]:
    return [entry for entry in health(program, name)["Log"] or () if entry["ExitCode"]]


def test_they_harm_no_other(program: Program) -> None:
    """Each is ended again and again, an honest one beside them goes on, and the keeper does not grow."""
    run(program, "honest", *TRUST)
    program.run("wait", "--condition", "healthy", "honest")
    for name, script in CHECKS.items():
        run(program, name, "--pids-limit", "60", *SHORT, "--health-cmd", script)
    for name in CHECKS:
        program.run("wait", "--condition", "unhealthy", name)
        assert {entry["ExitCode"] for entry in failures(program, name)} <= {TIMED_OUT, 1}  # 1: no more processes
        assert all(len(entry["Output"]) <= 500 for entry in failures(program, name))
    before = health(program, "honest")["Log"][-1]["End"]
    until(lambda: health(program, "honest")["Log"][-1]["End"] > before)
    assert health(program, "honest")["Status"] == "healthy"
    (keeper,) = keepers(program)
    assert memory_kib(keeper) < 20 << 10
    program.run("rm", "-f", "-t", "0", "honest", *CHECKS)
    until(lambda: not keepers(program))


def test_one_by_hand(program: Program) -> None:
    """It is bounded as well, and leaves nothing that runs in the container."""
    run(program, "deaf", "--health-interval", "0", "--health-timeout", "300ms", "--health-cmd", CHECKS["deaf"])
    done = program.run("healthcheck", "run", "deaf", check=125)
    assert done.stderr == "Error: healthcheck command exceeded timeout of 300ms\n"
    first = program.run("inspect", "deaf").json()[0]["State"]["Pid"]
    listed = program.run("top", "deaf", "hpid", "state").lines[1:]
    assert [line.split()[0] for line in listed if not line.endswith("Z")] == [str(first)]
    assert not [line for line in processes.descendants().values() if "trap" in line]
    program.run("rm", "-f", "-t", "0", "deaf")


@pytest.mark.parametrize(
    "command",
    ['["nosuch"]', '["nosuch", "\\u0001"]', '["/etc", "x"]', "'", '["CMD", "/"]', "exit 300", '["\\n", ""]'],
)
def test_nonsense_is_a_check_that_fails(program: Program, command: str) -> None:
    run(program, "odd", "--health-interval", "0", "--health-cmd", command)
    assert program.run("healthcheck", "run", "odd", check=1).stdout == "unhealthy\n"
    assert len(failures(program, "odd")) == 1
    program.run("rm", "-f", "-t", "0", "odd")


def test_output_is_text(program: Program) -> None:
    """Whatever a check writes: bytes that are none, and control characters, which lists do not show raw."""
    run(program, "binary", "--health-interval", "0", "--health-cmd", "head -c 4000 /dev/urandom; printf '\\033[2J\\0'")
    program.run("healthcheck", "run", "binary")
    (entry,) = health(program, "binary")["Log"]
    assert len(entry["Output"]) <= 500
    assert "\x1b" not in program.run("inspect", "binary").stdout
    program.run("rm", "-f", "-t", "0", "binary")


def test_a_log_destination_is_not_followed_to_the_host(program: Program) -> None:
    """What is in the place of the file, a link to another file, is replaced and not written through."""
    logs = f"{program.files}/hostile"
    os.mkdir(logs)
    os.chmod(logs, 0o777)
    victim = program.write("victim", "precious")
    container_id = run(
        program, "linked", "--health-interval", "0", "--health-cmd", "true", "--health-log-destination", logs
    )
    os.symlink(victim, f"{logs}/{container_id}-healthcheck.log")
    program.run("healthcheck", "run", "linked")
    with open(victim, encoding="utf-8") as file:
        assert file.read() == "precious"
    program.run("rm", "-f", "-t", "0", "linked")
