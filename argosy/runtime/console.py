"""A container on a terminal of its own whose master is ours, without conmon: the caller stays with it to its end."""

from __future__ import annotations

import os
import time

from argosy.linux import process
from argosy.runtime import oci_runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from argosy.runtime.oci_runtime import OciRuntime

_DIRECTORY_FD = 5
_HANDING_OVER_S = 0.002


class TerminalFar:
    """The container's terminal, and the pidfd of the process on it, as the container's side."""

    def __init__(self, master: int, pid: int) -> None:
        os.set_blocking(master, False)
        self.input_fd = master
        self.outputs = (master,)
        self.ended_fd = os.pidfd_open(pid)

    def read(self, fd: int) -> tuple[int, bytes]:
        try:
            return 1, os.read(fd, 65536)
        except BlockingIOError:
            raise
        except OSError:
            return 1, b""  # EIO: nobody has the terminal open any more

    def write(self, data: bytes) -> int:
        return os.write(self.input_fd, data)

    def end_input(self) -> None:
        """A terminal has no end of input but the key for it; the peers send none either."""

    def resize(self, rows: int, columns: int) -> None:
        from argosy.linux import terminal

        terminal.set_window_size(self.input_fd, rows, columns)

    def close(self) -> None:
        os.close(self.input_fd)
        os.close(self.ended_fd)


def run(runtime: OciRuntime, directory: str, words: Sequence[str], streams: tuple[int, int, int]) -> int:
    """Run the bundle in `directory` to its end, its terminal joined with `streams`; the exit status.

    `words` are behind the runtime's `run`.  Its messages go to the third of the streams; where it could not start the
    container, its own status is returned.  This process becomes a subreaper: the runtime leaves the container to it.
    """
    from argosy.linux import files, sockets, syscalls
    from argosy.runtime import attach
    from argosy.runtime.exec import forwarder

    syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
    stdin, stdout, stderr = streams
    listener = sockets.listen(f"{directory}/console")
    try:
        console = f"/proc/self/fd/{_DIRECTORY_FD}/console"  # short, whatever the directory's length
        pid_file = f"{directory}/pid"
        how = ("--detach", "--console-socket", console, "--pid-file", pid_file)
        status = _call(runtime.argv("run", *how, *words), directory, stderr)
        if status:
            return status
        master, pid = sockets.receive_descriptor(listener), int(files.read(pid_file))
    finally:
        listener.close()
    far = TerminalFar(master, pid)
    try:
        attach.copy(
            far,
            stdin=stdin,
            stdout=stdout,
            stderr=None,
            tty=True,
            detach_keys="",
            signal=forwarder(pid),
            on_size=far.resize,
        )
        return reap(pid)
    finally:
        far.close()


def reap(pid: int) -> int:
    """The exit status of a process that the runtime leaves to us, its subreaper.

    crun says that it is done a moment before its own child, whose child the process is, has ended: until then it is
    nobody's that we could wait for.
    """
    while True:
        try:
            return process.wait(pid)
        except ChildProcessError:
            if not os.path.exists(f"/proc/{pid}"):
                raise
            time.sleep(_HANDING_OVER_S)


def _call(words: Sequence[str], directory: str, stderr: int) -> int:
    """Have the runtime start the container, and leave it."""
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    directory_fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fds = {0: null, 1: null, 2: stderr, _DIRECTORY_FD: directory_fd}
        return process.wait(process.spawn(words, env=oci_runtime.environment(), fds=fds, setsid=True))
    finally:
        os.close(directory_fd)
        os.close(null)
