"""`events`: what each command tells, in podman's words; filters, times and forms; following."""

from __future__ import annotations

import json
import select
import subprocess

import pytest

from tests.rig.program import Program, finish


@pytest.fixture(scope="module")
def program(shared_both: Program) -> Program:
    """One in which a container was made, run, changed and removed."""
    shared_both.busybox()
    base = ("--network", "none", "busybox")
    shared_both.run("run", "--rm", "--name", "short", *base, "sh", "-c", "exit 3", check=3)
    shared_both.run("create", "--name", "long", "--label", "a=b", *base, "sleep", "600")
    shared_both.run("start", "long")
    shared_both.run("exec", "long", "true")
    shared_both.run("rename", "long", "renamed")
    shared_both.run("kill", "renamed")
    shared_both.run("wait", "renamed")
    shared_both.run("container", "cleanup", "renamed")
    shared_both.run("rm", "renamed")
    shared_both.run("volume", "create", "data")
    shared_both.run("volume", "rm", "data")
    shared_both.run("tag", "busybox", "other")
    shared_both.run("untag", "other", "other")
    return shared_both


def told(program: Program, *words: str) -> list[str]:
    form = "{{.Type}} {{.Status}} {{.Name}}"
    return program.run("events", "--stream=false", "--since", "1h", "--format", form, *words).lines


def test_what_is_told(program: Program) -> None:
    assert told(program, "--filter", "container=short") == [
        f"container {status} short" for status in ("create", "init", "start", "attach", "died", "cleanup", "remove")
    ]
    statuses = [line.split()[1] for line in told(program, "--filter", "label=a=b")]
    assert statuses == [
        *("create", "init", "start", "exec", "exec_died", "rename", "kill", "died", "cleanup", "remove"),
    ]
    assert told(program, "--filter", "type=volume") == ["volume create data", "volume remove data"]
    assert told(program)[:2] == ["system refresh ", "image tag localhost/busybox:latest"]
    image = told(program, "--filter", "type=image", "--filter", "event=tag", "--filter", "event=untag")
    assert image[1:] == ["image tag localhost/other:latest", "image untag localhost/other:latest"]
    assert told(program, "--filter", "volume=data", "--filter", "status=remove") == ["volume remove data"]


def test_networks_and_the_system(program: Program) -> None:
    program.run("network", "create", "--label", "a=net", "told")
    network_id = program.run("network", "inspect", "told", "--format", "{{.ID}}").stdout.strip()
    program.run("network", "rm", "told")
    program.run("system", "renumber")
    lines = program.run("events", "--stream=false", "--since", "1h", "--filter", "network=told").lines
    assert [line.split(" UTC ")[1] for line in lines] == [
        f"network {status} {network_id} (name=told)" for status in ("create", "remove")
    ]
    assert told(program, "--filter", "type=system") == ["system refresh ", "system renumber "]


def test_forms(program: Program) -> None:
    died = ("events", "--stream=false", "--since", "1h", "--filter", "event=died", "--filter", "container=short")
    (line,) = program.run(*died, "--format", "json").lines
    event = json.loads(line)
    assert list(event) == ["ContainerExitCode", "ID", "Image", "Name", "Status", "Time", "Type", "Attributes"]
    assert (event["ContainerExitCode"], event["Image"], event["Name"]) == (3, "localhost/busybox:latest", "short")
    (text,) = program.run(*died).lines
    when = event["Time"].removesuffix("Z").replace("T", " ")
    named = f"{event['ID']} (image=localhost/busybox:latest, name=short)"
    assert text == f"{when} +0000 UTC container died {named}"
    assert program.run(*died, "--no-trunc=false").stdout.split()[6] == event["ID"][:12]
    assert program.run(*died[:4], "--until", "0s", name="docker").stdout.count(" container die ") == 2
    assert program.run("events", "--stream=false", "--since", "1h", "--until", "2000-01-01T00:00:00Z").lines == []
    assert "foo is an invalid filter" in program.run("events", "--filter", "foo=x", check=125).stderr
    assert "unable to interpret time value" in program.run("events", "--since", "xx", check=125).stderr


def test_following(program: Program) -> None:
    follower = program.start("events", "--filter", "type=volume", "--format", "{{.Status}}", stdout=subprocess.PIPE)
    assert follower.stdout is not None
    lines: list[bytes] = []
    number = 0
    while not lines:  # it follows from some moment on, which only its first line tells
        program.run("volume", "create", f"v{number}")
        number += 1
        if select.select([follower.stdout], [], [], 0.5)[0]:
            lines.append(follower.stdout.readline())
    program.run("volume", "rm", "v0")
    while b"remove\n" not in lines:
        lines.append(follower.stdout.readline())
    follower.terminate()
    finish(follower, check=False)
    program.run("volume", "rm", "--all", "--force")


def test_nothing_is_kept_when_nobody_wants_it(program: Program) -> None:
    before = told(program)
    program.run("--events-backend", "none", "run", "--rm", "--name", "silent", "--network", "none", "busybox", "true")
    assert told(program) == before
    assert "they are not kept" in program.run("--events-backend", "none", "events", check=125).stderr
    logger = ("info", "--format", "{{.Host.EventLogger}}")
    assert program.run(*logger).stdout == "file\n"
    assert program.run("--events-backend", "none", *logger).stdout == "none\n"


def test_the_journal_is_a_file_and_that_is_said(program: Program) -> None:
    made = program.run("--events-backend", "journald", "volume", "create", "journaled")
    assert "kept in a file, not in the journal" in made.stderr
    assert "volume create journaled" in told(program)
    assert program.run("--events-backend", "file", "volume", "rm", "journaled").stderr == ""
