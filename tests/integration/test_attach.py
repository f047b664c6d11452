"""`attach`, and `start --attach`: the streams of a container that runs."""

from __future__ import annotations

import signal
import time

import pytest

from tests.rig.program import Program, finish
from tests.rig.terminals import Terminal

pytestmark = pytest.mark.usefixtures("busybox")
TALKS = "while read word; do echo heard $word; done; echo the end; exit 4"


def talker(program: Program, *flags: str) -> None:
    """A container that answers what it reads."""
    program.flags += ["--log-level", "error"]
    program.run("run", "-d", "--name", "talker", "--network", "none", *flags, "busybox", "sh", "-c", TALKS)


def test_streams_and_status(argosy_both: Program) -> None:
    talker(argosy_both, "-i")
    done = argosy_both.run("attach", "talker", input="one\ntwo\n", check=4)
    assert done.stdout == "heard one\nheard two\nthe end\n"


def test_output_reaches_everybody_who_is_attached(argosy_both: Program) -> None:
    script = "touch /up; until test -e /go; do sleep 0.02; done; echo for all; echo error >&2; exit 3"
    argosy_both.flags += ["--log-level", "error"]
    argosy_both.run("run", "-d", "--name", "loud", "--network", "none", "busybox", "sh", "-c", script)
    listeners = [argosy_both.start("attach", "--no-stdin", "loud") for _ in range(3)]
    time.sleep(1)
    argosy_both.run("exec", "loud", "touch", "/go")
    for listener in listeners:
        done = finish(listener, check=3)
        assert (done.stdout, done.stderr) == ("for all\n", "error\n")


def test_signals_are_passed_on_unless_told_otherwise(argosy: Program) -> None:
    script = "trap 'echo caught; exit 6' TERM; touch /ready; while :; do sleep 0.05; done"
    argosy.run("run", "-d", "--name", "traps", "--network", "none", "busybox", "sh", "-c", script)
    process = argosy.start("attach", "--no-stdin", "--sig-proxy=false", "traps")
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    finish(process, check=128 + signal.SIGTERM)
    process = argosy.start("attach", "--no-stdin", "traps")
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    assert finish(process, check=6).stdout == "caught\n"


def test_a_container_that_does_not_run(argosy: Program) -> None:
    argosy.run("create", "--name", "still", "--network", "none", "busybox", "true")
    assert "you can only attach to running containers" in argosy.run("attach", "still", check=125).stderr


def test_start_attached_sees_everything_from_the_first_byte(argosy_both: Program) -> None:
    argosy_both.flags += ["--log-level", "error"]
    argosy_both.run("create", "--name", "brief", "--network", "none", "busybox", "sh", "-c", "echo first; exit 8")
    for _ in range(3):
        done = argosy_both.run("start", "--attach", "brief", check=8)
        assert done.stdout == "first\n"


def test_start_interactive_on_a_terminal(argosy: Program) -> None:
    argosy.run("create", "-it", "--name", "shell", "--network", "none", "busybox", "sh")
    with Terminal(argosy, "start", "-ai", "shell", rows=31, columns=77) as terminal:
        terminal.expect(b"#")
        terminal.type(b"stty size\n")
        terminal.expect(b"31 77")
        terminal.type(b"exit 5\n")
        assert terminal.finish() == 5
        assert terminal.attributes() == terminal.settings
