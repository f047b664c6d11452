"""conmon: the small program that outlives the command line and holds a container's terminal, log and exit status.

Facts about conmon (2.1) that this module rests on:

- `_OCI_STARTPIPE` would make it wait for a word of its parent's, before it forks; it is not needed.
- It forks; the parent writes the conmon pidfile and ends, so the process that was spawned is reaped at once.
- Moving a process to another cgroup takes 10 ms (an RCU grace period).  conmon is moved while it waits for `runtime
  create`: what it has started by then is the runtime alone, which puts the container where it belongs.
- On `_OCI_SYNCPIPE` it writes one line of JSON when `runtime create` is done: `{"data": PID}`, or `{"data": -1,
  "message": TEXT}` with the runtime's standard error (at most 8 KiB).  When the runtime said nothing, it only closes.
- The attach socket and the two fifos exist in the bundle before `runtime create` runs, so one can connect before
  `start`.  With `--full-attach` they are in the bundle itself; conmon binds through /proc/self/fd: long paths work.
- When the container ends it drains its output, writes the exit record, closes the attached clients, and runs the exit
  command with standard streams on /dev/null.  The end of an attach stream may be seen just before the exit record.
- **The exit command also runs when `runtime create` failed**, and then there is no exit record.
- The log driver's argument is split at every colon, so a log path with a colon goes through a descriptor.
- Its console socket is made in TMPDIR, and neither conmon nor the runtime copes with a long path there.
- It notes an out-of-memory kill as a file `oom` in its working directory, so that is made the bundle.
- At its end it unlinks the attach socket by its path, also when a successor has made a new one there.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError
from argosy.linux import cgroup, process
from argosy.runtime import oci_runtime
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from argosy.linux.systemd import Scope
    from argosy.runtime.oci_runtime import OciRuntime

_SOCKET_PATH_LIMIT = 100
_MESSAGE_LIMIT = 4096
_PASSED_ENVIRONMENT = ("PATH", "HOME", "USER", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "LANG")
_PASSED_PREFIXES = ("CONTAINERS_", "DBUS_SESSION_BUS_ADDRESS", "LC_", "ARGOSY_", "_ARGOSY_")


class ConmonRequest(Value):
    """One container to be created.

    `program` is conmon's path, `command` what the container will run, for messages.  `persist_dir`, when set, gets a
    second exit record named `exit`.  `cgroup_paths` are directories of cgroup hierarchies (mounted, existing) that
    conmon is moved into before it forks; `preserve_fds` is how many descriptors from 3 on the container gets; `env` is
    what conmon's environment has beside what it needs (NAME=VALUE).
    `log_driver` is k8s-file, journald, none or passthrough (our own streams are the container's).  After `timeout_s`
    the container is killed (0: never).

    A terminal's input is its own: conmon's `-i` would close it for good when a client detaches, so `stdin` counts only
    without `tty`.  `ended_stdin`: the input is not the host's /dev/null but a pipe, which the caller ends (`end_stdin`)
    before it starts the container.  crun gives the streams to the container's user: /dev/null would be his for all.
    """

    program: str
    id: str
    name: str
    bundle: str
    runtime: OciRuntime
    pidfile: str
    conmon_pidfile: str
    exit_dir: str
    command: str = ""
    tty: bool = False
    stdin: bool = False
    ended_stdin: bool = False
    leave_stdin_open: bool = False
    log_driver: str = "k8s-file"
    log_path: str = ""
    log_size_max: int = -1
    log_tag: str = ""
    log_level: str = "error"
    persist_dir: str = ""
    exit_command: tuple[str, ...] = ()
    cgroup_paths: tuple[str, ...] = ()
    scope: Scope | None = None
    companions: tuple[int, ...] = ()
    no_new_keyring: bool = False
    no_pivot: bool = False
    preserve_fds: int = 0
    timeout_s: int = 0
    env: tuple[str, ...] = ()
    held: tuple[int, ...] = ()
    restore: tuple[str, ...] = ()  # the words by which it has a checkpoint restored


class ExecRequest(Value):
    """One more process in a running container, to be left alone.

    `directory` is one of this process's own, in the run directory; conmon's exit command removes it.  `process_path` is
    the file with the OCI `process` object, `pidfile` and `conmon_pidfile` are written.
    """

    program: str
    id: str
    exec_id: str
    runtime: OciRuntime
    directory: str
    process_path: str
    pidfile: str
    conmon_pidfile: str
    tty: bool = False
    stdin: bool = False
    log_level: str = "error"
    preserve_fds: int = 0
    exit_command: tuple[str, ...] = ()
    cgroup_paths: tuple[str, ...] = ()
    scope: Scope | None = None
    env: tuple[str, ...] = ()


class Started(Value):
    """A created container: the host pids of its first process and of its conmon."""

    pid: int
    conmon_pid: int


def argv(request: ConmonRequest, log_fd: int = -1) -> list[str]:
    """conmon's argument vector.  `log_fd` is the descriptor of the log's directory where its path holds a colon."""
    words = [request.program, "--api-version", "1", "-c", request.id, "-u", request.id, "-n", request.name]
    words += ["-r", request.runtime.path, "-b", request.bundle, "-p", request.pidfile, "-P", request.conmon_pidfile]
    words += ["--exit-dir", request.exit_dir, "--full-attach", "--no-sync-log", "--log-level", request.log_level]
    words += _log_words(request, log_fd)
    words += [word for flag in _runtime_flags(request.runtime) for word in ("--runtime-arg", flag)]
    if request.runtime.cgroup_manager == "systemd":
        words.append("--systemd-cgroup")
    for flag, wanted in (
        ("-t", request.tty),
        ("-i", (request.stdin or request.ended_stdin) and not request.tty),
        ("--leave-stdin-open", request.leave_stdin_open),
        ("--no-new-keyring", request.no_new_keyring),
        ("--no-pivot", request.no_pivot),
    ):
        if wanted:
            words.append(flag)
    if request.persist_dir:
        words += ["--persist-dir", request.persist_dir]
    if request.timeout_s:
        words += ["--timeout", str(request.timeout_s)]
    return [*words, *request.restore, *_preserve_words(request.preserve_fds), *_exit_words(request.exit_command)]


def argv_exec(request: ExecRequest) -> list[str]:
    """conmon's argument vector for a detached exec.  Its output goes nowhere, as with the peers."""
    words = [request.program, "--api-version", "1", "-e", "-c", request.id, "-u", request.exec_id]
    words += ["-r", request.runtime.path, "-b", request.directory, "-p", request.pidfile, "-P", request.conmon_pidfile]
    words += ["--exec-process-spec", request.process_path, "--full-attach", "--no-sync-log"]
    words += ["--log-level", request.log_level, "-l", "none"]
    words += [word for flag in _runtime_flags(request.runtime) for word in ("--runtime-arg", flag)]
    if request.tty:
        words.append("-t")
    else:
        words.append("-i")  # not conmon's own /dev/null: see `exec_detached`
    return words + _preserve_words(request.preserve_fds) + _exit_words(request.exit_command)


def _runtime_flags(runtime: OciRuntime) -> list[str]:
    """The runtime's global flags, less the one that conmon adds by itself."""
    return [flag for flag in runtime.global_flags() if flag != "--systemd-cgroup"]


def _log_words(request: ConmonRequest, log_fd: int) -> list[str]:
    if request.log_driver != "k8s-file":
        words = ["-l", request.log_driver]
    elif log_fd >= 0:
        words = ["-l", f"k8s-file:/proc/self/fd/{log_fd}/{os.path.basename(request.log_path)}"]
    else:
        words = ["-l", f"k8s-file:{request.log_path}"]
    if request.log_size_max > 0:
        words += ["--log-size-max", str(request.log_size_max)]
    if request.log_tag:
        words += ["--log-tag", request.log_tag]
    return words


def _preserve_words(count: int) -> list[str]:
    return ["--runtime-opt", "--preserve-fds", "--runtime-opt", str(count)] if count else []


def _exit_words(command: tuple[str, ...]) -> list[str]:
    if not command:
        return []
    return ["--exit-command", command[0], *(word for item in command[1:] for word in ("--exit-command-arg", item))]


def environment(directory: str, environ: Mapping[str, str], more: Sequence[str] = ()) -> dict[str, str]:
    """conmon's environment, which the runtime and the exit command inherit: what finds the store, and `more`.

    The console socket goes into `directory`, or the next one above whose path is short enough.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if name in _PASSED_ENVIRONMENT or name.startswith(_PASSED_PREFIXES)
    }
    while len(directory) + len("/conmon-term.XXXXXX") > _SOCKET_PATH_LIMIT:
        directory = os.path.dirname(directory)
    kept["TMPDIR"] = directory
    kept.update(item.partition("=")[::2] for item in more)
    return kept


def start(
    request: ConmonRequest, environ: Mapping[str, str] | None = None, *, meanwhile: Callable[[], object] | None = None
) -> Started:
    """Spawn conmon and wait until `runtime create` has succeeded; `meanwhile` is called as that begins.

    Raises the runtime's error as `oci_runtime.translate` puts it.  After an error conmon runs the exit command all the
    same; the caller removes what it prepared, and both may do so at once.
    """
    log_fd = -1
    try:
        if request.log_driver == "k8s-file" and ":" in request.log_path:
            log_fd = os.open(os.path.dirname(request.log_path), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        log_target = 4 + request.preserve_fds
        call = _Call(
            argv=argv(request, log_target if log_fd >= 0 else -1),
            directory=request.bundle,
            env=environment(request.bundle, os.environ if environ is None else environ, request.env),
            preserve_fds=request.preserve_fds,
            cgroup_paths=request.cgroup_paths,
            scope=request.scope,
            companions=request.companions,
            pidfile=request.conmon_pidfile,
            fds=(
                *(((log_target, log_fd),) if log_fd >= 0 else ()),
                *((log_target + 1 + number, fd) for number, fd in enumerate(request.held)),
            ),
            heard=request.log_driver != "passthrough",
        )
        ended = _run(call, meanwhile)
    finally:
        if log_fd >= 0:
            os.close(log_fd)
    pid = _pid_of(ended, request.runtime, request.id, request.command)
    return Started(pid, read_pid(request.conmon_pidfile))


def exec_detached(request: ExecRequest, environ: Mapping[str, str] | None = None) -> Started:
    """Spawn conmon and wait until `runtime exec` has started the process.  Raises as `start` does.

    Unless the process is to have an input, that is a pipe which is ended at once: see ConmonRequest.
    """
    call = _Call(
        argv=argv_exec(request),
        directory=request.directory,
        env=environment(request.directory, os.environ if environ is None else environ, request.env),
        preserve_fds=request.preserve_fds,
        cgroup_paths=request.cgroup_paths,
        scope=request.scope,
        pidfile=request.conmon_pidfile,
    )
    started = Started(_pid_of(_run(call), request.runtime, request.id), read_pid(request.conmon_pidfile))
    if not (request.tty or request.stdin):
        end_stdin(request.directory)
    return started


def end_stdin(bundle: str) -> None:
    """End the input of the container or process whose conmon has its sockets in `bundle`, as any client that goes."""
    from argosy.linux import sockets

    try:
        sockets.connect(f"{bundle}/attach", sockets.SOCK_SEQPACKET).close()
    except OSError:
        return  # it has ended already


class _Call(Value):
    """How to spawn conmon: `fds` are further descriptors, (conmon's, ours); `pidfile` is conmon's own.

    `heard`: what it writes is kept for a message of ours, unless the container is to have our streams.
    """

    argv: list[str]
    directory: str
    env: dict[str, str]
    pidfile: str
    preserve_fds: int = 0
    cgroup_paths: tuple[str, ...] = ()
    scope: Scope | None = None
    companions: tuple[int, ...] = ()
    fds: tuple[tuple[int, int], ...] = ()
    heard: bool = True


class _Ended(Value):
    """What conmon's first process left: the line that it reports, its exit status, and what it wrote for the user."""

    report: bytes
    status: int
    said: bytes


def _run(call: _Call, meanwhile: Callable[[], object] | None = None) -> _Ended:
    """Spawn conmon, and wait for what it reports."""
    said = os.memfd_create("argosy-conmon")
    sync_read, sync_write = os.pipe2(os.O_CLOEXEC)
    try:
        try:
            launcher = _spawn(call, sync_write, said)
        finally:
            os.close(sync_write)
        status = process.wait(launcher)
        if status == 0:
            _move(call, read_pid(call.pidfile))
            if meanwhile is not None:
                meanwhile()
        report = _read_line(sync_read)
        return _Ended(report, status, b"" if report else os.pread(said, _MESSAGE_LIMIT, 0))
    finally:
        os.close(sync_read)
        os.close(said)


def _spawn(call: _Call, sync_write: int, said: int) -> int:
    """Spawn conmon and let it go: the pid of its first process."""
    first = 3 + call.preserve_fds
    heard = {1: said, 2: said} if call.heard else {}
    return process.spawn(
        call.argv,
        env={**call.env, "_OCI_SYNCPIPE": str(first)},
        fds={**heard, **{fd: fd for fd in range(3, first)}, first: sync_write, **dict(call.fds)},
        directory=call.directory,
    )


def _move(call: _Call, conmon_pid: int) -> None:
    """Take conmon and its companions out of our cgroup.

    Where that cannot be (no delegation, a systemd that does not answer), they stay in it, which costs them only their
    independence from the end of our session.
    """
    pids = tuple(pid for pid in (conmon_pid, *call.companions) if pid)
    if call.scope is not None:
        from argosy.linux import systemd

        try:
            systemd.start_scope(call.scope, pids, os.environ)
        except ArgosyError:
            pass
    for path in call.cgroup_paths:
        for pid in pids:
            cgroup.move(path, pid)


def _read_line(fd: int) -> bytes:
    data = b""
    while not data.endswith(b"\n"):
        block = os.read(fd, 65536)
        if not block:
            break
        data += block
    return data


def _pid_of(ended: _Ended, runtime: OciRuntime, container_id: str, program: str = "") -> int:
    """The pid in conmon's report.  Raises the runtime's error when there is none."""
    from argosy import jsontext

    if not ended.report:
        silent = f"exit status {ended.status}" if ended.status else f"{runtime.name} failed without a message"
        raise ArgosyError(
            f"conmon ended before container {container_id[:12]} was created",
            details=ended.said.decode("utf-8", "replace").strip() or silent,
            hint="`--log-level debug` shows the command that was run",
        )
    first = ended.report.split(b"\n", 1)[0]  # the status of a quick exec may have come as well
    answer = jsontext.decode(_tame(first), "report of conmon")
    pid = int(answer["data"])
    if pid <= 0:
        message = oci_runtime.plain_message(str(answer.get("message", "")))
        raise oci_runtime.translate(runtime.name, message, container_id, program)
    return pid


def _tame(report: bytes) -> str:
    """conmon copies bytes above 0x7e and carriage returns of the runtime's message as they are: make them JSON."""
    text = report.decode("utf-8", "replace")
    return "".join(c if c >= " " else f"\\u{ord(c):04x}" for c in text)


def read_pid(path: str) -> int:
    """The pid in a pidfile, 0 when there is none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    try:
        return int(os.read(fd, 32) or 0)
    except ValueError:
        return 0
    finally:
        os.close(fd)
