"""What a container says of its readiness, and what the service manager hears."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.runtime import sdnotify


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.bind(f"\0argosy-test-{os.getpid()}-{tmp_path.name}")
        door.settimeout(10)
        yield door


def address(manager: socket.socket) -> str:
    name: bytes = manager.getsockname()
    return "@" + name[1:].decode()


def say(directory: str, *texts: bytes) -> None:
    fd = os.open(directory, os.O_PATH)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        for text in texts:
            door.sendto(text, f"/proc/self/fd/{fd}/{sdnotify.FILE}")
    os.close(fd)


def test_what_the_container_says_is_said_again_until_it_is_ready(manager: socket.socket, tmp_path: Path) -> None:
    directory = tmp_path / ("long" * 40)  # a socket's path has 107 bytes at most
    directory.mkdir()
    with sdnotify.listen(str(directory)) as door:
        say(str(directory), b"STATUS=half way", b"MAINPID=7\nREADY=1", b"STATUS=later")
        sdnotify.forward(door, address(manager), os.getpid())
    manager.setblocking(False)
    assert manager.recv(100) == b"STATUS=half way"
    assert manager.recv(100) == b"READY=1"  # a pid of the container's means nothing outside
    with pytest.raises(BlockingIOError):
        manager.recv(100)


def test_a_container_that_ends_is_not_waited_for(manager: socket.socket, tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as process, sdnotify.listen(str(tmp_path)) as door:
        say(str(tmp_path), b"STATUS=dying")
        sdnotify.forward(door, address(manager), process.pid)
    assert manager.recv(100) == b"STATUS=dying"


def test_reports(manager: socket.socket) -> None:
    sdnotify.report(address(manager), 5, ready=True)
    sdnotify.report(address(manager), 5, ready=False)
    assert (manager.recv(100), manager.recv(100)) == (b"MAINPID=5\nREADY=1", b"MAINPID=5")
    sdnotify.report("/nowhere/at/all", 5, ready=True)
