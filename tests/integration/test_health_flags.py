"""What the flags of health checks do, by the program as root: actions, startup checks, update, images, logs."""

from __future__ import annotations

import json
import os

import pytest

from tests.integration.test_health import OFTEN, health, run, status, until
from tests.rig.program import Program


@pytest.fixture(scope="module")
def program(shared_program: Program) -> Program:
    shared_program.busybox()
    return shared_program


@pytest.mark.parametrize("action", ["kill", "stop", "restart"])
def test_actions(program: Program, action: str) -> None:
    """The container looks whether it has been here before, and is healthy then."""
    name = f"act-{action}"
    run(
        program,
        name,
        *OFTEN,
        *("--health-retries", "1", "--health-on-failure", action, "--health-cmd", "test -e /second"),
        script="test -e /first && touch /second; touch /first; exec sleep 1000",
    )
    if action == "restart":
        program.run("wait", "--condition", "healthy", name)
        assert program.run("inspect", name).json()[0]["State"]["Running"]
        assert next(entry["ExitCode"] for entry in health(program, name)["Log"]) == 1  # tells why
    else:
        assert program.run("wait", name).stdout == "137\n"
        until(lambda: program.run("inspect", name).json()[0]["State"]["Status"] == "exited")
        assert status(program, name) == "unhealthy"
        assert "(unhealthy)" in program.run("ps", "-a", "--filter", f"name={name}").stdout
    program.run("rm", "-f", "-t", "0", name)


def test_a_killed_container_has_its_restart_policy(program: Program) -> None:
    run(
        program,
        "again",
        *("--restart", "on-failure:5", "--health-retries", "1", "--health-on-failure", "kill", *OFTEN),
        *("--health-cmd", "test -e /second"),
        script="test -e /first && touch /second; touch /first; exec sleep 1000",
    )
    until(lambda: status(program, "again") == "healthy")
    assert program.run("inspect", "again").json()[0]["RestartCount"] >= 1
    program.run("rm", "-f", "-t", "0", "again")


def test_startup_checks(program: Program) -> None:
    """The regular check fails from the start, and is not asked before the startup check has succeeded."""
    startup = ("--health-startup-interval", "100ms", "--health-startup-success", "2")
    words = (*OFTEN, *startup, "--health-cmd", "echo regular; false", "--health-retries", "1")
    run(program, "up", *words, "--health-startup-cmd", "echo startup; test -e /ready")
    until(lambda: len(health(program, "up")["Log"] or ()) >= 3)
    assert program.run("healthcheck", "run", "up", check=1).stdout == "starting\n"
    found = health(program, "up")
    assert (found["Status"], found["FailingStreak"]) == ("starting", 0)
    assert {entry["Output"] for entry in found["Log"]} == {"startup"}
    program.run("exec", "up", "touch", "/ready")
    program.run("wait", "--condition", "unhealthy", "up")
    assert health(program, "up")["Log"][-1]["Output"] == "regular"
    program.run("rm", "-f", "-t", "0", "up")


def test_startup_checks_that_fail_start_it_again(program: Program) -> None:
    startup = ("--health-startup-interval", "100ms", "--health-startup-retries", "2")
    run(
        program,
        "stuck",
        *(*OFTEN, *startup, "--health-cmd", "true", "--health-startup-cmd", "test -e /second"),
        script="test -e /first && touch /second; touch /first; exec sleep 1000",
    )
    program.run("wait", "--condition", "healthy", "stuck")
    program.run("rm", "-f", "-t", "0", "stuck")


def test_update(program: Program) -> None:
    """A check is added to a container that runs, changed, and taken away."""
    run(program, "changed")
    assert program.run("healthcheck", "run", "changed", check=125).stderr.endswith("has no defined healthcheck\n")
    assert "no defined healthcheck" in program.run("update", "--health-retries", "2", "changed", check=125).stderr
    program.run("update", "--health-cmd", "exit 1", "--health-interval", "1h", "--health-retries", "1", "changed")
    program.run("wait", "--condition", "unhealthy", "changed")
    program.run("update", "--health-cmd", "true", "--health-interval", "100ms", "changed")
    program.run("wait", "--condition", "healthy", "changed")
    config = program.run("inspect", "changed").json()[0]["Config"]
    assert config["Healthcheck"] == {
        "Test": ["CMD-SHELL", "true"],
        "Interval": 100_000_000,
        "Timeout": 30_000_000_000,
        "Retries": 1,
    }
    program.run("container", "clone", "changed", "twin")
    assert program.run("inspect", "twin").json()[0]["Config"]["Healthcheck"] == config["Healthcheck"]
    program.run("update", "--no-healthcheck", "changed")
    assert program.run("inspect", "changed").json()[0]["Config"]["Healthcheck"] == {"Test": ["NONE"]}
    assert "(" not in program.run("ps", "--format", "{{.Status}}", "--filter", "name=changed").stdout
    program.run("rm", "-f", "-t", "0", "changed", "twin")


def test_the_images_check(program: Program) -> None:
    """Docker's format has one, which flags change or turn off."""
    directory = f"{program.files}/context"
    os.makedirs(directory)
    with open(f"{directory}/Dockerfile", "w", encoding="utf-8") as file:
        file.write("FROM busybox\nHEALTHCHECK --interval=1s --retries=1 CMD test -e /ready\n")
    os.chmod(directory, 0o755)
    program.run("build", "-q", "--format", "docker", "-t", "checked", directory)
    run(program, "of-image", image="checked")
    program.run("wait", "--condition", "unhealthy", "of-image")
    run(program, "off", "--no-healthcheck", image="checked")
    program.run("healthcheck", "run", "off", check=125)
    run(program, "other", "--health-interval", "disable", image="checked")
    assert status(program, "other") == "starting"
    program.run("healthcheck", "run", "other", check=1)
    assert len(health(program, "other")["Log"]) == 1
    program.run("rm", "-f", "-t", "0", "of-image", "off", "other")


def test_a_log_of_ones_own(program: Program) -> None:
    """--health-log-destination, --health-max-log-count and --health-max-log-size; the exec's user and environment."""
    logs = f"{program.files}/logs"
    os.makedirs(logs)
    os.chmod(logs, 0o777)
    container_id = run(
        program,
        "told",
        *("--health-log-destination", logs, "--health-max-log-count", "2", "--health-max-log-size", "5"),
        *("--user", "7", "--env", "WORD=word", "--health-interval", "disable"),
        *("--health-cmd", 'id -u; echo "$WORD"; echo more than there is room for'),
    )
    for _ in range(3):
        program.run("healthcheck", "run", "told")
    found = health(program, "told")
    assert [entry["Output"] for entry in found["Log"]] == ["7\nwor"] * 2
    with open(f"{logs}/{container_id}-healthcheck.log", encoding="utf-8") as file:
        assert json.load(file) == found
    program.run("rm", "-f", "-t", "0", "told")


def test_pause_stop_and_start(program: Program) -> None:
    """A paused container is not checked, and is not blamed; a new start starts anew."""
    run(program, "still", *OFTEN, "--health-retries", "1", "--health-timeout", "200ms", "--health-cmd", "true")
    program.run("wait", "--condition", "healthy", "still")
    if program.run("pause", "still", check=False).returncode == 0:
        assert program.run("healthcheck", "run", "still", check=125).stderr.endswith("is not running\n")
        program.run("unpause", "still")
    program.run("stop", "-t", "0", "still")
    program.run("healthcheck", "run", "still", check=125)
    program.run("start", "still")
    assert status(program, "still") in ("starting", "healthy")
    program.run("wait", "--condition", "healthy", "still")
    program.run("rm", "-f", "-t", "0", "still")
