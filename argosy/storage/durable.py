"""What is in the store but not yet stable on disk, and how it becomes so.

    tmp/<random>/unstable     the mount on which the objects were made, then "blob <hex>", "layer <hex>", a line each

An object carries a mark once its bytes are on disk: the mode 0444 of a blob, of layer.json, of chain.json.  An object
without the mark is relied on only while the mount on which it was made lives, for a power cut may have taken its
content and left its name.  Two things prove that: the boot id and the mount's unique id (kernel 6.8 and later) are
those that its list names, or the list's lock is held, by the process that made the object or by the helper that is
about to mark it.
"""

from __future__ import annotations

import _thread
import os
import sys

from argosy.linux import files, locks
from argosy.records.scratch import Scratch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.storage.store import Store

LIST = "unstable"
STABLE_MODE = 0o444
_MARKED_FILE = {
    "blob": "blobs/sha256/{}",
    "layer": "layers/{}/layer.json",
    "chain": "chains/{}/chain.json",
    "map": "maps/{}/map.json",
}
_UNIQUE_IDS_FROM = 1 << 31
_LIST_LIMIT = 64 << 20
_SYNC_FD = 3
_LOCK_FD = 4
_OPEN_AT_ONCE = 200


def witness(path: str) -> str:
    """What only this life of the mount at `path` has; "" where the kernel cannot tell it from a later one."""
    from argosy.linux import syscalls

    try:
        mount_id = syscalls.statx_mount_id(path)
    except OSError:
        return ""
    if mount_id < _UNIQUE_IDS_FROM:
        return ""
    return f"{files.read('/proc/sys/kernel/random/boot_id').decode().strip()} {mount_id}"


class Unstable:
    """The list of one process, made when the first object comes.  Safe to use from several threads."""

    def __init__(self, store: Store) -> None:
        self._root = store.root
        self._tmp = store.tmp
        self._mutex = _thread.allocate_lock()
        self._scratch: Scratch | None = None
        self._list_fd = -1
        self._sync_fd = -1
        self._noted = False

    def begin(self) -> None:
        """To be called before the first byte is written, so that no error of writing it back goes unreported."""
        with self._mutex:
            self._begin()

    def _begin(self) -> None:
        if self._scratch:
            return
        scratch = Scratch(self._tmp)
        try:
            self._sync_fd = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            path = f"{scratch.path}/{LIST}"
            self._list_fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            files.write_all(self._list_fd, f"{witness(self._root)}\n".encode())
        except BaseException:
            self._close(scratch)
            raise
        self._scratch = scratch

    def note(self, kind: str, digits: str) -> None:
        """Put an object on the list: before it becomes visible, and when nothing else has its place."""
        with self._mutex:
            self._begin()
            files.write_all(self._list_fd, f"{kind} {digits}\n".encode())
            self._noted = True

    def trusts(self, kind: str, digits: str) -> bool:
        """Whether an object without mark was made on the mount as it is now."""
        line = f"{kind} {digits}"
        here = witness(self._root)
        for path, made_on, lines in _lists(self._tmp):
            if line in lines and ((made_on and made_on == here) or _is_locked(path)):
                return True
        # The mark may have been set, and the list removed, while this looked.
        return _is_marked(self._root, kind, digits)

    def settle(self) -> None:
        """Make all on the list stable, and mark it.  Raises OSError when it could not be written back."""
        with self._mutex:
            scratch, self._scratch = self._scratch, None
            if scratch:
                try:
                    make_stable(self._root, scratch.path, self._sync_fd)
                finally:
                    self._close(scratch)

    def settle_later(self) -> None:
        """Leave that to a helper process that outlives this one; where none can be started, to a later command."""
        with self._mutex:
            scratch, self._scratch = self._scratch, None
            if scratch:
                if self._noted:
                    start_helper(self._root, os.path.basename(scratch.path), scratch.lock, self._sync_fd)
                    scratch.detach()
                self._close(scratch)

    def _close(self, scratch: Scratch) -> None:
        for fd in (self._list_fd, self._sync_fd):
            if fd >= 0:
                os.close(fd)
        self._list_fd = self._sync_fd = -1
        self._noted = False
        scratch.__exit__()


def _is_marked(root: str, kind: str, digits: str) -> bool:
    try:
        return os.stat(f"{root}/{_MARKED_FILE[kind].format(digits)}").st_mode & 0o777 == STABLE_MODE
    except FileNotFoundError:
        return False


def _lists(tmp: str) -> Iterator[tuple[str, str, frozenset[str]]]:
    """The lists of all processes: the directory, the mount they speak of, the objects."""
    try:
        names = os.listdir(tmp)
    except OSError:
        return  # none, or somebody else's
    for name in names:
        try:
            text = files.read(f"{tmp}/{name}/{LIST}", _LIST_LIMIT).decode("ascii", "replace")
        except OSError:
            continue  # no list, or finished meanwhile
        made_on, *lines = text.split("\n")
        yield f"{tmp}/{name}", made_on, frozenset(lines)


def _is_locked(path: str) -> bool:
    try:
        lock = locks.acquire(path, shared=True, wait=False)
    except OSError:
        return False
    if lock is None:
        return True
    lock.release()
    return False


def made_here(root: str, path: str) -> bool:
    """Whether the list in the directory `path` speaks of the mount that the store is on now."""
    made_on = files.read(f"{path}/{LIST}", _LIST_LIMIT).partition(b"\n")[0].decode("ascii", "replace")
    return bool(made_on) and made_on == witness(root)


def make_stable(root: str, path: str, sync_fd: int) -> None:
    """Write the file system back, then mark what the list in the directory `path` names.

    `sync_fd` was opened before the first of it was written, so that the kernel reports errors since then.  What is
    marked are the files that were there before; one that takes the place of another meanwhile is not.
    """
    from argosy.linux import syscalls

    lines = files.read(f"{path}/{LIST}", _LIST_LIMIT).decode("ascii", "replace").split("\n")[1:-1]
    for start in range(0, len(lines), _OPEN_AT_ONCE):
        opened = [fd for line in lines[start : start + _OPEN_AT_ONCE] if (fd := _open_marked(root, line)) >= 0]
        try:
            syscalls.syncfs(sync_fd)
            for fd in opened:
                os.fchmod(fd, STABLE_MODE)
        finally:
            for fd in opened:
                os.close(fd)


def _open_marked(root: str, line: str) -> int:
    """The file that carries the mark of an object, opened; -1 when the object is not there (any more)."""
    kind, _, digits = line.partition(" ")
    pattern = _MARKED_FILE.get(kind)
    if pattern is None or not digits.isalnum():
        return -1
    try:
        return os.open(f"{root}/{pattern.format(digits)}", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return -1


_helpers: set[int] = set()

_HELPER = """import sys
sys.path.insert(0, sys.argv[1])
from argosy.storage import durable
durable.help_settle(root=sys.argv[2], name=sys.argv[3])
"""


def start_helper(root: str, name: str, lock: locks.Lock, sync_fd: int) -> None:
    """Start a process that makes stable what the list in `<root>/tmp/<name>` names, and then removes the list.

    It has a session of its own, nothing but /dev/null as its standard streams, and of our locks only `lock`, the one on
    that directory, so that the list is vouched for without a gap.  Where it cannot be started, the list stays for the
    sweep of a later command.
    """
    from argosy.errors import ArgosyError
    from argosy.linux import process

    _reap_helpers()
    home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        argv = [sys.executable, "-I", "-S", "-c", _HELPER, home, root, name]
        fds = {0: null, 1: null, 2: null, _SYNC_FD: sync_fd, _LOCK_FD: lock.fd}
        _helpers.add(process.spawn(argv, fds=fds, setsid=True))
    except ArgosyError:
        return
    finally:
        os.close(null)


def _reap_helpers() -> None:
    """Reap the helpers that have ended: in a process that lives long they would pile up."""
    for pid in tuple(_helpers):
        try:
            ended = os.waitpid(pid, os.WNOHANG)[0]
        except ChildProcessError:
            ended = pid
        if ended:
            _helpers.discard(pid)


def help_settle(*, root: str, name: str) -> None:
    """The helper's main function."""
    os.chdir("/")
    settle_list(root, name, _SYNC_FD)


def settle_list(root: str, name: str, sync_fd: int) -> bool:
    """Make stable what the list in `<root>/tmp/<name>` names, and remove the list; the caller holds its lock.

    Removes that one file and its directory, nothing else, whatever it is called with.  False when the file system lost
    something of it: the objects then stay without mark, and nobody vouches for them.
    """
    path = f"{root}/tmp/{name}"
    try:
        make_stable(root, path, sync_fd)
    except OSError:
        return False
    finally:
        files.unlink_missing(f"{path}/{LIST}")
        os.rmdir(path)
    return True
