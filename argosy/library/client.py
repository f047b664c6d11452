"""The calling program's side of the helper process: start it, call the façades by way of it, end it.

The program may have threads, and never enters a namespace itself.  Each call that is under way has a connection and a
worker of its own in the helper (see `library.helper`), so that calls of several threads do not wait for each other;
connections are used again.  A call that is left by an exception (an interrupt, an iterator closed early) ends its
worker, which is as safe as killing a command.
"""

from __future__ import annotations

import functools
import inspect
import os
import select
import socket
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from argosy.containers.exec import ExecOptions
from argosy.containers.run import Streams
from argosy.errors import ArgosyError, Unsupported
from argosy.images.progress import Progress
from argosy.library import wire
from argosy.linux import process, terminal
from argosy.linux.signals import SIGKILL
from argosy.runtime import streams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

COMMAND = "__library"
CONTROL_FD = 3
SILENT = Progress()

_END_S = 10.0
_MOST_DETAILS = 4096

Facade = TypeVar("Facade")


class HelperGone(ArgosyError):
    """The helper process has ended, or was killed, or the engine was closed while a call was under way."""


class Connection:
    """One worker of the helper: its socket, and which process it is."""

    def __init__(self, own: socket.socket) -> None:
        self.socket = own
        self.pid = 0
        self.started = 0

    def greet(self) -> None:
        """Take the worker's first message, which says its pid."""
        (_, self.pid), _ = wire.receive(self.socket)
        self.started = process.start_time(self.pid) or 0

    def signal(self, number: int) -> None:
        """Pass a signal on to the worker."""
        process.signal_process(self.pid, self.started, number)

    def break_off(self) -> None:
        """Wake up a thread that waits for an answer: it finds the connection at its end."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other end was quicker

    def close(self) -> None:
        """Close; a worker that is at work for us is ended.  Idempotent."""
        self.socket.close()


class Client:
    """The helper process of one engine."""

    def __init__(self, settings: Mapping[str, Any], notice: Callable[[str], None] | None) -> None:
        self._notice = notice
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._closed = False
        self._owner = os.getpid()
        self._pid = self._started = 0
        self._words = os.memfd_create("argosy-library")  # what the helper says on standard error
        self._control, far = socket.socketpair()
        try:
            with far:
                self._pid = self._start(far.fileno())
            self._started = process.start_time(self._pid) or 0
            self._open(settings)
        except BaseException:
            self.close()
            raise

    def _start(self, control: int) -> int:
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            fds = {0: null, 1: null, 2: self._words, CONTROL_FD: control}
            return process.spawn([*process.self_argv(), COMMAND], fds=fds, setsid=True)
        finally:
            os.close(null)

    def _open(self, settings: Mapping[str, Any]) -> None:
        """Have the helper open the store.  Raises what it met."""
        try:
            wire.send(self._control, dict(settings))
            while True:
                (kind, content), _ = wire.receive(self._control)
                if kind == "notice":
                    self._tell(content)
                elif kind == "error":
                    raise content
                else:
                    return
        except wire.Closed:
            raise self._gone() from None

    def call(self, facade: str, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a method of a façade in the helper; its result, its exception, or an iterator over its items."""
        connection = self._borrow()
        given = (*args, *kwargs.values())
        progress = next((value for value in given if isinstance(value, Progress)), SILENT)
        try:
            with _Signals(connection, given) as caught:
                wire.send(connection.socket, (facade, method, args, kwargs))
                kind, content = self._answer(connection, progress, caught)
        except wire.Closed:
            self._drop(connection)
            raise self._gone() from None
        except BaseException:
            self._drop(connection)
            raise
        if kind == "items":
            return self._items(connection)
        self._give_back(connection)
        if kind == "error":
            raise content
        return content

    def _answer(self, connection: Connection, progress: Progress, caught: _Signals | None = None) -> tuple[str, Any]:
        """The next message that is no event; events are handed on."""
        while True:
            if caught is not None:
                caught.wait()
            (kind, content), _ = wire.receive(connection.socket)
            if kind == "notice":
                self._tell(content)
            elif kind == "progress":
                name, arguments = content
                getattr(progress, name)(*arguments)
            else:
                return kind, content

    def _items(self, connection: Connection) -> Iterator[Any]:
        complete = False
        try:
            while True:
                kind, content = self._answer(connection, SILENT)
                complete = kind != "item"
                if kind == "error":
                    raise content
                if complete:
                    return
                yield content
        except wire.Closed:
            raise self._gone() from None
        finally:
            if complete:
                self._give_back(connection)
            else:
                self._drop(connection)

    def _tell(self, text: str) -> None:
        if self._notice is not None:
            self._notice(text)

    def _borrow(self) -> Connection:
        """An idle connection, or a new one with a new worker."""
        if os.getpid() != self._owner:
            raise Unsupported(
                "this engine was opened by the parent of this process", hint="call argosy.open() after the fork"
            )
        with self._lock:
            if self._closed:
                raise self._gone()
            if self._idle:
                return self._idle.pop()
            own, far = socket.socketpair()
            connection = Connection(own)
            self._all.add(connection)
            try:
                with far:
                    socket.send_fds(self._control, [b"\0"], [far.fileno()])
            except ConnectionError:
                pass  # the helper is gone: the connection is at its end, and the next step says so
            except BaseException:
                self._all.discard(connection)
                connection.close()
                raise
        try:
            connection.greet()
        except wire.Closed:
            self._drop(connection)
            raise self._gone() from None
        return connection

    def _give_back(self, connection: Connection) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        with self._lock:
            self._all.discard(connection)
        connection.close()

    def _gone(self) -> HelperGone:
        if self._closed:
            return HelperGone("the engine is closed", hint="call argosy.open() again")
        said = os.pread(self._words, _MOST_DETAILS, 0).decode(errors="replace").strip()
        return HelperGone(
            "Argosy's helper process has ended unexpectedly", details=said, hint="call argosy.open() again"
        )

    def close(self) -> None:
        """End the helper, and with it all that is under way by way of it, and wait for its end.  Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            idle, self._idle = self._idle, []
            busy = self._all.difference(idle)
            self._all.clear()
        for connection in busy:
            connection.break_off()  # the thread that uses it closes it
        for connection in idle:
            connection.close()
        if os.getpid() == self._owner:
            self._end()
        self._control.close()
        os.close(self._words)

    def _end(self) -> None:
        try:
            self._control.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it is gone already
        if not self._pid:
            return
        try:
            pidfd = os.pidfd_open(self._pid)
            try:
                poll = select.poll()
                poll.register(pidfd, select.POLLIN)
                if not poll.poll(_END_S * 1000):
                    process.signal_process(self._pid, self._started, SIGKILL)
            finally:
                os.close(pidfd)
            process.wait(self._pid)
        except (ProcessLookupError, ChildProcessError):
            pass  # the program reaps children that it does not know


class _Signals:
    """While a call copies the caller's streams, passes signals on to the worker, which treats them as a command does.

    Outside the main thread signals cannot be caught, and nothing is passed on.
    """

    def __init__(self, connection: Connection, given: tuple[Any, ...]) -> None:
        self._connection = connection
        self._caught: Any = None
        for value in given:
            if isinstance(value, (Streams, ExecOptions)):
                fds = [fd for fd in (value.stdin, value.stdout, value.stderr) if fd is not None]
                window = any(terminal.is_terminal(fd) for fd in fds)
                passed_on = value.sig_proxy if isinstance(value, Streams) else True
                self._caught = streams.Signals(passed_on=passed_on, window=window)

    def __enter__(self) -> _Signals:
        if self._caught is not None:
            self._caught.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if self._caught is not None:
            self._caught.__exit__(*error)

    def wait(self) -> None:
        """Until the worker says something."""
        if self._caught is None or self._caught.fd < 0:
            return
        poll = select.poll()
        poll.register(self._caught.fd, select.POLLIN)
        poll.register(self._connection.socket, select.POLLIN)
        while not any(fd == self._connection.socket.fileno() for fd, _ in poll.poll()):
            for number in self._caught.take():
                self._connection.signal(number)


def remote(facade: type[Facade], name: str, client: Client) -> Facade:
    """A façade of the class `facade` whose public methods are carried out by the helper."""
    methods = {method: _forward(function, name) for method, function in public(facade).items()}
    made = type(f"Remote{facade.__name__}", (facade,), {**methods, "_client": client})
    found: Facade = object.__new__(made)
    return found


def public(facade: type) -> dict[str, Callable[..., Any]]:
    """The methods of a façade that programs may call, by name."""
    return {
        name: function
        for name, function in vars(facade).items()
        if not name.startswith("_") and inspect.isfunction(function)
    }


def _forward(function: Callable[..., Any], facade: str) -> Callable[..., Any]:
    signature = inspect.signature(function)

    @functools.wraps(function)
    def forwarded(self: Any, *args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(self, *args, **kwargs)
        return self._client.call(facade, function.__name__, bound.args[1:], bound.kwargs)

    return forwarded
