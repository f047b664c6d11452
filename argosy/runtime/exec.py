"""Running one more process in a container, in the foreground, through the runtime alone.

The process never gets our own descriptors but pipes or a terminal of its own: a terminal of ours could be typed into
(TIOCSTI), a directory climbed out of, a file opened again with other rights.  The runtime is a session leader without a
terminal.  Its messages are told apart from the process's by its log, a memory file.
"""

from __future__ import annotations

import os
import select

from argosy.errors import ArgosyError
from argosy.linux import process, signals
from argosy.runtime import oci_runtime
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.runtime.console import TerminalFar
    from argosy.runtime.oci_runtime import OciRuntime

_LOG_LAG_MS = 100
_RUNTIME_FAILED = 255  # what both runtimes exit with when they could not start the process
_RUNTIME_GAVE_UP = 1  # crun where it fails half-way; also an ordinary status of a process
_LOG_FD, _PROCESS_FD, _DIRECTORY_FD = 3, 4, 5


class ExecRequest(Value):
    """One process for a running container.

    `process` is the OCI `process` object as JSON, `program` what it runs.  `directory` is the container's run
    directory: with `tty` the terminal's socket and the pid file are made below it, and removed.  Streams that are None
    are not connected; `signal_proxy` passes signals on to the process.
    """

    runtime: OciRuntime
    id: str
    process: bytes
    program: str = ""
    tty: bool = False
    stdin: int | None = None
    stdout: int | None = 1
    stderr: int | None = 2
    detach_keys: str = ""
    signal_proxy: bool = True
    preserve_fds: int = 0
    directory: str = ""


def run(request: ExecRequest) -> int:
    """Run the process and stay with it: its exit status, 128+n for a signal, 0 when the user detached.

    Raises the translated error of a runtime that could not start it (126 not permitted, 127 not found).  With a
    terminal this process becomes a subreaper, since the runtime leaves the process to it.
    """
    return _run_with_terminal(request) if request.tty else _run_with_pipes(request)


def argv(request: ExecRequest, *words: str) -> list[str]:
    """The runtime's argument vector, with its log and the process object in inherited memory files."""
    first = request.preserve_fds
    runtime = request.runtime
    flags = runtime.global_flags()
    if "--log" in flags:
        at = flags.index("--log")
        del flags[at : at + 2]
    flags += ["--log", f"/proc/self/fd/{_LOG_FD + first}", "--log-format", "json"]
    preserved = ["--preserve-fds", str(first)] if first else []
    described = ["--process", f"/proc/self/fd/{_PROCESS_FD + first}"]
    return [runtime.path, *flags, "exec", *words, *preserved, *described, request.id]


class Memory:
    """The two memory files of one call."""

    def __init__(self, request: ExecRequest) -> None:
        first = request.preserve_fds
        self._request = request
        self.log = os.memfd_create("argosy-exec-log")
        self.process = os.memfd_create("argosy-exec-process")
        self.fds = {fd: fd for fd in range(3, 3 + first)}
        self.fds.update({_LOG_FD + first: self.log, _PROCESS_FD + first: self.process})
        os.write(self.process, request.process)

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self.log)
        os.close(self.process)

    def has_log(self) -> bool:
        return os.fstat(self.log).st_size > 0

    def says_failed(self, status: int) -> bool:
        """Whether it was the runtime that ended with this status, and not the process."""
        if status == _RUNTIME_GAVE_UP:
            return any(oci_runtime.is_error(line) for line in self._lines())
        return status == _RUNTIME_FAILED and self.has_log()

    def _lines(self) -> list[str]:
        return os.pread(self.log, 65536, 0).decode("utf-8", "replace").splitlines()

    def failure(self) -> ArgosyError:
        """What the runtime wrote into its log."""
        runtime = self._request.runtime
        message = oci_runtime.plain_message("\n".join(self._lines()))
        return oci_runtime.translate(runtime.name, message, self._request.id, self._request.program)


class _PipesFar:
    """Three pipes and the runtime's pidfd as the container's side.

    Standard error is held back while the runtime's log has content: then it is the runtime that speaks, and its message
    becomes an error instead.
    """

    def __init__(self, memory: Memory, *, stdin: bool) -> None:
        self._memory = memory
        self.held = bytearray()
        self._waited = False
        self.input_fd = -1
        self.ended_fd = -1
        # Never /dev/null: crun gives its streams to the process's user, and that one is the host's.
        child_in, self.input_fd = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.input_fd, False)
        if not stdin:
            self.end_input()
        out, child_out = os.pipe2(os.O_CLOEXEC)
        err, child_err = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(out, False)
        os.set_blocking(err, False)
        self._streams = {out: 1, err: 2}
        self.outputs = (out, err)
        self._child = [child_in, child_out, child_err]

    def spawn(self, words: list[str]) -> int:
        """Start the runtime on the far ends of the pipes."""
        fds = {**dict(enumerate(self._child)), **self._memory.fds}
        pid = process.spawn(words, env=oci_runtime.environment(), fds=fds, setsid=True)
        while self._child:
            os.close(self._child.pop())
        self.ended_fd = os.pidfd_open(pid)
        return pid

    def read(self, fd: int) -> tuple[int, bytes]:
        stream = self._streams[fd]
        while True:
            data = os.read(fd, 65536)
            if stream == 1 or not data or not self._runtime_speaks():
                return stream, data
            self.held += data

    def _runtime_speaks(self) -> bool:
        """Whether standard error is the runtime's own.

        crun writes there just before it writes its log and ends, so that what comes first waits for that.
        """
        if not self._waited and not self._memory.has_log():
            poll = select.poll()
            poll.register(self.ended_fd, select.POLLIN)
            poll.poll(_LOG_LAG_MS)
        self._waited = True
        return self._memory.has_log()

    def write(self, data: bytes) -> int:
        return os.write(self.input_fd, data)

    def end_input(self) -> None:
        os.close(self.input_fd)
        self.input_fd = -1

    def resize(self, _rows: int, _columns: int) -> None:
        """Pipes have no size."""

    def close(self) -> None:
        for fd in (*self._child, *self.outputs, self.input_fd, self.ended_fd):
            if fd >= 0:
                os.close(fd)


def _copy(request: ExecRequest, far: _PipesFar | TerminalFar, pid: int) -> int | None:
    """Copy to the end; the exit status, or None when the process has ended and is to be reaped."""
    from argosy.runtime import attach

    how = attach.copy(
        far,
        stdin=request.stdin,
        stdout=request.stdout,
        stderr=request.stderr,
        tty=request.tty,
        detach_keys=request.detach_keys,
        signal=forwarder(pid) if request.signal_proxy else None,
        on_size=far.resize,
    )
    if how == attach.DETACHED:
        _hold(far)
        return 0
    return 128 + signals.SIGPIPE if how == attach.CLOSED else None


def _hold(far: _PipesFar | TerminalFar) -> None:
    """Leave a process behind that takes a detached process's output, which would else die of SIGHUP or SIGPIPE.

    Returns when that process is in a session of its own: the end of ours would hang up its terminal.
    """
    ready, tell = os.pipe2(os.O_CLOEXEC)
    if os.fork():
        os.close(tell)
        os.read(ready, 1)
        os.close(ready)
        return
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        os.close(tell)
        _swallow(far)
    finally:
        os._exit(0)


def _swallow(far: _PipesFar | TerminalFar) -> None:
    still_open = set(far.outputs)
    while still_open:
        poll = select.poll()
        for fd in (*still_open, far.ended_fd):
            poll.register(fd, select.POLLIN)
        ready = {fd for fd, _ in poll.poll()}
        if far.ended_fd in ready:
            return
        for fd in ready:
            try:
                if not far.read(fd)[1]:
                    still_open.discard(fd)
            except BlockingIOError:
                continue


def _run_with_pipes(request: ExecRequest) -> int:
    from argosy.runtime import streams

    with Memory(request) as memory:
        far = _PipesFar(memory, stdin=request.stdin is not None)
        try:
            pid = far.spawn(argv(request))
            status = _copy(request, far, pid)
            if status is not None:
                return status
            status = process.wait(pid)
            if memory.says_failed(status):
                raise memory.failure()
            if far.held and request.stderr is not None:
                streams.write_all(request.stderr, bytes(far.held))
            return status
        finally:
            far.close()


def _run_with_terminal(request: ExecRequest) -> int:
    from argosy.linux import syscalls
    from argosy.runtime.console import TerminalFar, reap

    syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
    master, pid = _open_terminal(request)
    far = TerminalFar(master, pid)
    try:
        status = _copy(request, far, pid)
        return reap(pid) if status is None else status
    finally:
        far.close()


def _open_terminal(request: ExecRequest) -> tuple[int, int]:
    """Have the runtime start the process on a new terminal: its master, and the process's pid."""
    from argosy.linux import files, sockets

    directory = f"{request.directory}/exec-{os.urandom(6).hex()}"
    os.mkdir(directory, 0o700)
    directory_fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with Memory(request) as memory:
            listener = sockets.listen(f"{directory}/console")
            try:
                pid_file = f"{directory}/pid"
                target = _DIRECTORY_FD + request.preserve_fds
                socket_path = f"/proc/self/fd/{target}/console"  # short, whatever the directory's length
                words = ("--detach", "--console-socket", socket_path, "--pid-file", pid_file)
                _call_detached(argv(request, *words), memory, {target: directory_fd})
                return sockets.receive_descriptor(listener), int(files.read(pid_file))
            finally:
                listener.close()
    finally:
        os.close(directory_fd)
        files.remove_tree(directory)


def _call_detached(words: list[str], memory: Memory, fds: dict[int, int]) -> None:
    """Run the runtime's detached exec to its own end.  Raises its error."""
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        streams = {0: null, 1: null, 2: null}
        environment = oci_runtime.environment()
        pid = process.spawn(words, env=environment, fds={**streams, **memory.fds, **fds}, setsid=True)
    finally:
        os.close(null)
    if process.wait(pid):
        raise memory.failure()


def forwarder(pid: int) -> Callable[[int], None]:
    """What passes signals on to our child `pid`."""

    def forward(number: int) -> None:
        try:
            os.kill(pid, number)  # a child that has not been reaped keeps its pid
        except ProcessLookupError:
            return

    return forward
