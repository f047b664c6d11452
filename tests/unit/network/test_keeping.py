"""Sockets under way between two ends that another process holds: put, exchanged, and closed with it."""

from __future__ import annotations

import os
import socket
import subprocess

import pytest

from argosy.errors import ArgosyError
from argosy.network import keeping
from tests.rig import host


def listening() -> tuple[int, int]:
    """A socket that listens, as a descriptor, and its port."""
    made = socket.create_server(("127.0.0.1", 0))
    port = made.getsockname()[1]
    return made.detach(), port


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return False
    return True


@host.needs_root
def test_what_a_process_holds_is_exchanged_and_ends_with_it() -> None:
    ends = keeping.pair()
    numbers = keeping.numbers(ends)
    first = [listening() for _ in range(300)]
    keeping.put(ends[1], [fd for fd, _ in first])
    holder = subprocess.Popen(["sleep", "1000"], pass_fds=ends)
    try:
        keeping.close(ends)
        assert all(answers(port) for _, port in first)
        second = listening()
        keeping.exchange(holder.pid, numbers, [second[0]])
        assert answers(second[1])
        assert not any(answers(port) for _, port in first)
        keeping.exchange(holder.pid, numbers, [])
        assert not answers(second[1])
        third = listening()
        keeping.exchange(holder.pid, numbers, [third[0]])
    finally:
        holder.kill()
        holder.wait()
    assert not answers(third[1])


def test_a_process_that_holds_nothing_is_named_and_what_was_for_it_is_closed() -> None:
    fd, port = listening()
    with pytest.raises(ArgosyError, match="cannot change the ports"):
        keeping.exchange(os.getpid(), (1, 2), [fd])
    assert not answers(port)
