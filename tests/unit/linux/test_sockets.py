"""Unix sockets at long paths, and terminals that runtimes send over them."""

from __future__ import annotations

import os
import pty
import socket
import threading
from pathlib import Path

import pytest

from argosy.errors import ArgosyError
from argosy.linux import sockets, terminal


@pytest.fixture(params=[1, 150])
def path(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    directory = tmp_path / ("d" * request.param)
    directory.mkdir()
    return f"{directory}/socket"


@pytest.mark.parametrize("kind", [sockets.SOCK_STREAM, sockets.SOCK_SEQPACKET])
def test_two_sides_meet_whatever_the_length_of_the_path(path: str, kind: int) -> None:
    before = len(os.listdir("/proc/self/fd"))
    listener = sockets.listen(path, kind)
    near = sockets.connect(path, kind)
    far = socket.socket(fileno=listener._accept()[0])  # type: ignore[attr-defined]
    near.send(b"hello")
    assert far.recv(10) == b"hello"
    assert not os.get_inheritable(near.fileno())
    assert not os.get_inheritable(listener.fileno())
    for made in (near, far, listener):
        made.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_nobody_there_is_an_error_that_names_the_path(path: str) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError) as missing:
        sockets.connect(path)
    assert missing.value.filename == path
    sockets.listen(path).close()
    with pytest.raises(ConnectionRefusedError) as refused:
        sockets.connect(path)
    assert refused.value.filename == path
    with pytest.raises(OSError, match="in use"):
        sockets.listen(path)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_terminal_arrives_over_a_socket(path: str) -> None:
    listener = sockets.listen(path)
    master, slave = pty.openpty()
    sender = socket.socket(fileno=os.dup(sockets.connect(path).detach()))
    socket.send_fds(sender, [b"/dev/pts/0"], [master])
    received = sockets.receive_descriptor(listener)
    try:
        assert os.path.samestat(os.fstat(received), os.fstat(master))
        assert not os.get_inheritable(received)
    finally:
        for fd in (master, slave, received):
            os.close(fd)
        sender.close()
        listener.close()


@pytest.mark.parametrize("count", [0, 2])
def test_one_descriptor_is_due(path: str, count: int) -> None:
    listener = sockets.listen(path)
    before = len(os.listdir("/proc/self/fd"))

    def send() -> None:
        sender = socket.socket(fileno=sockets.connect(path).detach())
        with sender:
            socket.send_fds(sender, [b"x"], [0] * count)

    thread = threading.Thread(target=send)
    thread.start()
    with pytest.raises(ArgosyError, match=f"sent {count} descriptors where one was due"):
        sockets.receive_descriptor(listener)
    thread.join()
    assert len(os.listdir("/proc/self/fd")) == before
    listener.close()


def test_a_terminal_has_a_size() -> None:
    master, slave = pty.openpty()
    try:
        assert terminal.is_terminal(slave)
        terminal.set_window_size(master, 25, 81)
        assert terminal.window_size(slave) == (25, 81)
    finally:
        os.close(master)
        os.close(slave)
    assert not terminal.is_terminal(slave)


def test_what_is_no_terminal_has_none() -> None:
    fd = os.open("/dev/null", os.O_RDONLY)
    try:
        assert not terminal.is_terminal(fd)
        assert terminal.window_size(fd) == (0, 0)
        with pytest.raises(OSError):
            terminal.set_window_size(fd, 1, 1)
    finally:
        os.close(fd)


@pytest.mark.parametrize("kind", [sockets.SOCK_STREAM, sockets.SOCK_SEQPACKET])
def test_whether_a_connection_was_accepted(path: str, kind: int) -> None:
    listener = sockets.listen(path, kind)
    near = sockets.connect(path, kind)
    assert not sockets.is_accepted(near)
    far = socket.socket(fileno=listener._accept()[0])  # type: ignore[attr-defined]
    assert sockets.is_accepted(near)
    for side in (near, far, listener):
        side.close()
