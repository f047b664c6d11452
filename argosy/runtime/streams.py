"""Copying between the caller's standard streams and a container's, until the container's side ends.

One loop serves all: an attached container (`attach.py`), and the pipes or the terminal of an `exec` (`exec.py`).  It
also passes signals on, tells of changes of the window's size, and finds the keys that detach.  Input that the container
does not take yet is held back while output goes on, so that the two cannot wait for each other.
"""

from __future__ import annotations

import os
import select

from argosy.errors import ArgosyError, Invalid
from argosy.linux import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol, Self

    class Far(Protocol):
        """The container's side.

        `outputs` are descriptors to read; `read` gives (stream, data) with stream 1 or 2, and no data at the end of
        that descriptor.  `input_fd` takes input without blocking, or is -1; `write` gives how much it took, and raises
        OSError when nothing more is wanted.  `ended_fd`, when it is not -1, becomes readable when the process is gone:
        what is there is still copied, then the copying ends.
        """

        @property
        def outputs(self) -> tuple[int, ...]: ...
        @property
        def input_fd(self) -> int: ...
        @property
        def ended_fd(self) -> int: ...
        def read(self, fd: int) -> tuple[int, bytes]: ...
        def write(self, data: bytes) -> int: ...
        def end_input(self) -> None: ...


EOF = "eof"
DETACHED = "detached"
CLOSED = "closed"

_CHUNK = 8192

# Never passed on: what cannot be caught, what the kernel raises for our own faults, what concerns this process alone.
_OWN = frozenset(
    (
        *(signals.SIGKILL, signals.SIGSTOP, signals.SIGCHLD, signals.SIGURG, signals.SIGPIPE, signals.SIGWINCH),
        *(signals.SIGTTIN, signals.SIGTTOU, signals.SIGXFSZ),
        *(4, 5, 7, 8, 11, 31, 32, 33),
    )
)
_ENDING = (signals.SIGHUP, signals.SIGINT, signals.SIGQUIT, signals.SIGTERM)


class DetachKeys:
    """Finds a sequence of keys in what is typed: "ctrl-p,ctrl-q", single characters or ctrl- with one of `a-z@[\\]^_`.

    Raises Invalid for other text.  No text means that nothing detaches.
    """

    def __init__(self, text: str) -> None:
        self._keys = bytes(_key(word, text) for word in text.split(",")) if text else b""
        self._held = b""

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """What of `data` goes on to the container, and whether the sequence is complete.

        The beginning of a sequence is held back, and goes on when another key follows.
        """
        if not self._keys:
            return data, False
        out = b""
        for byte in data:
            self._held += bytes((byte,))
            if self._held == self._keys:
                self._held = b""
                return out, True
            while not self._keys.startswith(self._held):
                out += self._held[:1]
                self._held = self._held[1:]
        return out, False


def _key(word: str, text: str) -> int:
    if len(word) == 1 and word.isascii():
        return ord(word)
    control = word.removeprefix("ctrl-")
    if control != word and len(control) == 1 and control in "abcdefghijklmnopqrstuvwxyz@[\\]^_":
        return ord(control.upper()) & 0x1F
    raise Invalid("detach keys", text, f"Unknown character: '{word}'", hint="give for example ctrl-p,ctrl-q")


class Signals:
    """Catches signals from `__enter__` to `__exit__` and keeps them until `take`.

    `passed_on`: everything that may be meant for the container.  `window`: changes of the window's size.  `ending`:
    what would end this process while its terminal is raw.  Does nothing outside the main thread, where signals cannot
    be caught.  Signals that this process was started with ignored stay so.
    """

    def __init__(self, *, passed_on: bool, window: bool = False, ending: bool = False) -> None:
        wanted: set[int] = set()
        if passed_on:
            wanted.update(n for n in range(1, signals.RTMAX + 1) if n not in _OWN)
        if ending:
            wanted.update(_ENDING)
        if window:
            wanted.add(signals.SIGWINCH)
        self._wanted = wanted
        self._before: dict[int, object] = {}
        self._wakeup_before = -1
        self.fd = -1
        self._write_fd = -1

    def __enter__(self) -> Self:
        import _signal  # type: ignore[import-not-found]  # typeshed knows only signal

        if not self._wanted:
            return self
        self.fd, self._write_fd = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            self._wakeup_before = _signal.set_wakeup_fd(self._write_fd, warn_on_full_buffer=False)
        except ValueError:
            self._close()
            return self
        for number in self._wanted:
            before = _signal.getsignal(number)
            if before is not None and before != _signal.SIG_IGN:
                self._before[number] = _signal.signal(number, _nothing)
        return self

    def __exit__(self, *_error: object) -> None:
        import _signal

        if self.fd < 0:
            return
        for number, before in self._before.items():
            _signal.signal(number, before)
        self._before.clear()
        _signal.set_wakeup_fd(self._wakeup_before)
        self._close()

    def _close(self) -> None:
        os.close(self.fd)
        os.close(self._write_fd)
        self.fd = self._write_fd = -1

    def take(self) -> bytes:
        """The numbers of the signals that came since the last call."""
        try:
            return os.read(self.fd, 4096)
        except BlockingIOError:
            return b""


def _nothing(_number: int, _frame: object) -> None:
    """A handler: the wake-up descriptor has told of the signal already."""


class Copying:
    """One session of copying.

    `stdin`, `stdout` and `stderr` are the caller's descriptors, None where a stream is not wanted.  `on_signal` gets
    each signal that is not a change of the window's size, `on_resize` is called for those.
    """

    def __init__(
        self,
        far: Far,
        *,
        stdin: int | None,
        stdout: int | None,
        stderr: int | None,
        keys: DetachKeys,
        caught: Signals,
        on_signal: Callable[[int], None],
        on_resize: Callable[[], None],
    ) -> None:
        self._far = far
        self._stdin = stdin
        self._sinks: Mapping[int, int | None] = {1: stdout, 2: stderr}
        self._keys = keys
        self._caught = caught
        self._on_signal = on_signal
        self._on_resize = on_resize
        self._pending = b""
        self._input_ends = False
        self._open = set(far.outputs)

    def run(self) -> str:
        """Copy until the container's side ends ("eof"), the user detaches ("detached"), or nobody reads our output
        any more ("closed")."""
        try:
            while self._open:
                ready = self._wait()
                if self._far.ended_fd in ready:
                    self._rest()
                    return EOF
                if not self._step(ready):
                    return DETACHED
        except BrokenPipeError:
            return CLOSED
        return EOF

    def _wait(self) -> set[int]:
        wanted = dict.fromkeys((*self._open, self._caught.fd, self._far.ended_fd), select.POLLIN)
        if self._pending:
            wanted[self._far.input_fd] = wanted.get(self._far.input_fd, 0) | select.POLLOUT
        elif self._stdin is not None:
            wanted[self._stdin] = select.POLLIN
        poll = select.poll()
        for fd, events in wanted.items():
            if fd >= 0:
                poll.register(fd, events)
        return {fd for fd, _ in poll.poll()}

    def _step(self, ready: set[int]) -> bool:
        """Handle what is ready; False when the user detached."""
        if self._caught.fd in ready:
            self._signals()
        for fd in ready & self._open:
            self._output(fd)
        if self._pending:
            if self._far.input_fd in ready:
                self._send(b"")
        elif self._stdin is not None and self._stdin in ready:
            return self._input()
        return True

    def _signals(self) -> None:
        for number in self._caught.take():
            if number == signals.SIGWINCH:
                self._on_resize()
            else:
                self._on_signal(number)

    def _output(self, fd: int) -> bool:
        """Copy one piece; False when there was none."""
        try:
            stream, data = self._far.read(fd)
        except BlockingIOError:
            return False
        if not data:
            self._open.discard(fd)
            return False
        sink = self._sinks[stream]
        if sink is not None:
            try:
                write_all(sink, data)
            except BrokenPipeError:
                raise
            except OSError as error:
                name = "standard output" if stream == 1 else "standard error"
                raise ArgosyError(f"cannot write {name}", details=str(error.strerror)) from error
        return True

    def _rest(self) -> None:
        """The process is gone: copy what is left in the pipes, but do not wait for others that hold them open."""
        for fd in tuple(self._open):
            os.set_blocking(fd, False)
            while self._output(fd):
                pass

    def _input(self) -> bool:
        assert self._stdin is not None
        try:
            data = os.read(self._stdin, _CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            data = b""  # a terminal that hung up
        if not data:
            self._stdin = None
            self._input_ends = True
            self._send(b"")
            return True
        data, detached = self._keys.feed(data)
        self._send(data)
        return not detached

    def _send(self, data: bytes) -> None:
        self._pending += data
        try:
            while self._pending:
                self._pending = self._pending[self._far.write(self._pending[:_CHUNK]) :]
        except BlockingIOError:
            return
        except OSError:
            self._pending = b""  # the container reads no more
            self._stdin = None
            return
        if self._input_ends:
            self._input_ends = False
            self._far.end_input()


def write_all(fd: int, data: bytes) -> None:
    """Write everything, also to a descriptor that somebody made non-blocking."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            poll = select.poll()
            poll.register(fd, select.POLLOUT)
            poll.poll()
