"""The OCI runtime for hosts that let us have neither user namespaces nor mounts: chroot isolation, `argosy __chroot`.

It takes the part of runc's command line that conmon and `runtime.exec` use, and the part of a bundle that means
something without namespaces: root, process.  Namespaces and mounts in a bundle are refused, so that nobody takes for
isolated what is not.

    <root>/<id>/state.json      pid and start time of the first process and of its conmon, and the root directory
    <root>/<id>/exec.fifo       there from `create` to `start`: the first process waits for a reader of it
"""

from __future__ import annotations

import os
import select
import sys

from argosy import jsontext
from argosy.errors import ArgosyError
from argosy.linux import chroot, files, host, process, procfs, syscalls
from argosy.linux.chroot import Entry
from argosy.oci.runtimespec import CAPABILITIES
from argosy.runtime.oci_runtime import OciRuntime
from argosy.values import Value
from argosy.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, NoReturn

COMMAND = "__chroot"
NAME = "chroot"

_GLOBAL = ("--root", "--log", "--log-format")
_WITH_VALUE = ("--bundle", "--pid-file", "--console-socket", "--process", "--preserve-fds")
_WITHOUT = ("--no-pivot", "--no-new-keyring", "--detach", "--tty", "--force", "--all")
_FIFO = "exec.fifo"
_STATE = "state.json"
_FAILED = 255  # what runc ends with where it could not run the process of an `exec`
_PATIENCE_MS = 10_000


class Call(Value):
    """A command line that was taken apart; flags without a value have "" there."""

    command: str
    operands: tuple[str, ...]
    settings: Mapping[str, str]

    def get(self, name: str) -> str:
        """The value of a flag, "" where it was not given."""
        return self.settings.get(name, "")


class State(Value):
    """state.json."""

    id: str
    pid: int
    start_time: int
    conmon_pid: int
    conmon_start_time: int
    root: str
    bundle: str


def runtime(run: str) -> OciRuntime:
    """This runtime, for the run directory `run`.  Raises NotFound where a program that it needs is not installed."""
    chroot.find_programs()
    path, *words = process.self_argv()
    return OciRuntime(
        name=NAME,
        path=path,
        root=f"{run}/runtime",
        version=VERSION,
        cgroup_manager="disabled",
        words=(*words, COMMAND),
    )


def main(words: Sequence[str]) -> int:
    """The program.  The exit status is that of a runtime: 0, or 1 (255 for `exec`) with a message."""
    call = Call("", (), {})
    try:
        call = parse(words)
        return _COMMANDS[call.command](call) or 0
    except (ArgosyError, OSError) as error:
        _tell(call, str(error))
        return _FAILED if call.command == "exec" else 1


def parse(words: Sequence[str]) -> Call:
    """Take the command line apart.  Raises ArgosyError for what this runtime does not know."""
    settings: dict[str, str] = {}
    plain: list[str] = []
    rest = iter(words)
    for word in rest:
        if word in _GLOBAL or word in _WITH_VALUE:
            settings[word] = next(rest, "")
        elif word in _WITHOUT:
            settings[word] = ""
        elif word.startswith("-"):
            raise ArgosyError(f"{NAME}: unknown flag {word}")
        else:
            plain.append(word)
    if not plain or plain[0] not in _COMMANDS or len(plain) < 2 or "--root" not in settings:
        raise ArgosyError(f"{NAME}: expected --root DIRECTORY, {'|'.join(_COMMANDS)}, and a container")
    return Call(plain[0], tuple(plain[1:]), settings)


def _tell(call: Call, message: str) -> None:
    sys.stderr.write(f"{message}\n")
    log = call.get("--log")
    if log and call.get("--log-format") == "json":
        with open(log, "ab") as file:
            file.write(jsontext.encode({"level": "error", "msg": message}) + b"\n")


def _directory(call: Call) -> str:
    container_id = call.operands[0]
    if container_id in (".", "..") or "/" in container_id:
        raise ArgosyError(f"{NAME}: {container_id} is no name of a container")
    return f"{call.get('--root')}/{container_id}"


def _state(call: Call) -> State:
    try:
        data = files.read(f"{_directory(call)}/{_STATE}")
    except FileNotFoundError as error:
        raise ArgosyError(f"container {call.operands[0]} does not exist") from error
    return State.from_json(jsontext.decode(data, _STATE))


def entry(described: Mapping[str, Any], root: str) -> Entry:
    """An OCI `process` object, to be run below `root`."""
    import resource

    user = described["user"]
    names = (described.get("capabilities") or {}).get("bounding", ())
    return Entry(
        root=root,
        args=tuple(described["args"]),
        env=tuple(described.get("env", ())),
        cwd=described["cwd"],
        uid=user["uid"],
        gid=user["gid"],
        groups=tuple(user.get("additionalGids", ())),
        capabilities=tuple(CAPABILITIES.index(name) for name in names),
        no_new_privileges=described.get("noNewPrivileges", False),
        umask=user.get("umask", 0o022),
        rlimits=tuple(
            (getattr(resource, limit["type"]), _signed(limit["soft"]), _signed(limit["hard"]))
            for limit in described.get("rlimits", ())
        ),
        oom_score_adj=described.get("oomScoreAdj"),
    )


def _signed(limit: int) -> int:
    """A limit as setrlimit takes it: the specification has infinity as the largest number."""
    return -1 if limit >= 1 << 63 else limit


def _plan(described: Mapping[str, Any], root: str) -> tuple[Entry, list[str]]:
    wanted = entry(described, root)
    return wanted, chroot.argv(wanted, chroot.find_programs(), host.effective_capabilities())


def _create(call: Call) -> None:
    """A process that waits to become the container's program."""
    fifo = f"{_directory(call)}/{_FIFO}"
    _bring_up(call, lambda wanted, words: _wait_and_become(fifo, wanted, words, call), waits=True)


def _run(call: Call) -> int:
    """The container in the foreground: its exit status, once nothing of it is left."""
    syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
    preserved = int(call.get("--preserve-fds") or 0)
    state = _bring_up(call, lambda wanted, words: chroot.execute(wanted, words, preserve_fds=preserved), waits=False)
    status = process.wait(state.pid)
    chroot.end_all_below(state.root, dict.fromkeys(procfs.descendants(os.getpid())))
    files.remove_tree(_directory(call))
    return status


def _bring_up(call: Call, become: Callable[[Entry, Sequence[str]], NoReturn], *, waits: bool) -> State:
    """Start the process of a bundle, and write down what it is.  Nothing is left when this raises."""
    bundle = call.get("--bundle")
    config = jsontext.decode(files.read(f"{bundle}/config.json"), "config.json")
    for kind in ("namespaces", "maskedPaths", "readonlyPaths"):
        if config.get("linux", {}).get(kind):
            raise ArgosyError(f"{NAME}: there are {kind} in the bundle, which take a mount namespace")
    if config.get("mounts"):
        raise ArgosyError(f"{NAME}: nothing can be mounted")
    root = os.path.realpath(os.path.join(bundle, config["root"]["path"]))
    wanted, words = _plan(config["process"], root)
    directory = _directory(call)
    os.makedirs(os.path.dirname(directory), 0o700, exist_ok=True)
    try:
        os.mkdir(directory, 0o700)
    except FileExistsError:
        raise ArgosyError(f"container with id {call.operands[0]} already exists") from None
    pid = 0
    try:
        if waits:
            os.mkfifo(f"{directory}/{_FIFO}", 0o600)
        pid = _start(call, config["process"], lambda: become(wanted, words))
        parent = os.getppid()
        state = State(
            call.operands[0],
            pid,
            process.start_time(pid) or 0,
            parent,
            process.start_time(parent) or 0,
            root,
            bundle,
        )
        files.write_atomic(f"{directory}/{_STATE}", jsontext.encode(state.to_json()))
        _write_pid(call, pid)
        return state
    except BaseException:
        if pid:
            process.signal_process(pid, process.start_time(pid) or 0)
        files.remove_tree(directory)
        raise


def _wait_and_become(fifo: str, wanted: Entry, words: Sequence[str], call: Call) -> NoReturn:
    """In the new process: open the fifo, which waits for `start` to read it."""
    fd = os.open(fifo, os.O_WRONLY | os.O_CLOEXEC)
    os.write(fd, b"0")
    os.close(fd)
    chroot.execute(wanted, words, preserve_fds=int(call.get("--preserve-fds") or 0))


def _start(call: Call, described: Mapping[str, Any], run: Callable[[], NoReturn]) -> int:
    """The new process, on a terminal of its own where it is to have one, whose master goes to the console socket."""
    if not described.get("terminal"):
        return chroot.start(run)
    from argosy.linux import sockets

    master, slave = os.openpty()
    try:
        console = sockets.connect(call.get("--console-socket"))
        try:
            sockets.send_descriptor(console, master)
        finally:
            console.close()
        _hand_over(slave, described["user"]["uid"])
        return chroot.start(run, terminal=slave)
    finally:
        os.close(master)
        os.close(slave)


def _hand_over(terminal: int, uid: int) -> None:
    if uid != os.geteuid():
        try:
            os.fchown(terminal, uid, -1)
        except PermissionError:
            pass  # it is open for the process all the same


def _write_pid(call: Call, pid: int) -> None:
    if call.get("--pid-file"):
        files.write_atomic(call.get("--pid-file"), str(pid).encode())


def _start_created(call: Call) -> None:
    """Let the waiting process go."""
    state, fifo = _state(call), f"{_directory(call)}/{_FIFO}"
    try:
        fd = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise ArgosyError(f"container {state.id} was started already") from None
    try:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        for _ in range(_PATIENCE_MS // 10):
            if poll.poll(10):
                break
            if not process.alive(state.pid, state.start_time):
                raise ArgosyError(f"container {state.id} has ended before it was started")
    finally:
        os.close(fd)
    os.unlink(fifo)


def _exec(call: Call) -> None:
    """One more process below the container's root: this one becomes it, or with --detach a new one does."""
    state = _state(call)
    if not process.alive(state.pid, state.start_time):
        raise ArgosyError(f"container {state.id} is not running")
    described = jsontext.decode(files.read(call.get("--process")), "process")
    wanted, words = _plan(described, state.root)
    preserved = int(call.get("--preserve-fds") or 0)
    if "--detach" not in call.settings:
        chroot.execute(wanted, words, preserve_fds=preserved)
    _write_pid(call, _start(call, described, lambda: chroot.execute(wanted, words, preserve_fds=preserved)))


def _kill(call: Call) -> None:
    state = _state(call)
    if "--all" in call.settings:
        return _end(state)
    number = int(call.operands[1]) if len(call.operands) > 1 else 15
    if not process.signal_process(state.pid, state.start_time, number):
        raise ArgosyError(f"container {state.id} is not running")
    return None


def _end(state: State) -> None:
    """Kill the first process, and what it has left: orphans are children of conmon, which adopts them."""
    process.signal_process(state.pid, state.start_time)
    family = [state.pid]
    if process.alive(state.conmon_pid, state.conmon_start_time):
        family += procfs.descendants(state.conmon_pid)
    chroot.end_all_below(state.root, dict.fromkeys(family))


def _delete(call: Call) -> None:
    state = _state(call)
    if process.alive(state.pid, state.start_time) and "--force" not in call.settings:
        raise ArgosyError(f"container {state.id} is running: give --force")
    _end(state)
    files.remove_tree(_directory(call))


def _show(call: Call) -> None:
    state = _state(call)
    created = os.path.lexists(f"{_directory(call)}/{_FIFO}")
    alive = process.alive(state.pid, state.start_time)
    status = "stopped" if not alive else "created" if created else "running"
    shown = {"ociVersion": "1.0.2", "id": state.id, "status": status, "pid": state.pid, "bundle": state.bundle}
    os.write(1, jsontext.encode(shown) + b"\n")


_COMMANDS: Mapping[str, Callable[[Call], int | None]] = {
    "create": _create,
    "run": _run,
    "start": _start_created,
    "exec": _exec,
    "kill": _kill,
    "delete": _delete,
    "state": _show,
}
