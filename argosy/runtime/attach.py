"""Attaching to a container: conmon's attach socket and control fifo, both in the container's bundle.

The socket is of the SEQPACKET kind.  Each packet from conmon begins with a byte that names the stream, 2 for standard
output and 3 for standard error; what is sent to it is the container's input, and shutting down our side is its end.
conmon keeps nothing for late comers: be connected, and accepted, before `runtime start`, or the first output is only in
the log.
"""

from __future__ import annotations

import os
import select
import termios
import time

from argosy.errors import ArgosyError
from argosy.linux import process, sockets, terminal
from argosy.runtime.streams import CLOSED, DETACHED, EOF, Copying, DetachKeys, Signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Callable
    from typing import Any

    from argosy.runtime.streams import Far

__all__ = ["CLOSED", "DETACHED", "EOF", "Attachment", "connect", "copy", "resize"]

_PACKET = 1 + 8192
_WINDOW_MESSAGE = 1
_LARGEST_WINDOW = 1000  # conmon refuses larger ones
_SHUT_WR = 1
_ACCEPT_S, _ACCEPT_PAUSE_MS = 5.0, 1


def connect(bundle: str) -> Attachment:
    """Connect to the container whose bundle (run directory) this is.  Raises ArgosyError when no conmon listens."""
    path = f"{bundle}/attach"
    try:
        connected = sockets.connect(path, sockets.SOCK_SEQPACKET)
    except OSError as error:
        raise ArgosyError(
            f"cannot attach to container {os.path.basename(bundle)[:12]}",
            details=f"{path}: {error.strerror}",
            hint="its conmon is gone: `argosy ps -a` shows the container's state",
        ) from error
    connected.setblocking(False)
    _await_acceptance(connected)
    return Attachment(connected, f"{bundle}/ctl")


def _await_acceptance(connected: socket) -> None:
    """Wait until conmon has taken the connection, or for `_ACCEPT_S`.

    A program that says something and ends before conmon looks for connections would be heard by the log alone.  What
    comes meanwhile, or the other side's end, shows that it was taken.
    """
    deadline = time.monotonic() + _ACCEPT_S
    something = select.poll()
    something.register(connected.fileno(), select.POLLIN)
    while not sockets.is_accepted(connected) and time.monotonic() < deadline:
        if something.poll(_ACCEPT_PAUSE_MS):
            return


def resize(ctl_path: str, rows: int, columns: int) -> bool:
    """Tell conmon the size of the window.  False when it is not there (any more)."""
    try:
        fd = os.open(ctl_path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        sizes = min(rows, _LARGEST_WINDOW), min(columns, _LARGEST_WINDOW)
        os.write(fd, b"%d %d %d\n" % (_WINDOW_MESSAGE, *sizes))
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


class Attachment:
    """A connection to a container's streams.  `pump` closes it; until then it is the caller's to close."""

    def __init__(self, connected: socket, ctl_path: str) -> None:
        self._socket = connected
        self._ctl_path = ctl_path

    def close(self) -> None:
        """Disconnect; the container goes on.  Idempotent."""
        self._socket.close()

    def pump(
        self,
        *,
        stdin: int | None,
        stdout: int | None,
        stderr: int | None,
        tty: bool,
        detach_keys: str = "",
        signal: Callable[[int], None] | None = None,
    ) -> str:
        """Copy until the container ends ("eof"), the user detaches ("detached"), or our output is closed ("closed").

        `tty` says that the container has a terminal: ours then becomes raw, and is as it was when this returns.
        Detaching needs a terminal to type on.  `signal` gets the number of each signal that this process receives
        meanwhile; with None they have their usual effect.
        """
        try:
            return copy(
                _SocketFar(self._socket),
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                tty=tty,
                detach_keys=detach_keys,
                signal=signal,
                on_size=lambda rows, columns: resize(self._ctl_path, rows, columns),
            )
        finally:
            self.close()


class _SocketFar:
    """conmon as the container's side."""

    ended_fd = -1

    def __init__(self, connected: socket) -> None:
        self._socket = connected
        self.input_fd = connected.fileno()
        self.outputs = (self.input_fd,)

    def read(self, _fd: int) -> tuple[int, bytes]:
        try:
            packet = self._socket.recv(_PACKET)
        except ConnectionResetError:
            # conmon ended with input unread: that is told once, before the output that is still there.
            packet = self._socket.recv(_PACKET)
        return (2 if packet[:1] == b"\x03" else 1), packet[1:]

    def write(self, data: bytes) -> int:
        return self._socket.send(data)

    def end_input(self) -> None:
        self._socket.shutdown(_SHUT_WR)


def copy(
    far: Far,
    *,
    stdin: int | None,
    stdout: int | None,
    stderr: int | None,
    tty: bool,
    detach_keys: str,
    signal: Callable[[int], None] | None,
    on_size: Callable[[int, int], object],
) -> str:
    """Copy between the caller and any container's side; see `Attachment.pump`."""
    window = _window_fd(stdin, stdout, stderr) if tty else -1
    typed = stdin is not None and terminal.is_terminal(stdin)
    raw = tty and typed
    keys = DetachKeys(detach_keys)
    if not typed:
        keys = DetachKeys("")
    caught = Signals(passed_on=signal is not None, window=window >= 0, ending=raw)

    def tell_size() -> None:
        if window >= 0:
            on_size(*terminal.window_size(window))

    with caught, RawTerminal(stdin if raw else None) as mode:
        tell_size()
        copying = Copying(
            far,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            keys=keys,
            caught=caught,
            on_signal=signal or mode.end_by,
            on_resize=tell_size,
        )
        return copying.run()


class RawTerminal:
    """The caller's terminal in raw mode from `__enter__` to `__exit__`; with None, nothing.

    Whatever kills this process, SIGKILL included, the terminal gets its settings back: a shell waits for the end of a
    pipe that only we hold, and restores them unless told that all is done.
    """

    _GUARD = 'trap "" HUP INT QUIT TERM TSTP TTOU; read done || stty "$0" <&3'

    def __init__(self, fd: int | None) -> None:
        self._fd = fd
        self._saved: list[Any] | None = None
        self._guard_pid = 0
        self._guard_fd = -1

    def __enter__(self) -> RawTerminal:
        if self._fd is not None:
            saved = termios.tcgetattr(self._fd)
            self._start_guard(self._fd, saved)
            self._saved = saved
            termios.tcsetattr(self._fd, termios.TCSADRAIN, raw_settings(saved))
        return self

    def __exit__(self, *_error: object) -> None:
        self.restore()

    def _start_guard(self, fd: int, saved: list[Any]) -> None:
        read_fd, self._guard_fd = os.pipe2(os.O_CLOEXEC)
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        words = ["/bin/sh", "-c", self._GUARD, stty_text(saved)]
        try:
            self._guard_pid = process.spawn(words, fds={0: read_fd, 1: null, 2: null, 3: fd})
        except ArgosyError:
            self._guard_pid = 0  # no shell here: only SIGKILL would leave the terminal raw
        finally:
            os.close(read_fd)
            os.close(null)

    def restore(self) -> None:
        """Give the terminal its settings back.  Idempotent."""
        if self._saved is None or self._fd is None:
            return
        try:
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._saved)
        except termios.error:
            pass  # the terminal is gone
        self._saved = None
        if self._guard_pid:
            os.write(self._guard_fd, b"done\n")
        os.close(self._guard_fd)
        if self._guard_pid:
            process.wait(self._guard_pid)

    def end_by(self, number: int) -> None:
        """End this process as the signal would have done, but with the terminal as it was."""
        import _signal  # type: ignore[import-not-found]  # typeshed knows only signal

        self.restore()
        _signal.signal(number, _signal.SIG_DFL)
        os.kill(os.getpid(), number)


def raw_settings(settings: list[Any]) -> list[Any]:
    """termios attributes that pass every byte as it is, as cfmakeraw(3) has them."""
    iflag, oflag, cflag, lflag, ispeed, ospeed, characters = settings
    iflag &= ~(termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.ISTRIP)
    iflag &= ~(termios.INLCR | termios.IGNCR | termios.ICRNL | termios.IXON)
    lflag &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    cflag = cflag & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    characters = list(characters)
    characters[termios.VMIN], characters[termios.VTIME] = 1, 0
    return [iflag, oflag & ~termios.OPOST, cflag, lflag, ispeed, ospeed, characters]


def stty_text(settings: list[Any]) -> str:
    """The settings as `stty -g` writes them and stty(1) takes them."""
    numbers = [*settings[:4], *(c if isinstance(c, int) else ord(c) for c in settings[6])]
    return ":".join(f"{number:x}" for number in numbers)


def _window_fd(*fds: int | None) -> int:
    """The first of the caller's streams that is a terminal, -1 when none is."""
    return next((fd for fd in fds if fd is not None and terminal.is_terminal(fd)), -1)
