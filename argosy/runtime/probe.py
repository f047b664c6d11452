"""A program run in a container to see whether it succeeds, beside others: nothing here waits.

Who runs it polls `pidfd` and `output_fd`, calls `read` when there is output, `end` when it has ended, and `kill` when
its time is up.
"""

from __future__ import annotations

import os

from argosy.linux import process, procfs
from argosy.runtime import exec as execs
from argosy.runtime import oci_runtime
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.runtime.exec import ExecRequest

_CHUNK = 1 << 16
_CHUNKS_AT_ONCE = 4  # so that one which prints without end leaves time for the others
_KILL_ROUNDS = 16


class Outcome(Value):
    """How it ended: the exit status, 128+n for a signal, and the beginning of what it wrote.

    `failure` is why the runtime could not run it, "" where it did.
    """

    code: int
    output: bytes
    failure: str = ""


class Probe:
    """One run of a program, by the runtime's exec; its two output streams are one, of which `keep` bytes are kept."""

    def __init__(self, request: ExecRequest, keep: int) -> None:
        self._keep = keep
        self._kept = bytearray()
        self._memory = execs.Memory(request)
        self.output_fd = -1
        try:
            self.output_fd, self.pid = self._spawn(request)
            self.pidfd = os.pidfd_open(self.pid)
        except BaseException:
            self._close()
            raise

    def _spawn(self, request: ExecRequest) -> tuple[int, int]:
        """Pipes, as `runtime.exec` has them: the runtime gives its streams to the program's user."""
        stdin, end = os.pipe2(os.O_CLOEXEC)
        os.close(end)
        output, child = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(output, False)
        try:
            fds = {0: stdin, 1: child, 2: child, **self._memory.fds}
            words = execs.argv(request)
            return output, process.spawn(words, env=oci_runtime.environment(), fds=fds, setsid=True)
        except BaseException:
            os.close(output)
            raise
        finally:
            os.close(stdin)
            os.close(child)

    def read(self) -> bool:
        """Take what was written, some of it; False once there will be no more."""
        for _ in range(_CHUNKS_AT_ONCE):
            try:
                data = os.read(self.output_fd, _CHUNK)
            except BlockingIOError:
                return True
            if not data:
                return False
            self._kept += data[: self._keep - len(self._kept)]
        return True

    def end(self) -> Outcome:
        """How it ended.  The pidfd has said that it did; what a child of its own still writes is lost."""
        self.read()
        code = process.wait(self.pid)
        failure = str(self._memory.failure()) if self._memory.says_failed(code) else ""
        self._close()
        return Outcome(code, bytes(self._kept), failure)

    def kill(self) -> None:
        """Kill the program, and what it has started and not let go; `end` is still to be called.

        The runtime reaps the program and ends by itself.  Were it killed too, the container's first process would
        inherit a zombie, and few of them reap.  It is killed when there is nothing below it.
        """
        for _ in range(_KILL_ROUNDS):
            below = procfs.descendants(self.pid)
            living = [(pid, started) for pid in below if (started := process.start_time(pid)) is not None]
            for pid, started in living:
                process.signal_process(pid, started)
            if not living:
                break
        if not below:
            process.signal_process(self.pid, process.start_time(self.pid) or 0)

    def _close(self) -> None:
        for fd in (self.output_fd, getattr(self, "pidfd", -1)):
            if fd >= 0:
                os.close(fd)
        self.output_fd = self.pidfd = -1
        self._memory.__exit__()
