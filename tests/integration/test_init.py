"""`init`: a container made up to where its program would run; started, taken down, removed, and told of."""

from __future__ import annotations

import pytest

from tests.rig.program import Program

_NONE = ("--network", "none", "busybox")


@pytest.fixture(scope="module")
def program(shared_both: Program) -> Program:
    shared_both.busybox()
    return shared_both


def test_from_init_to_start(program: Program) -> None:
    container_id = program.run("create", "--name", "c", *_NONE, "sh", "-c", "cat /added; exit 5").stdout.strip()
    assert program.run("init", "c").lines == ["c"]
    assert program.run("ps", "-a", "--format", "{{.Status}} {{.State}}").lines == ["Initialized Initialized"]
    assert program.run("inspect", "c", "--format", "{{.State.Status}} {{.State.Running}}").lines == [
        "initialized false"
    ]
    assert program.run("wait", "--condition", "initialized", "c").lines == ["-1"]
    assert "No damage" in program.run("system", "check", "--quick").stdout
    again = f"container {container_id} has already been created in runtime: container state improper"
    assert again in program.run("init", "c", check=125).stderr
    assert "can only kill running containers" in program.run("kill", "c", check=125).stderr
    assert "can only create exec sessions on running" in program.run("exec", "c", "true", check=255).stderr
    path = program.write("added", "hello\n")
    program.run("cp", path, "c:/added")
    done = program.run("start", "--attach", "c", check=5)
    assert done.lines == ["hello"]
    program.run("init", "--all")
    statuses = program.run(
        "events", "--stream=false", "--since", "1h", "-f", "type=container", "--format", "{{.Status}}"
    ).lines
    assert statuses == ["create", "init", "start", "attach", "died", "cleanup", "init"]
    program.run("rm", "c")


def test_stop_takes_it_down(program: Program) -> None:
    program.run("create", "--name", "c", *_NONE, "sleep", "600")
    program.run("init", "c")
    assert program.run("stop", "c").lines == ["c"]
    assert program.run("ps", "-a", "--format", "{{.Status}}").lines == ["Created"]
    program.run("start", "c")
    assert again(program) == "c"
    program.run("rm", "--force", "--time", "0", "c")
    program.run("create", "--name", "broken", *_NONE, "/no/program")
    assert "not found" in program.run("init", "broken", check=False).stderr
    assert program.run("ps", "-a", "--format", "{{.Status}}").lines == ["Created"]
    program.run("rm", "broken")
    assert 'no container with name or ID "nosuch"' in program.run("init", "nosuch", check=125).stderr


def again(program: Program) -> str:
    """--all passes over what runs, but names it."""
    (container_id,) = program.run("init", "--all").lines
    return program.run("inspect", container_id, "--format", "{{.Name}}").stdout.strip()
