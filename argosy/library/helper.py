"""The helper process of a program that uses Argosy as a library without privilege: `argosy __library`.

The program's socket comes as descriptor 3.  The first message on it are the settings with which the store is opened,
and the user namespace entered; it is answered with what `library.client` waits for.  After that each byte brings a
socket, and each socket gets a worker: a copy of this process, which has one thread and nothing but that connection, and
does one call after the other.  Threads would not do: starting a container changes what belongs to a whole process (the
working directory, signal handlers, who reaps orphans).

A worker ends when its connection does, in the middle of a call too, when this process sees to it; all end when the
program's socket is closed, by its hand or its death, and when this process is killed.

Messages of a worker are pairs: ("result", value), ("error", exception), ("items", None) followed by ("item", value)
for each and a result; and, at any time before those, ("notice", text) and ("progress", (method, arguments)).
"""

from __future__ import annotations

import os
import select
import socket
import threading
from typing import TYPE_CHECKING, Any

from argosy.errors import ArgosyError
from argosy.images.progress import Progress
from argosy.library import wire
from argosy.library.client import CONTROL_FD, public
from argosy.library.containers import Containers
from argosy.library.images import Images
from argosy.library.working import WorkingContainers
from argosy.linux import process, syscalls
from argosy.linux.signals import SIGKILL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.engine import Engine

_PR_SET_PDEATHSIG = 1
_FAILED = 125
FACADES = {"containers": Containers, "images": Images, "working": WorkingContainers}


class Speaker(Progress):
    """Sends messages to the program, from any thread; notices and the steps of a transfer among them."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._lock = threading.Lock()

    def send(self, kind: str, content: object = None) -> None:
        """Send one message.  Raises Closed."""
        with self._lock:
            wire.send(self.connection, (kind, content))

    def fail(self, error: Exception) -> None:
        """Send an exception; what has no form on the wire is put into words."""
        known = isinstance(error, (ArgosyError, OSError))
        try:
            self.send("error", error if known else _in_words(error))
        except TypeError:
            self.send("error", _in_words(error))

    def notice(self, text: str) -> None:
        """Tell the user something."""
        self.send("notice", text)

    def start(self, key: str, total: int, label: str) -> None:
        self.send("progress", ("start", (key, total, label)))

    def advance(self, key: str, count: int) -> None:
        self.send("progress", ("advance", (key, count)))

    def finish(self, key: str, label: str) -> None:
        self.send("progress", ("finish", (key, label)))

    def line(self, text: str) -> None:
        self.send("progress", ("line", (text,)))


def _in_words(error: Exception) -> ArgosyError:
    if isinstance(error, ArgosyError):
        return ArgosyError(error.brief, details=error.details, hint=error.hint, exit_code=error.exit_code)
    return ArgosyError(f"internal error: {type(error).__name__}: {error}")


def main() -> int:
    """The helper and its workers; the exit status of whichever of them this process has become."""
    from argosy.engine import open_engine

    process.protect_descriptors()
    control = socket.socket(fileno=CONTROL_FD)
    speaker = Speaker(control)
    try:
        settings, _ = wire.receive(control)
        try:
            engine = open_engine(**settings, notice=speaker.notice)
        except Exception as error:  # noqa: BLE001 -- raised again in the program
            speaker.fail(error)
            return _FAILED
        speaker.send("result")
        return _supervise(control, engine, speaker)
    except wire.Closed:
        return 0


def _supervise(control: socket.socket, engine: Engine, speaker: Speaker) -> int:
    """Make a worker for each socket that comes, end those whose connection has ended, all when the program has."""
    workers: dict[int, tuple[int, int]] = {}  # pidfd to pid and a copy of the worker's connection
    try:
        while True:
            ready = _ready(control, workers)
            for pidfd, (pid, connection) in tuple(workers.items()):
                if pidfd in ready:
                    _reap(workers, pidfd)
                elif connection in ready:
                    os.kill(pid, SIGKILL)  # ours, and not reaped yet
            if control.fileno() not in ready:
                continue
            data, fds, _, _ = socket.recv_fds(control, 1, 1)
            if not data:
                return 0
            (fd,) = fds
            os.set_inheritable(fd, False)  # recv_fds takes flags for the socket and forgets them
            parent = os.getpid()
            pid = os.fork()
            if not pid:
                _let_go(control, workers)
                workers.clear()
                return _work(fd, parent, engine, speaker)
            workers[os.pidfd_open(pid)] = pid, fd
    finally:
        for pid, _ in workers.values():
            os.kill(pid, SIGKILL)
        for pidfd in tuple(workers):
            _reap(workers, pidfd)


def _ready(control: socket.socket, workers: dict[int, tuple[int, int]]) -> set[int]:
    """The descriptors at which something has happened; for connections, that the program has closed its end."""
    poll = select.poll()
    poll.register(control, select.POLLIN)
    for pidfd, (_, connection) in workers.items():
        poll.register(pidfd, select.POLLIN)
        poll.register(connection, select.POLLRDHUP)
    return {fd for fd, _ in poll.poll()}


def _reap(workers: dict[int, tuple[int, int]], pidfd: int) -> None:
    pid, connection = workers.pop(pidfd)
    process.wait(pid)
    os.close(pidfd)
    os.close(connection)


def _let_go(control: socket.socket, workers: dict[int, tuple[int, int]]) -> None:
    """A new worker gives back what is its parent's."""
    control.close()
    for pidfd, (_, connection) in workers.items():
        os.close(pidfd)
        os.close(connection)


def _work(fd: int, parent: int, engine: Engine, speaker: Speaker) -> int:
    """The life of a worker: one call after the other, until the connection ends."""
    syscalls.prctl(_PR_SET_PDEATHSIG, SIGKILL)
    if os.getppid() != parent:
        return 0
    connection = socket.socket(fileno=fd)
    speaker.connection = connection
    facades = {name: facade(engine) for name, facade in FACADES.items()}
    try:
        speaker.send("worker", os.getpid())
        while True:
            (facade, method, args, kwargs), fds = wire.receive(connection, speaker)
            try:
                _answer(speaker, facades[facade], method, args, kwargs)
            finally:
                wire.close_all(fds)
    except wire.Closed:
        return 0


def _answer(speaker: Speaker, facade: Any, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Carry out one call and send its outcome."""
    try:
        result = public(type(facade))[method](facade, *args, **kwargs)
        if hasattr(result, "__next__"):
            _send_items(speaker, result)
        else:
            speaker.send("result", result)
    except wire.Closed:
        raise
    except Exception as error:  # noqa: BLE001 -- raised again in the program
        speaker.fail(error)


def _send_items(speaker: Speaker, items: Iterator[Any]) -> None:
    speaker.send("items")
    for item in items:
        speaker.send("item", item)
    speaker.send("result")
