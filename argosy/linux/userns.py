"""The user namespace of a rootless store: join it, or make it.

A small *pause process* keeps the namespace (users and mounts) alive between commands.  `<run>/userns.json` tells
which process that is; its start time and its namespace's inode and owner are compared before it is joined, since pids
are used again.  When it is dead, a conmon of ours that still lives has the same namespace, and gets a new pause process
beside it.

Privilege is decided by capability: root in a container without CAP_SYS_ADMIN or CAP_MKNOD comes this way too. A
namespace gets all ids that this user may map: directly where the process may do so, by newuidmap and newgidmap from the
ranges in /etc/subuid and /etc/subgid, or else the user's own id alone. Where there can be no namespace at all, root
goes without (`linux.confined`).
"""

from __future__ import annotations

import os

from argosy.errors import Invalid, Unsupported
from argosy.linux import idmap, namespaces
from argosy.linux.idmap import IdMap
from argosy.values import Value

STATE_FILE = "userns.json"
_LOCK_FILE = "userns.lock"
_DEATH_S = 5.0
# Tells our children that they are inside: the inode of the namespace, and the uid and gid outside.
_MARK = "_ARGOSY_USERNS"

CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN, CAP_MKNOD = 6, 7, 21, 27
# Without these root is none: he cannot mount, nor make a container's devices.
_OF_ROOT = (CAP_SYS_ADMIN, CAP_MKNOD)


class Namespace(Value):
    """Who we are now.

    `uid` and `gid` are ours outside of any namespace of Argosy's; `id_map` is that of the namespace we are in.
    `initial` is false in every user namespace but the system's first: overlay needs `userxattr` there.  `notice` is
    something that the user should be told, once.  `chroot`: we are in no namespace of ours, and can mount nothing; all
    that a container gets is a root directory.
    """

    rootless: bool
    uid: int
    gid: int
    id_map: IdMap
    initial: bool = True
    notice: str = ""
    chroot: bool = False

    _nested = {"id_map": IdMap}  # noqa: RUF012 -- as Value asks for


class Forbidden(Unsupported):
    """This host does not let us have a user namespace."""


class PauseState(Value):
    """What `userns.json` holds."""

    pid: int
    start_time: int
    inode: int
    uid: int
    gid: int
    id_map: IdMap

    _nested = {"id_map": IdMap}  # noqa: RUF012 -- as Value asks for


def needed() -> bool:
    """Whether this process works as a rootless user does: it is not root, or is so in our namespace."""
    return _mark() is not None or not is_root()


def is_root() -> bool:
    """Whether we are uid 0 with the capabilities that make root, in whatever namespace."""
    return os.geteuid() == 0 and has(*_OF_ROOT)


def is_outside() -> bool:
    """Whether this process is not in a namespace of ours."""
    return _mark() is None


def outer_uid() -> int:
    """The user's id outside of any namespace of Argosy's."""
    mark = _mark()
    return os.geteuid() if mark is None else mark[0]


def enter(run_dir: str) -> Namespace:
    """Be where containers can be mounted and run: real root, and who is inside already, is so at once; others join or
    make the namespace of the store.

    Must be called while there is one thread.  The working directory is opened again in the new mount namespace.  Raises
    Forbidden when this host does not let the user have a user namespace, and he cannot go without.
    """
    if is_root():
        return _privileged(run_dir)
    state, notice = read_state(run_dir), ""
    pidfd = _open_pause(state) if state else None
    if state is None or pidfd is None:
        try:
            state, pidfd, notice = _find_or_start(run_dir)
        except Forbidden as error:
            from argosy.linux import confined

            return confined.enter(run_dir, error)
    try:
        _join(pidfd)
    finally:
        os.close(pidfd)
    _set_mark(state)
    return _namespace(state, notice)


def _namespace(state: PauseState, notice: str = "") -> Namespace:
    return Namespace(True, state.uid, state.gid, state.id_map, initial=False, notice=notice)


def _privileged(run_dir: str) -> Namespace:
    """We are root, with what makes one: as real root, in somebody's container, or in our own namespace."""
    inode = namespaces.inode("user")
    if inode == namespaces.INITIAL_USER:
        return Namespace(False, 0, os.getegid(), idmap.identity())
    state = read_state(run_dir)
    if state and state.inode == inode:
        _set_mark(state)
        return _namespace(state)
    own = idmap.of_process()
    mark = _mark()
    if mark is not None:
        return Namespace(True, *mark, own, initial=False)
    return Namespace(False, 0, os.getegid(), idmap.unchanged(own), initial=False)


def _mark() -> tuple[int, int] | None:
    """The uid and gid outside, when a parent of ours put itself into the namespace that we are in."""
    text = os.environ.get(_MARK)
    if text is None:
        return None
    fields = text.split(":")
    if len(fields) != 3 or not all(field.isdecimal() for field in fields):
        return None
    inode, uid, gid = map(int, fields)
    return (uid, gid) if inode == namespaces.inode("user") else None


def _set_mark(state: PauseState) -> None:
    os.environ[_MARK] = f"{state.inode}:{state.uid}:{state.gid}"


def has(*capabilities: int) -> bool:
    """Whether all of these are in our effective set."""
    with open("/proc/self/status", "rb", buffering=0) as file:
        text = file.read(8192)
    start = text.index(b"\nCapEff:") + 8
    effective = int(text[start : text.index(b"\n", start)], 16)
    return all(effective >> capability & 1 for capability in capabilities)


def read_state(run_dir: str) -> PauseState | None:
    """The recorded pause process; None when there is no record, or it is damaged and has to be made anew."""
    from argosy import jsontext
    from argosy.linux import files

    try:
        return PauseState.from_json(jsontext.decode(files.read(f"{run_dir}/{STATE_FILE}", 65536), STATE_FILE))
    except (FileNotFoundError, NotADirectoryError, Invalid):
        return None


def _open_pause(state: PauseState) -> int | None:
    """A pidfd of the recorded pause process; None when that is dead, or another process has its pid."""
    from argosy.linux import process

    pidfd = open_member(state.pid, state.uid, state.inode)
    if pidfd is not None and process.start_time(state.pid) != state.start_time:
        os.close(pidfd)
        return None
    return pidfd


def open_member(pid: int, uid: int, inode: int) -> int | None:
    """A pidfd of `pid` if that is in the user namespace `inode`, and `uid` owns that; else None.

    The pidfd comes first: what is read by the pid afterwards, and fits, was true of the process that the pidfd holds.
    """
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        return None
    try:
        fd = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        try:
            fits = os.fstat(fd).st_ino == inode and namespaces.owner_uid(fd) == uid
        finally:
            os.close(fd)
    except OSError:
        fits = False
    if not fits:
        os.close(pidfd)
        return None
    return pidfd


def _join(pidfd: int) -> None:
    """Enter the namespaces of the process, and the same directory as seen from there."""
    from argosy.linux import syscalls

    here = os.open(".", os.O_PATH | os.O_CLOEXEC)
    try:
        try:
            path = os.getcwd()
        except FileNotFoundError:
            path = ""
        try:
            syscalls.setns(pidfd, syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNS)
        except OSError as error:
            raise _join_failed(error) from error
        try:
            os.chdir(path)
        except OSError:
            os.fchdir(here)  # removed, or hidden by a mount of ours: relative paths still work
    finally:
        os.close(here)


def _join_failed(error: OSError) -> Unsupported:
    if error.errno == 22 and len(os.listdir("/proc/self/task")) > 1:
        return Unsupported(
            "cannot enter the user namespace: this process has more than one thread",
            hint="open Argosy before threads are started, or in a process of its own",
        )
    return Unsupported("cannot enter the user namespace of the store", details=error.strerror or str(error))


def _find_or_start(run_dir: str) -> tuple[PauseState, int, str]:
    """Under the lock: the pause process that somebody else has made meanwhile, or a new one."""
    from argosy.linux import files, locks

    files.make_directories(run_dir)
    lock = locks.acquire(f"{run_dir}/{_LOCK_FILE}", create=True)
    assert lock is not None
    with lock:
        state = read_state(run_dir)
        pidfd = _open_pause(state) if state else None
        if state is not None and pidfd is not None:
            return state, pidfd, ""
        from argosy.linux import pause

        return pause.start(run_dir, state)


def record(run_dir: str, state: PauseState) -> None:
    """Write the state file."""
    from argosy import jsontext
    from argosy.linux import files

    files.write_atomic(f"{run_dir}/{STATE_FILE}", jsontext.encode(state.to_json()))


def end(run_dir: str) -> None:
    """End the pause process: the next command makes a namespace of the ranges that there are then.

    Containers keep the one that they are in; the caller has stopped them.  Nothing happens when there is none.
    """
    import time

    from argosy.linux import files, locks, process

    lock = locks.acquire(f"{run_dir}/{_LOCK_FILE}", create=True)
    assert lock is not None
    with lock:
        state = read_state(run_dir)
        if state is not None and process.signal_process(state.pid, state.start_time):
            deadline = time.monotonic() + _DEATH_S
            while process.alive(state.pid, state.start_time) and time.monotonic() < deadline:
                time.sleep(0.001)
        files.unlink_missing(f"{run_dir}/{STATE_FILE}")
