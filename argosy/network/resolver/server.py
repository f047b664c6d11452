"""The process that answers: one for all networks of a network namespace, as long as a container is to be found.

SIGHUP makes it read its files again; sockets of networks that stay are not touched, and nothing that is under way is
lost.  It stays in the namespace that it was started in, the host's, where it asks others; it listens in that of the
bridges.
"""

from __future__ import annotations

import os
import select
import sys
import time
from _signal import SIG_IGN, set_wakeup_fd, signal  # type: ignore[import-not-found]
from _socket import (
    AF_INET,
    AF_INET6,
    IPPROTO_IP,
    IPPROTO_IPV6,
    IPV6_V6ONLY,
    SO_REUSEADDR,
    SOCK_CLOEXEC,
    SOCK_DGRAM,
    SOCK_STREAM,
    SOL_SOCKET,
    socket,
)
from _thread import start_new_thread

from argosy.linux import files
from argosy.linux.signals import SIGHUP, SIGPIPE
from argosy.network.resolver import PID_FILE, message, names
from argosy.network.resolver.forward import Forwarder, HostServers, Pending, ask_by_stream, read_frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_FREEBIND = {AF_INET: (IPPROTO_IP, 15), AF_INET6: (IPPROTO_IPV6, 78)}  # the bridge may come later
_IDLE_S = 60.0  # after that it looks whether it is still wanted
_MOST_STREAMS, _STREAM_S = 32, 10.0


class Server:
    """The sockets, and what is known."""

    def __init__(self, place: str, port: int, netns: str) -> None:
        """Answer from the files in `place`, on `port` of the addresses they name; `netns` is "" for our namespace."""
        self._place, self._port, self._netns = place, port, netns
        self._space = 0  # which namespace the sockets are in
        self._names = names.Names(place)
        self._host = HostServers()
        self._poll = select.poll()
        self._listening: dict[str, tuple[socket, socket]] = {}
        self._by_fd: dict[int, tuple[str, socket]] = {}
        self._forwarder = Forwarder(lambda fd: self._poll.register(fd, select.POLLIN), self._poll.unregister)
        self._streams: set[socket] = set()

    def load(self) -> OSError | None:
        """Read the files, listen where they say and nowhere else.  The last address that could not be had, as error."""
        self._names = names.Names(self._place)
        space = os.stat(self._netns).st_ino if self._netns else 0
        moved, self._space = space != self._space, space
        failure = None
        for address in [known for known in self._listening if moved or known not in self._names.listening]:
            self._close(address)
        for address in self._names.listening:
            if address not in self._listening:
                try:
                    self._open(address)
                except OSError as error:
                    failure = OSError(error.errno, f"cannot listen on {address}:{self._port}: {error.strerror}")
        return failure

    def _open(self, address: str) -> None:
        if self._netns:
            from argosy.linux import namespaces

            pair = namespaces.in_network(self._netns, lambda: _sockets(address, self._port))
        else:
            pair = _sockets(address, self._port)
        self._listening[address] = pair
        for end in pair:
            self._by_fd[end.fileno()] = address, end
            self._poll.register(end.fileno(), select.POLLIN)

    def _close(self, address: str) -> None:
        for end in self._listening.pop(address):
            del self._by_fd[end.fileno()]
            self._poll.unregister(end.fileno())
            end.close()

    def run(self, wakeup: int) -> None:
        """Answer until nobody is to be found any more, or another process has taken our place."""
        self._poll.register(wakeup, select.POLLIN)
        while self._listening:
            patience = self._forwarder.expire()
            ready = [fd for fd, _ in self._poll.poll(1000 * (_IDLE_S if patience is None else patience))]
            if _was_told(wakeup):
                self.load()
            for fd in ready:
                if self._forwarder.has(fd):
                    self._forwarder.receive(fd)
                elif fd in self._by_fd:
                    self._take(*self._by_fd[fd])
            if not ready and not self._is_wanted():
                return

    def _is_wanted(self) -> bool:
        try:
            return int(files.read(f"{self._place}/{PID_FILE}", 32)) == os.getpid()
        except (OSError, ValueError):
            return False

    def _take(self, address: str, end: socket) -> None:
        """A question, or a connection on which there will be some."""
        try:
            if end.type == SOCK_STREAM:
                self._accept(address, end)
                return
            data, source = end.recvfrom(message.LARGEST)
        except OSError:
            return

        def answer(found: bytes) -> None:
            try:
                end.sendto(found, source)
            except OSError:
                pass  # the asker is gone, or its socket is full: it asks again

        self._answer(data, source[0], address, answer)

    def _answer(self, data: bytes, asker: str, asked: str, answer: Callable[[bytes], None]) -> None:
        found = self._known(data, asker, asked)
        if isinstance(found, Pending):
            found.answer = answer
            self._forwarder.ask(found)
        elif found:
            answer(found)

    def _known(self, data: bytes, asker: str, asked: str, *, stream: bool = False) -> bytes | Pending:
        """The answer, b"" for none; or whom to ask."""
        try:
            question = message.parse(data)
        except message.Malformed as error:
            return message.refusal(data, error.code) if error.code >= 0 else b""
        zones = self._names.zones(asker, asked)
        values = names.resolve(zones, question)
        if values is not None:
            return message.reply(data, question, values, room=message.LARGEST if stream else question.room)
        others = None if names.is_ours(question) else names.upstream(zones)
        if others is None:
            return message.refusal(data, message.NO_SUCH_NAME, question)
        servers = tuple(server for server in others or self._host.now() if server not in self._names.listening)
        return Pending(data, question, asker, servers)

    def _accept(self, address: str, end: socket) -> None:
        fd, source = end._accept()  # type: ignore[attr-defined]  # noqa: SLF001 -- the class without it is `socket`'s
        connection = socket(fileno=fd)
        if len(self._streams) >= _MOST_STREAMS:
            connection.close()
            return
        self._streams.add(connection)
        start_new_thread(self._serve, (connection, source[0], address))

    def _serve(self, connection: socket, asker: str, asked: str) -> None:
        """The questions of one connection, for a short time."""
        deadline = time.monotonic() + _STREAM_S
        try:
            while (left := deadline - time.monotonic()) > 0:
                connection.settimeout(left)
                data = read_frame(connection)
                found = self._known(data, asker, asked, stream=True)
                if isinstance(found, Pending):
                    found = ask_by_stream(data, found.question, tuple(found.servers))
                if not found:
                    return
                connection.sendall(len(found).to_bytes(2, "big") + found)
        except (OSError, LookupError):
            pass  # it is too slow or gone, or the network is
        finally:
            connection.close()
            self._streams.discard(connection)


def _was_told(wakeup: int) -> bool:
    """Whether a signal has come.  Asked before any question is looked at: one that came later finds what is new.

    It may have come while the kernel gathered what is ready, which `wakeup` is then not part of.
    """
    try:
        return bool(os.read(wakeup, 4096))
    except BlockingIOError:
        return False


def _sockets(address: str, port: int) -> tuple[socket, socket]:
    """What listens on the address, for datagrams and for connections."""
    family = AF_INET6 if ":" in address else AF_INET
    made = []
    try:
        for kind in (SOCK_DGRAM, SOCK_STREAM):
            end = socket(family, kind | SOCK_CLOEXEC)
            made.append(end)
            end.setblocking(False)
            end.setsockopt(*_FREEBIND[family], 1)
            if family == AF_INET6:
                end.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1)
            if kind == SOCK_STREAM:
                end.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
            end.bind((address, port))
            if kind == SOCK_STREAM:
                end.listen(16)
    except BaseException:
        for end in made:
            end.close()
        raise
    return made[0], made[1]


def main(place: str, port: str, netns: str) -> int:
    """Go to the background when everything listens; 1, and a word on standard error, where that fails."""
    os.chdir("/")
    read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    set_wakeup_fd(write, warn_on_full_buffer=False)
    signal(SIGHUP, lambda _number, _frame: None)
    signal(SIGPIPE, SIG_IGN)
    server = Server(place, int(port), netns)
    failure = server.load()
    if failure is not None:
        sys.stderr.write(f"{failure.strerror}\n")
        return 1
    pid = os.fork()
    if pid:
        files.write_atomic(f"{place}/{PID_FILE}", str(pid).encode())
        return 0
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(null, fd)
    server.run(read)
    return 0
