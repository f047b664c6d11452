"""Questions about other names: passed on to the servers of the host, or of a network, and their answers back.

From the network namespace that the process is in, the host's.  resolv.conf is looked at for each question, so what a
VPN changes counts at once, and a server on the host's loopback (systemd-resolved's stub) is asked as it is.
"""

from __future__ import annotations

import os
import time
from _socket import AF_INET, AF_INET6, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_STREAM, if_nametoindex, socket

from argosy.linux import files
from argosy.network import resolv
from argosy.network.resolver import message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.network.resolver.message import Question

_RESOLV = "/etc/resolv.conf"
_LIMIT = 1 << 20
_PORT = 53
_MOST_SERVERS = 3  # as resolv.conf(5) has it
PATIENCE_S = 2.0  # for each server
_MOST_PENDING, _MOST_OF_ONE = 384, 64  # questions under way: of everybody, of one asker


class HostServers:
    """The servers of the host's resolv.conf as it is now."""

    def __init__(self, path: str = _RESOLV) -> None:
        """Of the file at `path`."""
        self._path = path
        self._seen: tuple[int, ...] = ()
        self._servers: tuple[str, ...] = ()

    def now(self) -> tuple[str, ...]:
        """The servers; none where the file cannot be read."""
        try:
            found = os.stat(self._path)
            seen = (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)
            if seen != self._seen:
                text = files.read(self._path, _LIMIT).decode("utf-8", "replace")
                self._servers, self._seen = resolv.parse_resolv(text).servers, seen
        except OSError:
            self._servers, self._seen = (), ()
        return self._servers


class Pending:
    """A question that another server has been asked, and who waits for the answer."""

    def __init__(self, data: bytes, question: Question, asker: str, servers: tuple[str, ...]) -> None:
        """The servers are asked in turn."""
        self.data, self.question, self.asker = data, question, asker
        self.servers = list(servers[:_MOST_SERVERS])
        self.deadline = 0.0
        self.answer: Callable[[bytes], None] = lambda _data: None


class Forwarder:
    """Questions over UDP that are under way, each on a socket of its own: from a port that nobody can guess."""

    def __init__(self, watch: Callable[[int], None], ignore: Callable[[int], None]) -> None:
        """`watch` and `ignore` say which descriptors are to be looked at."""
        self._watch, self._ignore = watch, ignore
        self._pending: dict[int, tuple[socket, Pending]] = {}

    def ask(self, pending: Pending) -> None:
        """Ask the next server; without one, or when too much is under way, say that it failed."""
        own = sum(other.asker == pending.asker for _, other in self._pending.values())
        while pending.servers and len(self._pending) < _MOST_PENDING and own < _MOST_OF_ONE:
            try:
                end = connected(pending.servers.pop(0), SOCK_DGRAM)
            except (OSError, ValueError):
                continue
            try:
                end.send(pending.data)
            except OSError:
                end.close()
                continue
            pending.deadline = time.monotonic() + PATIENCE_S
            self._pending[end.fileno()] = end, pending
            self._watch(end.fileno())
            return
        pending.answer(message.refusal(pending.data, message.SERVER_FAILURE, pending.question))

    def has(self, fd: int) -> bool:
        """Whether the descriptor is one of ours."""
        return fd in self._pending

    def receive(self, fd: int) -> None:
        """Something has come: hand it on if it is the answer, or ask the next when the server is not there."""
        end, pending = self._pending[fd]
        try:
            data = end.recv(message.LARGEST)
        except BlockingIOError:
            return
        except OSError:
            self._next(fd)
            return
        if message.answers(pending.data, pending.question, data):
            self._drop(fd)
            pending.answer(data)

    def expire(self) -> float | None:
        """Ask the next server where one has not answered; the seconds until the next is late, None for never."""
        now = time.monotonic()
        for fd in [fd for fd, (_, pending) in self._pending.items() if pending.deadline <= now]:
            self._next(fd)
        return min((pending.deadline - now for _, pending in self._pending.values()), default=None)

    def _next(self, fd: int) -> None:
        self.ask(self._drop(fd))

    def _drop(self, fd: int) -> Pending:
        end, pending = self._pending.pop(fd)
        self._ignore(fd)
        end.close()
        return pending


def connected(server: str, kind: int, patience_s: float = 0.0) -> socket:
    """A socket to the server: one that never waits, or no longer than `patience_s`."""
    address, _, scope = server.partition("%")
    end = socket(AF_INET6 if ":" in address else AF_INET, kind | SOCK_CLOEXEC)
    try:
        end.settimeout(patience_s)
        number = if_nametoindex(scope) if scope else 0
        end.connect((address, _PORT, 0, number) if ":" in address else (address, _PORT))
    except BaseException:
        end.close()
        raise
    return end


def ask_by_stream(data: bytes, question: Question, servers: tuple[str, ...]) -> bytes:
    """The answer of the first server that gives one over TCP."""
    for server in servers[:_MOST_SERVERS]:
        try:
            end = connected(server, SOCK_STREAM, PATIENCE_S)
        except (OSError, ValueError):
            continue
        try:
            end.sendall(len(data).to_bytes(2, "big") + data)
            found = read_frame(end)
        except OSError:
            continue
        finally:
            end.close()
        if message.answers(data, question, found):
            return found
    return message.refusal(data, message.SERVER_FAILURE, question)


def read_frame(end: socket) -> bytes:
    """One message of a TCP connection, b"" at its end.  Raises OSError, also for half a message."""
    length = _read(end, 2)
    return _read(end, int.from_bytes(length, "big")) if length else b""


def _read(end: socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        block = end.recv(size - len(found))
        if not block:
            if found:
                raise ConnectionResetError
            return b""
        found += block
    return found
