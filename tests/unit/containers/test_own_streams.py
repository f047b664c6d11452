"""Pipes in place of the host's /dev/null."""

from __future__ import annotations

import os

from argosy.containers.own_streams import OwnStreams


def test_null_is_never_handed_on() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    before = len(os.listdir("/proc/self/fd"))
    with OwnStreams(null, null, null) as streams:
        assert all(os.readlink(f"/proc/self/fd/{fd}").startswith("pipe:") for fd in streams.fds)
        assert os.read(streams.fds[0], 10) == b""
        for fd in streams.fds[1:]:
            for _ in range(64):
                os.write(fd, bytes(64 << 10))  # nobody reads it, and nothing stops
    os.close(null)
    assert len(os.listdir("/proc/self/fd")) <= before + 1  # the one that empties a pipe may be about to end


def test_all_else_is() -> None:
    read, write = os.pipe()
    with OwnStreams(read, write, 2) as streams:
        assert streams.fds == (read, write, 2)
    os.write(write, b"open")
    os.close(read)
    os.close(write)
