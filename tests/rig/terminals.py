"""A program on a terminal: typed to, read from, resized, hung up."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from typing import Any, Self

from tests.rig.program import Program

_TIMEOUT_S = 30.0


class Terminal:
    """The program's three streams are this terminal.  Use it as a context manager; the program is killed at its end."""

    def __init__(self, program: Program, *args: str, rows: int = 24, columns: int = 80) -> None:
        self.master, slave = pty.openpty()
        self.resize(rows, columns)
        self.settings = self.attributes()
        self.output = b""
        try:
            if program.user:
                os.chown(os.ttyname(slave), program.uid, -1)
            self.process: subprocess.Popen[bytes] = program.spawn(
                [
                    "setsid",
                    "--ctty",
                    *program.argv(*args),
                ],  # becomes the program, which leads a session on the terminal
                stdin=slave,
                stdout=slave,
                stderr=slave,
            )
        finally:
            os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)

    def attributes(self) -> list[Any]:
        """The terminal's settings now."""
        return termios.tcgetattr(self.master)

    def resize(self, rows: int, columns: int) -> None:
        """Give the window another size; the kernel tells the foreground program."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: bytes) -> None:
        """Type."""
        os.write(self.master, keys)

    def expect(self, text: bytes) -> bytes:
        """Read until `text` came, and drop what was read up to its end."""
        deadline = time.monotonic() + _TIMEOUT_S
        while text not in self.output:
            left = deadline - time.monotonic()
            if left <= 0 or not self._read(left):
                raise AssertionError(f"{text!r} did not come; the terminal shows {self.output!r}")
        before, _, self.output = self.output.partition(text)
        return before

    def finish(self) -> int:
        """Wait for the program's end: its exit status (negative for a signal)."""
        deadline = time.monotonic() + _TIMEOUT_S
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"the program does not end; the terminal shows {self.output!r}")
            self._read(0.02)
        while self._read(0):
            pass
        return self.process.returncode

    def signal(self, number: int) -> None:
        """Send the program a signal."""
        self.process.send_signal(signal.Signals(number))

    def is_raw(self) -> bool:
        """Whether keys are passed on as they are."""
        return not self.attributes()[3] & termios.ICANON

    def wait_until_raw(self) -> None:
        """Wait until the program has taken the terminal over."""
        deadline = time.monotonic() + _TIMEOUT_S
        while not self.is_raw():
            assert time.monotonic() < deadline, f"the terminal stays as it is: {self.output!r}"
            time.sleep(0.005)

    def _read(self, timeout_s: float) -> bool:
        ready, _, _ = select.select([self.master], [], [], timeout_s)
        if not ready:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.output += data
        return bool(data)
