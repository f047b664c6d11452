"""Making the user namespace of a rootless store: the pause process and the id map.  Once per boot, under a lock.

The new process waits, after it has left our namespaces, until its map is written and its identity is recorded.  When we
are killed before that, it ends; so that there is never a pause process that no record names.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Unsupported
from argosy.linux import cgroup, files, idmap, namespaces, process, signals, syscalls, userns
from argosy.linux.idmap import IdMap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import NoReturn, TypeAlias

    from argosy.linux.userns import PauseState

    Started: TypeAlias = tuple[PauseState, int, str]
    Plan: TypeAlias = tuple[IdMap, Callable[[int], None]]

SUBUID, SUBGID = "/etc/subuid", "/etc/subgid"
_FULL_RANGE = 65536

# All of a pause process's environment is this, with its run directory: how it is found when that was wiped.
_MARK = "_ARGOSY_PAUSE"


class _MapFailed(ArgosyError):
    """An id map that could not be written; the next best may."""


class _ChildFailed(ArgosyError):
    """The pause process could not be made; `errno` says why, `step` where."""

    def __init__(self, step: str, errno: int) -> None:
        super().__init__(f"cannot make a user namespace: {step}", details=os.strerror(errno))
        self.step = step
        self.errno = errno


def start(run_dir: str, last: PauseState | None) -> Started:
    """A pause process, a pidfd of it, and a notice: one that lives although its record is gone, else a new one in the
    namespace of a conmon that lives, else one in a new namespace.

    `last` is the pause process that died, where one is recorded.  The caller holds the lock of the run directory.
    """
    if len(os.listdir("/proc/self/task")) > 1:
        raise Unsupported(
            "cannot make a user namespace: this process has more than one thread",
            hint="open Argosy before threads are started, or in a process of its own",
        )
    return _unrecorded(run_dir) or _beside_conmon(run_dir, last) or _in_new_namespace(run_dir)


def _unrecorded(run_dir: str) -> Started | None:
    """The pause process of this run directory, whose record was removed with all that was in there."""
    mark = os.fsencode(f"{_MARK}={run_dir}\0")
    for text in filter(str.isdecimal, os.listdir("/proc")):
        pid = int(text)
        try:
            if files.read(f"/proc/{pid}/environ", len(mark)) != mark:
                continue
            inode = namespaces.inode("user", pid)
            pidfd = userns.open_member(pid, os.geteuid(), inode)
            if pidfd is not None:
                return _record(run_dir, pid, inode, idmap.of_process(pid)), pidfd, ""
        except OSError:
            continue  # gone, not ours, or with a longer environment
    return None


def _beside_conmon(run_dir: str, last: PauseState | None) -> Started | None:
    """In the namespace that `last` had, if a conmon keeps it, else in any that one of our conmons is in."""
    uid = os.geteuid()
    members = []
    for pid in _conmon_pids(run_dir):
        try:
            inode = namespaces.inode("user", pid)
        except OSError:
            continue
        if inode != namespaces.inode("user"):
            members.append((last is None or inode != last.inode, pid, inode))
    for _, pid, inode in sorted(members):
        pidfd = userns.open_member(pid, uid, inode)
        if pidfd is None:
            continue
        try:
            id_map = idmap.of_process(pid)
            if idmap.outer(id_map.uids, 0) == uid:
                return *_pause_inside(run_dir, pidfd, inode, id_map), ""
        except (ArgosyError, OSError):
            continue  # it ended meanwhile, or is not what the file says
        finally:
            os.close(pidfd)
    return None


def _conmon_pids(run_dir: str) -> Iterator[int]:
    """The processes that the pidfiles of this run directory name, and that are conmons indeed."""
    base = f"{run_dir}/containers"
    try:
        names = os.listdir(base)
    except FileNotFoundError:
        return
    for name in names:
        try:
            pid = int(files.read(f"{base}/{name}/conmon.pid", 64))
            if files.read(f"/proc/{pid}/comm", 64).strip() == b"conmon":
                yield pid
        except (OSError, ValueError):
            continue


def _pause_inside(run_dir: str, pidfd: int, inode: int, id_map: IdMap) -> tuple[PauseState, int]:
    def prepare() -> None:
        syscalls.setns(pidfd, syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNS)

    def settle(pid: int) -> PauseState:
        return _record(run_dir, pid, inode, id_map)

    return _start(run_dir, prepare, settle)


def _in_new_namespace(run_dir: str) -> Started:
    """Try the id maps that this user may have, best first."""
    reason = _MapFailed("no id map was tried")
    for plan in (_plan_direct, _plan_ranges, _plan_single):
        try:
            id_map, write = plan(os.geteuid(), os.getegid())
            made = _start(run_dir, _leave, lambda pid, m=id_map, w=write: _settle(run_dir, pid, m, w))  # type: ignore[misc]
        except _MapFailed as error:
            reason = error
        except _ChildFailed as error:
            raise _explained(error) from error
        else:
            return *made, _single_notice(reason) if plan is _plan_single else _short_notice(id_map)
    raise userns.Forbidden(reason.brief, details=reason.details, hint=forbidden() or reason.hint) from reason


def _leave() -> None:
    """In the new process: a user and a mount namespace, out of which no mount spreads."""
    syscalls.unshare(syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNS)
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_SLAVE, None)


def _settle(run_dir: str, pid: int, id_map: IdMap, write: Callable[[int], None]) -> PauseState:
    write(pid)
    return _record(run_dir, pid, namespaces.inode("user", pid), id_map)


def _record(run_dir: str, pid: int, inode: int, id_map: IdMap) -> PauseState:
    state = userns.PauseState(
        pid=pid,
        start_time=process.start_time(pid) or 0,
        inode=inode,
        uid=os.geteuid(),
        gid=os.getegid(),
        id_map=id_map,
    )
    userns.record(run_dir, state)
    return state


def _plan_direct(uid: int, _gid: int) -> Plan:
    """All our ids, unchanged: for root of a container that kept CAP_SETUID and CAP_SETGID (and CAP_SETFCAP)."""
    if uid != 0 or not userns.has(userns.CAP_SETUID, userns.CAP_SETGID):
        raise _MapFailed("this process may not map ids by itself")
    id_map = idmap.less_than_all(idmap.unchanged(idmap.of_process()))

    def write(pid: int) -> None:
        _write(pid, "uid_map", idmap.to_proc(id_map.uids))
        _write(pid, "gid_map", idmap.to_proc(id_map.gids))

    return id_map, write


def _plan_ranges(uid: int, gid: int) -> Plan:
    """Our own id as 0, and the ranges in /etc/subuid and /etc/subgid from 1 on."""
    import pwd

    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = ""
    maps, programs = [], []
    for path, program, own in ((SUBUID, "newuidmap", uid), (SUBGID, "newgidmap", gid)):
        ranges = idmap.subordinate(path, name, uid)
        if not ranges:
            who = name or f"uid {uid}"
            raise _MapFailed(f"{path} has no range of ids for {who}", hint=ranges_hint(name or str(uid)))
        found = process.find_program(program)
        if found is None:
            raise _MapFailed(f"{program} is not installed", hint="install the package uidmap (shadow-utils elsewhere)")
        maps.append(idmap.stacked(own, ranges))
        programs.append(found)

    def write(pid: int) -> None:
        for program, ranges in zip(programs, maps, strict=True):
            _run_map_program(program, pid, ranges)

    return IdMap(*maps), write


def ranges_hint(name: str) -> str:
    """How root gives the user ranges of ids."""
    return f"as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {name}"


def _run_map_program(program: str, pid: int, ranges: tuple[idmap.IdRange, ...]) -> None:
    numbers = [str(n) for r in ranges for n in (r.container_id, r.host_id, r.size)]
    try:
        process.run([program, str(pid), *numbers])
    except process.ProgramFailed as error:
        hint = f"check that no ranges overlap, and that {program} has its file capability (in a container setuid fails)"
        if b"\nNoNewPrivs:\t1" in files.read("/proc/self/status"):
            hint = "this process runs with no_new_privs, under which setuid programs have no effect"
        raise _MapFailed(error.brief, details=error.details, hint=hint) from error


def _plan_single(uid: int, gid: int) -> Plan:
    """Our own id as 0, and no other."""

    def write(pid: int) -> None:
        _write(pid, "setgroups", "deny")
        _write(pid, "uid_map", f"0 {uid} 1\n")
        _write(pid, "gid_map", f"0 {gid} 1\n")

    return idmap.alone(uid, gid), write


def _single_notice(reason: ArgosyError) -> str:
    text = f"only one user id is available in containers: {reason}; files of other users in images will belong to it"
    return f"{text} ({reason.hint}; see `argosy doctor ids`)" if reason.hint else f"{text} (see `argosy doctor ids`)"


def _short_notice(id_map: IdMap) -> str:
    count = min(idmap.count(id_map.uids), idmap.count(id_map.gids))
    if count >= _FULL_RANGE:
        return ""
    return (
        f"only {count} user ids are available in containers: images that use larger ones cannot be unpacked "
        "(see `argosy doctor ids`)"
    )


def _write(pid: int, name: str, text: str) -> None:
    path = f"/proc/{pid}/{name}"
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)
    except OSError as error:
        raise _MapFailed(f"cannot write {name}", details=error.strerror or str(error)) from error


def _start(run_dir: str, prepare: Callable[[], None], settle: Callable[[int], PauseState]) -> tuple[PauseState, int]:
    """Start the pause process; `prepare` runs in it, `settle` here before it is let go."""
    program = _pause_program()
    said, say = os.pipe2(os.O_CLOEXEC)
    heard, let_go = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        os.close(said)
        os.close(let_go)  # or it would never see that we are gone
        _be_pause(prepare, program, {_MARK: run_dir}, say, heard)
    os.close(say)
    os.close(heard)
    try:
        _await(said, b".")
        state = settle(pid)
        pidfd = os.pidfd_open(pid)
        os.write(let_go, b".")
        _await(said, b"")
        _leave_callers_group(pid)
    except BaseException:
        os.kill(pid, signals.SIGKILL)
        os.waitpid(pid, 0)
        raise
    finally:
        os.close(said)
        os.close(let_go)
    return state, pidfd


def _leave_callers_group(pid: int) -> None:
    """The end of a login or of a CI job is that of all in its control group: be in another, where we may."""
    groups = cgroup.detect(rootless=True, uid=os.geteuid())
    if groups.manager == "systemd":
        from argosy.linux import systemd

        scope = systemd.Scope(f"argosy-pause-{pid}.scope", "user.slice", "Argosy's user namespace", os.geteuid())
        try:
            systemd.start_scope(scope, (pid,), os.environ)
        except ArgosyError:
            pass
    for path in cgroup.supervisors_group(groups, groups.manager):
        cgroup.move(path, pid)


def _await(said: int, expected: bytes) -> None:
    """Read the child's next word: "." once it is prepared, nothing once it is the pause program; else its failure."""
    word = os.read(said, 4096)
    if word != expected:
        step, _, number = word.decode(errors="replace").rpartition(":")
        raise _ChildFailed(step or "the new process ended", int(number) if number.isdecimal() else 3)


def _pause_program() -> list[str]:
    catatonit = process.find_program("catatonit")
    if catatonit:
        return [catatonit, "-P"]
    sleep = process.find_program("sleep")
    if sleep is None:
        raise Unsupported("no program to hold the user namespace open", hint="install catatonit, or coreutils' sleep")
    return [sleep, "infinity"]


def _be_pause(
    prepare: Callable[[], None], program: list[str], environ: dict[str, str], say: int, heard: int
) -> NoReturn:
    """The new process: a session of its own, /dev/null for its streams, and no descriptor besides."""
    step = "unshare"
    try:
        os.setsid()
        prepare()
        os.write(say, b".")
        if os.read(heard, 1) != b".":
            os._exit(1)
        step = program[0]
        os.chdir("/")
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        syscalls.close_range(3, syscalls.MAX_DESCRIPTOR, syscalls.CLOSE_RANGE_CLOEXEC)
        signals.set_default()
        os.execve(program[0], program, environ)  # noqa: S606 -- the pause program, by its path
    except OSError as error:
        os.write(say, f"{step}:{error.errno}".encode())
    finally:
        os._exit(1)


# What forbids user namespaces: a file, the content that does so, and what to do.
_SWITCHES = (
    ("/proc/sys/user/max_user_namespaces", b"0", "user.max_user_namespaces is 0: as root, sysctl -w {}=15000"),
    ("/proc/sys/kernel/unprivileged_userns_clone", b"0", "as root: sysctl -w {}=1"),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        b"1",
        "AppArmor keeps unprivileged user namespaces from doing anything: load docs/apparmor.d/argosy, which gives the "
        "launcher a profile, or as root: sysctl -w {}=0",
    ),
)


def forbidden() -> str:
    """What to do about the switch that forbids user namespaces; "" when none does."""
    for path, forbidding, advice in _SWITCHES:
        try:
            if files.read(path, 64).strip() == forbidding:
                return advice.format(path.removeprefix("/proc/sys/").replace("/", "."))
        except OSError:
            continue
    return ""


def trial() -> str:
    """Why this user cannot have a user namespace with rights in it, "" when he can.  Tried in a process that ends."""
    said, say = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        step = "unshare"
        try:
            syscalls.unshare(syscalls.CLONE_NEWUSER)
            step = "unshare in it"
            syscalls.unshare(syscalls.CLONE_NEWNS)  # AppArmor lets the namespace be made, and forbids what it is for
        except OSError as error:
            os.write(say, f"{step}: {error.strerror}".encode())
        finally:
            os._exit(0)
    os.close(say)
    try:
        return os.read(said, 4096).decode(errors="replace")
    finally:
        os.close(said)
        os.waitpid(pid, 0)


def _explained(error: _ChildFailed) -> ArgosyError:
    hint = forbidden()
    if not hint:
        hint = "something forbids user namespaces: a seccomp filter of the container around us, or the kernel's build"
    hint += "; `argosy doctor userns` tells more"
    return userns.Forbidden(error.brief, details=error.details, hint=hint)
