"""How a build is told: lines, a live view, JSON; what a failing RUN leaves to look into."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from tests.rig.program import Program
from tests.rig.terminals import Terminal

DOCKERFILE = """FROM busybox AS tool
RUN echo from the tool
FROM busybox
ENV WHO=me
COPY --from=tool /bin/busybox /copied
RUN echo made > /made
RUN --mount=type=cache,target=/kept echo first; echo last >&2; exit 3
"""
HOST = ("--network", "none")


@pytest.fixture(scope="module")
def program(shared_program: Program) -> Program:
    shared_program.busybox()
    shared_program.write("Dockerfile", DOCKERFILE)
    shared_program.run("build", *HOST, "--target", "tool", shared_program.files)
    return shared_program


def statuses(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_rawjson_is_buildxs(program: Program) -> None:
    done = program.run("build", *HOST, "--progress", "rawjson", program.files, check=3)
    assert done.stdout == ""
    found = statuses(done.stderr)
    last = {one["digest"]: one for status in found for one in status.get("vertexes", ())}
    assert all({"name", "started", "completed"} <= one.keys() for one in last.values())
    assert [one["name"] for one in last.values() if one.get("cached")] == ["[1/2 2/2] RUN echo from the tool"]
    (failed,) = [one for one in last.values() if "error" in one]
    assert failed["error"] == "while running runtime: exit status 3"
    logs = [log for status in found for log in status.get("logs", ()) if log["vertex"] == failed["digest"]]
    assert [(log["stream"], base64.b64decode(log["data"])) for log in logs] in (
        [(1, b"first\n"), (2, b"last\n")],
        [(2, b"last\n"), (1, b"first\n")],
    )


def test_a_live_view_on_a_terminal(program: Program) -> None:
    with Terminal(program, "build", *HOST, "--no-cache", program.files, columns=200) as terminal:
        terminal.finish()
        text = terminal.output.decode()
    kept = [line for line in re.sub(r"\x1b\[[0-9]*[AJ]", "", text).splitlines() if line.startswith(" => ")]
    assert any(re.fullmatch(r" => \[2/2 4/5\] RUN echo made > /made  [0-9.]+s", line) for line in kept)
    assert any(line.startswith(" => ERROR [2/2 5/5] RUN --mount") for line in kept)
    assert {"  | first", "  | last"} <= set(text.splitlines())
    assert "Dockerfile:7" in text
    assert terminal.process.returncode == 3


def test_lines_on_a_terminal_when_asked_for(program: Program) -> None:
    with Terminal(program, "build", *HOST, "--progress", "plain", program.files) as terminal:
        terminal.finish()
        assert "[2/2] STEP 2/5: ENV WHO=me" in terminal.output.decode()


def test_the_state_before_a_failing_step_can_be_run(program: Program) -> None:
    done = program.run("build", *HOST, program.files, check=3)
    (image,) = re.findall(r"^the state before it: argosy run --rm -it ([0-9a-f]{12}) /bin/sh$", done.stderr, re.M)
    assert program.run("run", "--rm", *HOST, image, "sh", "-c", "cat /made; echo $WHO").stdout == "made\nme\n"
    before = program.run("images", "-aq").lines
    program.run("build", *HOST, program.files, check=3)
    assert program.run("images", "-aq").lines == before
    quiet = program.run("build", *HOST, "-q", program.files, check=3)
    assert (quiet.stdout, "last\n" in quiet.stderr) == ("", True)


def test_a_shell_where_it_failed(program: Program) -> None:
    typed = "echo in $WHO; cat /made; touch /kept/seen; exit 9\n"
    done = program.run("build", *HOST, "--on-failure", "shell", program.files, check=3, input=typed)
    assert done.stdout.endswith("in me\nmade\n")
    assert "the state before it" not in done.stderr
    again = program.run("build", *HOST, "--on-failure", "shell", program.files, check=3, input="ls /kept\n")
    assert again.stdout.endswith("seen\n")
    wrong = program.run("build", "--on-failure", "no", program.files, check=125)
    assert "choose stop or shell" in wrong.stderr
    wrong = program.run("build", "--progress", "no", program.files, check=125)
    assert "choose auto, plain, tty, quiet, rawjson" in wrong.stderr
