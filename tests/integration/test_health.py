"""Health checks on their interval, by the program: states, actions, startup checks, update, and the one process.

All containers are of one store; what a test waits for is a condition, and no time is measured.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.rig import processes
from tests.rig.program import Program

LIMIT_S = 60.0
OFTEN = ("--health-interval", "100ms")
MEMORY_KIB = 20 << 10


@pytest.fixture(scope="module")
def program(shared_both: Program) -> Program:
    shared_both.busybox()
    return shared_both


def until(condition: Callable[[], Any]) -> Any:
    """What the condition gives, once that is something."""
    limit = time.monotonic() + LIMIT_S
    while not (found := condition()):
        assert time.monotonic() < limit, "the condition does not come true"
        time.sleep(0.05)
    return found


def run(program: Program, name: str, *words: str, image: str = "busybox", script: str = "sleep 1000") -> str:
    """Start a container; its id."""
    flags = ("--network", "none", "--stop-timeout", "0")
    done = program.run("run", "-d", "--name", name, *flags, *words, image, "sh", "-c", script)
    return done.stdout.strip()


def health(program: Program, name: str) -> dict[str, Any]:
    found: dict[str, Any] = program.run("inspect", name).json()[0]["State"]["Health"]
    return found


def status(program: Program, name: str) -> str:
    return str(health(program, name)["Status"])


def keepers(program: Program) -> list[int]:
    """The processes that check the containers of this program."""
    return [
        pid
        for pid, line in processes.descendants().items()
        if "__health" in line and program.runroot in line and "python" in line.split()[0]
    ]


def test_states(program: Program) -> None:
    """A file decides; the checks see it come and go, and every list tells."""
    run(program, "seen", *OFTEN, "--health-retries", "2", "--health-cmd", "echo at work; test -e /ready")
    assert program.run("wait", "--condition", "unhealthy", "seen").stdout == "-1\n"
    assert "(unhealthy)" in program.run("ps", "--filter", "health=unhealthy").stdout
    program.run("exec", "seen", "touch", "/ready")
    program.run("wait", "--condition=healthy", "seen")
    found = health(program, "seen")
    assert (found["Status"], found["FailingStreak"]) == ("healthy", 0)
    assert 0 < len(found["Log"]) <= 5
    assert {entry["Output"] for entry in found["Log"]} == {"at work"}
    assert program.run("ps", "-q", "--filter", "health=unhealthy").stdout == ""
    assert "(healthy)" in program.run("ps", "--format", "{{.Status}}", "--filter", "name=seen").stdout
    assert "(healthy)" in program.run("ps", "--filter", "name=seen", name="docker").stdout
    document = program.run("inspect", "seen", name="docker").json()[0]
    assert document["State"]["Health"]["Status"] == "healthy"
    assert document["State"]["Health"]["Log"][-1]["Output"] == "at work\n"
    assert document["Config"]["Healthcheck"]["Test"] == ["CMD-SHELL", "echo at work; test -e /ready"]
    assert program.run("healthcheck", "run", "seen").stdout == ""
    program.run("exec", "seen", "rm", "/ready")
    assert program.run("healthcheck", "run", "seen", check=1).stdout == "unhealthy\n"
    events = program.run("events", "--stream=false", "--filter", "container=seen", "--format", "json").lines
    told = [json.loads(line) for line in events]
    assert {"healthy", "unhealthy"} <= {event.get("health_status") for event in told}
    program.run("rm", "-f", "-t", "0", "seen")


def test_one_process_under_its_bound(program: Program) -> None:
    """Five containers have one keeper; killed, it is started again by whoever looks, and its checks go on."""
    names = [f"many{number}" for number in range(5)]
    for name in names:
        run(program, name, *OFTEN, "--health-cmd", "true")
    for name in names:
        program.run("wait", "--condition", "healthy", name)
    (keeper,) = keepers(program)
    with open(f"/proc/{keeper}/status", encoding="utf-8") as file:
        fields = dict(line.split(":", 1) for line in file)
    assert int(fields["VmRSS"].split()[0]) < MEMORY_KIB
    assert all(os.readlink(f"/proc/{keeper}/fd/{fd}") == "/dev/null" for fd in (0, 1, 2))
    os.kill(keeper, 9)
    until(lambda: keeper not in keepers(program))
    program.run("ps")
    (again,) = until(lambda: keepers(program))
    before = health(program, "many3")["Log"][-1]["End"]
    until(lambda: health(program, "many3")["Log"][-1]["End"] > before)
    assert keepers(program) == [again]
    program.run("rm", "-f", "-t", "0", *names)


def test_none_when_nothing_asks_for_it(program: Program) -> None:
    """The keeper ends with the last container that it checks, while another one runs on."""
    run(program, "plain")
    for line in program.run("ps", "-a", "--format", "{{.Names}}").lines:
        if line != "plain":
            program.run("rm", "-f", "-t", "0", line)
    until(lambda: not keepers(program))
    assert sorted(os.listdir(f"{program.runroot}/health")) == ["lock", "wake"]
    program.run("rm", "-f", "-t", "0", "plain")
