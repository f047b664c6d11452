"""Programs: the only place that starts them.

Always posix_spawn (1 ms; subprocess costs 12), always close-on-exec descriptors, always reaped.  The default actions of
SIGPIPE and SIGXFSZ, which Python ignores, are given back to the program.
"""

from __future__ import annotations

import os
import select
import sys
import time

from argosy.errors import ArgosyError, NotFound, Unsupported
from argosy.linux.signals import SIGKILL, SIGPIPE, SIGXFSZ
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

PROGRAM_DIRECTORIES = (
    *("/usr/libexec/podman", "/usr/lib/podman", "/usr/local/libexec/podman"),
    *("/sbin", "/usr/sbin", "/usr/bin", "/bin"),
)

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_")
_MAX_OUTPUT_BYTES = 256 << 20
_MAX_DETAILS = 8192
_LINKS_OF_ONE_THREAD = 3  # of /proc/self/task: a directory's two, and one for each thread

_tracer: Callable[[str], None] | None = None


class Completed(Value):
    """What a program that ended left; `returncode` is 128+n when signal n ended it."""

    argv: tuple[str, ...]
    returncode: int
    stdout: bytes
    stderr: bytes


class ProgramFailed(ArgosyError):
    """A program that could not be started, ended with a status other than 0, or took too long."""

    def __init__(self, argv: Sequence[str], status: int, stderr: bytes, *, reason: str = "", hint: str = "") -> None:
        said = stderr[-_MAX_DETAILS:].decode(errors="replace").strip()
        if not reason:
            reason = f"was killed by signal {status - 128}" if status > 128 else f"failed with exit status {status}"
        super().__init__(f"{os.path.basename(argv[0])} {reason}", details=said or quoted(argv), hint=hint)
        self.argv = tuple(argv)
        self.status = status
        self.stderr = stderr


def trace(callback: Callable[[str], None] | None) -> None:
    """Have `callback` called with each program that is started, as a line that can be pasted into a shell."""
    global _tracer
    _tracer = callback


def quoted(argv: Iterable[str]) -> str:
    """The arguments as a shell command line."""
    return " ".join(a if a and _PLAIN.issuperset(a) else "'" + a.replace("'", "'\"'\"'") + "'" for a in argv)


def find_program(name: str, extra: Sequence[str] = PROGRAM_DIRECTORIES) -> str | None:
    """The path of the program `name`, from PATH and then the directories `extra`; None when there is none.

    A name with a slash is a path already.  Relative entries of PATH are passed over.
    """
    if "/" in name:
        return name if _is_program(name) else None
    for directory in (*os.environ.get("PATH", os.defpath).split(":"), *extra):
        if directory.startswith("/") and _is_program(path := f"{directory}/{name}"):
            return path
    return None


def _is_program(path: str) -> bool:
    return os.access(path, os.X_OK) and os.path.isfile(path)


def self_argv() -> list[str]:
    """How to start Argosy again: interpreter, its flags, the launcher, and libraries that this does not know."""
    from argosy.version import LAUNCHER, LIBRARIES

    own = f"{os.path.dirname(os.path.dirname(os.path.abspath(__file__)))}/launch.py"
    words = [sys.executable, "-I", "-S", LAUNCHER or own]
    return [*words, "__libraries", LIBRARIES] if LIBRARIES else words


# Descriptors above 2 that this process was started with: a fact of the process, as its arguments are.
_INHERITED: set[int] = set()


def protect_descriptors(keep: Iterable[int] = ()) -> None:
    """Make all descriptors above 2 close-on-exec, those in `keep` excepted: what the caller's caller left open."""
    kept = frozenset(keep)
    for text in os.listdir("/proc/self/fd"):
        fd = int(text)
        if fd > 2 and fd not in kept:
            try:
                if os.get_inheritable(fd):
                    _INHERITED.add(fd)
                    os.set_inheritable(fd, False)
            except OSError:
                pass  # the descriptor of the listing itself


def close_inherited() -> None:
    """Close the descriptors above 2 that `protect_descriptors` found: nobody's files are to stay open for our sake."""
    while _INHERITED:
        os.close(_INHERITED.pop())


def was_inherited(fd: int) -> bool:
    """Whether a descriptor came from the caller, and is none that we opened.  Known once they are protected."""
    return fd in _INHERITED


def expect_descriptors(count: int) -> None:
    """Raise Unsupported when we and what we start may not have so many files open at once.

    crun runs out of them in the middle of making a container, and blames what it happens to open.
    """
    limit = os.sysconf("SC_OPEN_MAX")
    if 0 <= limit < count:
        raise Unsupported(
            f"only {limit} files may be open at once, and at least {count} are needed",
            hint="raise the limit: `ulimit -n 1024`, nofile in limits.conf, or LimitNOFILE= of the service",
        )


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    fds: Mapping[int, int] | None = None,
    setsid: bool = False,
    directory: str = "",
) -> int:
    """Start a program and return its pid; the caller reaps it with `wait`.

    `fds` maps the program's descriptors to ours; 0, 1 and 2 are inherited unless named.  `env` is the whole environment
    (default: ours), `directory` where the program starts (default: where we are).  Raises NotFound, or ProgramFailed
    when the kernel refuses the program.
    """
    path = find_program(argv[0])
    if path is None:
        raise NotFound("program", argv[0], hint=f"install {os.path.basename(argv[0])}, or put it on the PATH")
    if _tracer:
        _tracer(quoted(argv))
    actions, copies = _file_actions(fds or {})

    def start() -> int:
        return os.posix_spawn(
            path,
            list(argv),
            os.environ if env is None else env,
            file_actions=actions,
            setsid=setsid,
            setsigdef=(SIGPIPE, SIGXFSZ),
        )

    try:
        return _in_directory(directory, start) if directory else start()
    except OSError as error:
        raise ProgramFailed(argv, 126, b"", reason=f"cannot be started: {error.strerror}") from error
    finally:
        for copy in copies:
            os.close(copy)


def _in_directory(path: str, start: Callable[[], int]) -> int:
    """Call `start` in another working directory, which posix_spawn cannot change."""
    if os.stat("/proc/self/task").st_nlink > _LINKS_OF_ONE_THREAD:
        from argosy.linux import apart

        return apart.in_directory(path, start)
    before = os.open(".", os.O_PATH | os.O_CLOEXEC)
    try:
        os.chdir(path)
        try:
            return start()
        finally:
            os.fchdir(before)
    finally:
        os.close(before)


def _file_actions(fds: Mapping[int, int]) -> tuple[list[tuple[int, int, int]], list[int]]:
    """The dup2 steps, and the copies to close afterwards: of those of ours that an earlier step would overwrite."""
    if not fds:
        return [], []
    import fcntl

    above = max(*fds, *fds.values()) + 1
    steps, copies = [], []
    for target, source in fds.items():
        moved = source
        if source in fds and source != target:
            moved = fcntl.fcntl(source, fcntl.F_DUPFD_CLOEXEC, above)
            copies.append(moved)
        steps.append((os.POSIX_SPAWN_DUP2, moved, target))
    return steps, copies


def wait(pid: int) -> int:
    """Reap a child: its exit status, 128+n when signal n ended it."""
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code if code >= 0 else 128 - code


def run(
    argv: Sequence[str],
    *,
    input: bytes = b"",
    env: Mapping[str, str] | None = None,
    check: bool = True,
    timeout_s: float | None = None,
    pass_fds: Iterable[int] = (),
    output_limit: int = _MAX_OUTPUT_BYTES,
) -> Completed:
    """Run a program to its end, feed it `input`, collect what it writes.

    Ends when the program does, even if a child of it keeps the pipes open.  Raises NotFound when there is no such
    program; ProgramFailed after `timeout_s` or more than `output_limit` bytes (the program is killed) and, with
    `check`, for a status other than 0.
    """
    with _Pipes(output_limit) as pipes:
        fds = {0: pipes.child[0], 1: pipes.child[1], 2: pipes.child[2]} | {fd: fd for fd in pass_fds}
        pid = spawn(argv, env=env, fds=fds)
        try:
            pipes.close_child_ends()
            reason = _transfer(pid, pipes, input, timeout_s)
            if reason:
                os.kill(pid, SIGKILL)
        except BaseException:
            os.kill(pid, SIGKILL)
            raise
        finally:
            status = wait(pid)
        stdout, stderr = bytes(pipes.output[1]), bytes(pipes.output[2])
    if reason or (check and status):
        raise ProgramFailed(argv, status, stderr or stdout, reason=reason)
    return Completed(tuple(argv), status, stdout, stderr)


class _Pipes:
    """Our ends and the child's of its three standard streams."""

    def __init__(self, output_limit: int) -> None:
        self.output_limit = output_limit
        stdin, stdout, stderr = os.pipe(), os.pipe(), os.pipe()
        self.child = [stdin[0], stdout[1], stderr[1]]
        self.ours = [stdin[1], stdout[0], stderr[0]]
        self.output = {1: bytearray(), 2: bytearray()}
        self.rest = memoryview(b"")
        for fd in self.ours:
            os.set_blocking(fd, False)

    def close_child_ends(self) -> None:
        while self.child:
            os.close(self.child.pop())

    def close(self, stream: int) -> None:
        os.close(self.ours[stream])
        self.ours[stream] = -1

    def move(self, stream: int) -> bool:
        """Move what can be moved now; true when that stream came to its end, and is closed."""
        fd = self.ours[stream]
        if fd < 0:
            return False
        if stream == 0:
            self.rest = _feed(fd, self.rest)
            ended = not len(self.rest)
        else:
            ended = _drain(fd, self.output[stream], self.output_limit)
        if ended:
            self.close(stream)
        return ended

    def __enter__(self) -> _Pipes:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close_child_ends()
        for fd in self.ours:
            if fd >= 0:
                os.close(fd)


def _transfer(pid: int, pipes: _Pipes, data: bytes, timeout_s: float | None) -> str:
    """Move data until the program ends; "" or why it must be killed."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    pidfd = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        for fd, event in zip(pipes.ours, (select.POLLOUT, select.POLLIN, select.POLLIN), strict=True):
            poll.register(fd, event)
        pipes.rest = memoryview(data)
        while True:
            left = None if deadline is None else (deadline - time.monotonic()) * 1000
            if left is not None and left <= 0:
                return f"took more than {timeout_s} s and was killed"
            ready = {fd for fd, _ in poll.poll(left)}
            for fd in ready - {pidfd}:
                if pipes.move(pipes.ours.index(fd)):
                    poll.unregister(fd)
            if pidfd in ready:
                pipes.move(1)
                pipes.move(2)
                return ""
            if sum(map(len, pipes.output.values())) > pipes.output_limit:
                return f"wrote more than {pipes.output_limit >> 20} MiB and was killed"
    finally:
        os.close(pidfd)


def _feed(fd: int, rest: memoryview) -> memoryview:
    """Write what the pipe takes; what remains (nothing when the reader is gone)."""
    try:
        return rest[os.write(fd, rest[:65536]) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:
        return rest[len(rest) :]


def _drain(fd: int, output: bytearray, limit: int) -> bool:
    """Read what is there now; true at the end of the stream."""
    try:
        while chunk := os.read(fd, 65536):
            output += chunk
            if len(output) > limit:
                return False
    except BlockingIOError:
        return False
    return True


def start_time(pid: int) -> int | None:
    """When the process started, in clock ticks since boot (field 22 of /proc/PID/stat); None when gone or a zombie.

    Together with the pid this names a process for the life of the system.
    """
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fields = os.read(fd, 4096).rpartition(b")")[2].split()
    except ProcessLookupError:
        return None
    finally:
        os.close(fd)
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def program_name(pid: int) -> str:
    """The process's name as the kernel has it, 15 bytes of its program's; "" when it is gone."""
    try:
        fd = os.open(f"/proc/{pid}/comm", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    try:
        return os.fsdecode(os.read(fd, 64)).rstrip("\n")
    except ProcessLookupError:
        return ""
    finally:
        os.close(fd)


def alive(pid: int, started: int | None) -> bool:
    """Whether the process that had this pid and start time still runs (a zombie does not)."""
    return pid > 0 and started is not None and start_time(pid) == started


def signal_process(pid: int, started: int, number: int = SIGKILL) -> bool:
    """Send a signal to the process that had this pid and start time; False when it is gone (or is a zombie)."""
    import _signal  # type: ignore[import-not-found]  # typeshed has no stub

    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if not alive(pid, started):
            return False
        _signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(pidfd)
    return True
