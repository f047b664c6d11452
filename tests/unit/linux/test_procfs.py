from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from argosy.linux import procfs


@pytest.fixture
def shell() -> Iterator[subprocess.Popen[bytes]]:
    """A shell with a child; it has said that both are there."""
    words = ["sh", "-c", "sleep 60 & echo; wait", "an argument", ""]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.read(1)
        yield process
        for pid in procfs.descendants(process.pid):
            os.kill(pid, 9)


def test_arguments_are_told_as_they_were_given(shell: subprocess.Popen[bytes]) -> None:
    assert procfs.arguments(shell.pid)[:4] == ["sh", "-c", "sleep 60 & echo; wait", "an argument"]
    assert dict(procfs.command_lines())[shell.pid] == procfs.arguments(shell.pid)


def test_families_are_told(shell: subprocess.Popen[bytes]) -> None:
    (child,) = procfs.descendants(shell.pid)
    assert procfs.parent(child) == shell.pid
    assert procfs.parent(shell.pid) == os.getpid()
    assert {shell.pid, child} <= set(procfs.descendants(os.getpid()))


def test_we_are_not_among_the_others() -> None:
    assert os.getpid() not in dict(procfs.command_lines())


def test_what_is_gone_tells_nothing() -> None:
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert procfs.arguments(pid) == []  # a zombie
    os.waitpid(pid, 0)
    assert procfs.arguments(pid) == []
    assert procfs.parent(pid) == 0
    assert procfs.descendants(pid) == []


def test_is_exiting() -> None:
    assert not procfs.is_exiting(os.getpid())
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert procfs.is_exiting(pid)
    os.waitpid(pid, 0)
    assert procfs.is_exiting(pid)
