"""`stop` and `kill`: signals, time-outs, statuses, what is left."""

from __future__ import annotations

import os
import time

import pytest

from tests.rig import leaks, processes
from tests.rig.program import Program, finish

pytestmark = pytest.mark.usefixtures("busybox")
TRAPS = "trap 'echo asked; exit 7' TERM USR1; touch /ready; while :; do sleep 0.05; done"
DEAF = "trap '' TERM; touch /ready; while :; do sleep 0.05; done"


def run(program: Program, name: str, script: str, *flags: str) -> None:
    """A container in the background that is ready to get signals."""
    program.flags = ["--log-level", "error"]
    program.run("run", "-d", "--name", name, "--network", "none", *flags, "busybox", "sh", "-c", script)
    deadline = time.monotonic() + 20
    while program.run("exec", name, "test", "-e", "/ready", check=False).returncode:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_stop_asks_and_the_container_may_answer(argosy_both: Program) -> None:
    run(argosy_both, "polite", TRAPS)
    assert argosy_both.run("stop", "polite").stdout == "polite\n"
    assert argosy_both.run("wait", "polite").stdout == "7\n"
    assert os.listdir(f"{argosy_both.runroot}/containers") == []


def test_stop_kills_after_its_time(argosy_both: Program) -> None:
    run(argosy_both, "deaf", DEAF)
    began = time.monotonic()
    argosy_both.run("stop", "--time", "1", "deaf")
    assert 1 <= time.monotonic() - began < 9
    assert argosy_both.run("wait", "deaf").stdout == "137\n"


def test_the_containers_own_signal_and_time(argosy: Program) -> None:
    run(argosy, "own", TRAPS, "--stop-signal", "USR1")
    argosy.run("stop", "own")
    assert argosy.run("wait", "own").stdout == "7\n"
    run(argosy, "short", DEAF, "--stop-timeout", "0")
    began = time.monotonic()
    argosy.run("stop", "short")
    assert time.monotonic() - began < 9


def test_stopping_what_is_stopped_succeeds(argosy: Program) -> None:
    run(argosy, "twice", TRAPS)
    argosy.run("stop", "twice")
    assert argosy.run("stop", "twice").stdout == "twice\n"


def test_several_stop_at_once_and_unknown_ones_are_named(argosy: Program) -> None:
    run(argosy, "one", TRAPS)
    run(argosy, "two", TRAPS)
    done = argosy.run("stop", "one", "nobody", "two", check=125)
    assert 'no container with name or ID "nobody" found: no such container' in done.stderr
    argosy.run("stop", "one", "two")
    assert argosy.run("wait", "one", "two").stdout == "7\n7\n"


def test_a_restart_policy_does_not_act_against_the_user(argosy_both: Program) -> None:
    run(argosy_both, "again", TRAPS, "--restart", "always")
    argosy_both.run("stop", "again")
    time.sleep(1)
    assert os.listdir(f"{argosy_both.runroot}/containers") == []


def test_a_stop_between_two_restarts_is_the_end(argosy_both: Program) -> None:
    """The one that waits for the time of the next run finds that the user wants none."""
    program = argosy_both
    known = set(processes.descendants())
    program.run("run", "-d", "--name", "eager", "--network", "none", "--restart", "always", "busybox", "false")
    count = ("inspect", "--format", "{{.State.Status}} {{.RestartCount}}", "eager")
    deadline = time.monotonic() + 20
    while program.run(*count).stdout != "exited 3\n":  # the next one comes after 0.8 s
        assert time.monotonic() < deadline
        time.sleep(0.02)
    program.run("stop", "eager")
    assert processes.settle(known | leaks.pause_processes(program)) == {}
    assert program.run(*count).stdout == "exited 3\n"
    program.run("start", "eager")
    assert program.run(*count).stdout.endswith(" 0\n")


def test_a_restart_policy_acts(argosy_both: Program) -> None:
    script = "echo run >> /runs; test $(wc -l < /runs) -lt 3 && exit 1; touch /ready; sleep 1000"
    run(argosy_both, "tries", script, "--restart", "on-failure:5")
    assert argosy_both.run("exec", "tries", "wc", "-l", "/runs").stdout.split() == ["3", "/runs"]


def test_kill_sends_any_signal(argosy_both: Program) -> None:
    run(argosy_both, "target", "trap 'echo usr; exit 3' USR2; touch /ready; while :; do sleep 0.05; done")
    for name in ("CONT", "SIGWINCH", "18"):
        assert argosy_both.run("kill", "--signal", name, "target").stdout == "target\n"
    argosy_both.run("kill", "-s", "USR2", "target")
    assert argosy_both.run("wait", "target").stdout == "3\n"


def test_kill_kills(argosy: Program) -> None:
    run(argosy, "victim", DEAF)
    argosy.run("kill", "victim")
    assert argosy.run("wait", "victim").stdout == "137\n"
    assert "can only kill running containers" in argosy.run("kill", "victim", check=125).stderr
    assert "no such signal" in argosy.run("kill", "-s", "NOPE", "victim", check=125).stderr


def test_wait_gets_the_status_of_a_container_that_is_removed(argosy_both: Program) -> None:
    run(argosy_both, "going", TRAPS, "--rm")
    process = argosy_both.start("wait", "going")
    time.sleep(0.5)
    argosy_both.run("stop", "going")
    assert finish(process).stdout == "7\n"
    argosy_both.run("container", "exists", "going", check=1)


def test_a_killed_conmon_is_noticed(argosy: Program) -> None:
    run(argosy, "lost", DEAF)
    (container,) = os.listdir(f"{argosy.runroot}/containers")
    with open(f"{argosy.runroot}/containers/{container}/conmon.pid") as file:
        os.kill(int(file.read()), 9)
    argosy.run("stop", "--time", "0", "lost")
    assert argosy.run("rm", "lost").stdout == "lost\n"
