"""What the exit command of an attended container does before it cleans up: wait for the one who attends."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from argosy import __main__ as program
from argosy.runtime import exit_command


@pytest.fixture
def foreground() -> subprocess.Popen[bytes]:
    """A process that lives until its standard input is closed."""
    return subprocess.Popen(["cat"], stdin=subprocess.PIPE)


def end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    process.wait()


def test_the_words_come_before_the_global_flags() -> None:
    again = ("python3", "-I", "launcher", "--root", "/r")
    assert exit_command.argv(again, 3, 7, "abc", "/r/containers/abc") == (
        *("python3", "-I", "launcher", program.EXIT, "7", "/r/containers/abc"),
        *("--root", "/r", "container", "cleanup", "abc"),
    )


def test_done_when_the_container_is_gone_while_the_foreground_lives(
    tmp_path: Path, foreground: subprocess.Popen[bytes]
) -> None:
    assert exit_command.is_done(foreground.pid, str(tmp_path / "gone"))
    end(foreground)


def test_not_done_when_the_foreground_has_ended_without_its_work(
    tmp_path: Path, foreground: subprocess.Popen[bytes]
) -> None:
    end(foreground)
    began = time.monotonic()
    assert not exit_command.is_done(foreground.pid, str(tmp_path))
    assert exit_command.is_done(foreground.pid, str(tmp_path / "gone"))
    assert time.monotonic() - began < 0.5


def test_not_done_when_the_foreground_is_killed_meanwhile(
    tmp_path: Path, foreground: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exit_command, "_PATIENCE_MS", 3_600_000)

    def lexists(path: str) -> bool:
        foreground.kill()
        return path == str(tmp_path)

    monkeypatch.setattr(os.path, "lexists", lexists)
    assert not exit_command.is_done(foreground.pid, str(tmp_path))
    end(foreground)


def test_a_foreground_that_is_kept_up_is_not_waited_for_long(
    tmp_path: Path, foreground: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exit_command, "_PATIENCE_MS", 30)
    assert not exit_command.is_done(foreground.pid, str(tmp_path))
    end(foreground)
