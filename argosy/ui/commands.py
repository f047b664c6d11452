"""Commands of Argosy's, started from the view: waited for, or read line by line.

Each is in a session of its own, so that the end of the terminal does not end one that is under way; who no longer
waits (`cancelled` says so) lets `run` go on alone, and ends what `lines` reads.
"""

from __future__ import annotations

import os
import select

from argosy.linux import process
from argosy.linux.signals import SIGTERM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_LOOK_MS = 200  # how often somebody who waits looks whether he should
_CHUNK = 1 << 16
_LONGEST_LINE = 1 << 14
_MOST_WORDS = 4096
_SHELL_ENDED = 125  # from here on a status is the engine's, or says that there was no such program


def run(argv: Sequence[str], cancelled: Callable[[], bool]) -> str:
    """Run a command to its end; "" when it went well, or what it said.  Raises ArgosyError when it cannot start."""
    with _Words() as words:
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            pid = process.spawn(argv, fds={0: null, 1: null, 2: words.fd}, setsid=True)
        finally:
            os.close(null)
        pidfd = os.pidfd_open(pid)
        try:
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            while not poll.poll(_LOOK_MS):
                if cancelled():
                    return ""
        finally:
            os.close(pidfd)
        status = process.wait(pid)
        return words.last(f"exit status {status}") if status else ""


def take_terminal(argv: Sequence[str]) -> str:
    """Run a command at the terminal; "" when it went well, or why it could not be."""
    with _Words() as words:
        status = process.wait(process.spawn(argv, fds={2: words.fd}))
        return words.last(f"exit status {status}") if status >= _SHELL_ENDED else ""


def lines(argv: Sequence[str], cancelled: Callable[[], bool]) -> Iterator[list[str]]:
    """What a command writes, on either stream, as lines without their ends, as many at once as are there."""
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    reading, writing = os.pipe()
    try:
        pid = process.spawn(argv, fds={0: null, 1: writing, 2: writing}, setsid=True)
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(null)
        os.close(writing)
    try:
        yield from _split(reading, cancelled)
    finally:
        os.close(reading)
        os.kill(pid, SIGTERM)  # ours, and not reaped yet; nothing happens to one that has ended
        process.wait(pid)


def _split(fd: int, cancelled: Callable[[], bool]) -> Iterator[list[str]]:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    rest = b""
    while not cancelled():
        if not poll.poll(_LOOK_MS):
            continue
        chunk = os.read(fd, _CHUNK)
        *whole, rest = (rest + chunk).split(b"\n")
        if rest and (not chunk or len(rest) > _LONGEST_LINE):
            whole, rest = [*whole, rest], b""
        if whole:
            yield [line.decode(errors="replace") for line in whole]
        if not chunk:
            return


class _Words:
    """What a command says on standard error."""

    def __init__(self) -> None:
        self.fd = os.memfd_create("argosy-ui")

    def last(self, otherwise: str) -> str:
        """The error in it, without its hint and what came before."""
        end = os.fstat(self.fd).st_size
        said = os.pread(self.fd, _MOST_WORDS, max(end - _MOST_WORDS, 0)).decode(errors="replace").splitlines()
        errors = [line.removeprefix("Error: ") for line in said if line.startswith("Error: ")]
        return (errors or [line for line in said if line.strip()] or [otherwise])[-1]

    def __enter__(self) -> _Words:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self.fd)
