"""Files: whole reads with a limit, atomic and durable writes, and the removal of trees."""

from __future__ import annotations

import os
import stat

from argosy.errors import ArgosyError, Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_OPEN_DEPTH = 100
_MAX_FAILURES = 20


def read(path: str, limit: int = 4 << 20) -> bytes:
    """All of the file.  OSError (EFBIG) when it is longer than `limit` bytes."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return read_descriptor(fd, path, limit)
    finally:
        os.close(fd)


def read_regular(path: str, limit: int = 4 << 20) -> bytes:
    """All of a regular file.  OSError for anything else, a FIFO among them: reading that would wait for its writer."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(22, "not a regular file", path)
        return read_descriptor(fd, path, limit)
    finally:
        os.close(fd)


def read_descriptor(fd: int, path: str, limit: int) -> bytes:
    """All that `fd` still gives.  OSError (EFBIG, naming `path`) when that is more than `limit` bytes."""
    size = os.fstat(fd).st_size
    data = os.read(fd, min(size, limit) + 1 if size else 4096)
    while len(data) <= limit:
        more = os.read(fd, min(65536, limit + 1 - len(data)))
        if not more:
            return data
        data += more
    raise OSError(27, f"longer than {limit} bytes", path)


def exists(path: str) -> bool:
    """Whether there is something at `path`, be it a dangling link."""
    return os.path.lexists(path)


def write_atomic(path: str, data: bytes, *, mode: int = 0o600, durable: bool = False) -> None:
    """Put a file with this content and mode at `path`, in one step, in place of what is there.

    A reader sees the old content or the new.  `durable`: the new one is on disk when this returns.  A crash may leave a
    temporary file beside it, for which `is_leftover` is true.
    """
    directory, name = os.path.split(path)
    temporary = os.path.join(directory, f".{name}.{os.urandom(6).hex()}~")
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    except OSError as error:
        error.filename = path  # the file that the caller knows about
        raise
    try:
        try:
            os.fchmod(fd, mode)
            write_all(fd, data)
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    if durable:
        fsync_directory(directory or ".")


def write_named(path: str, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file that the user named: `write_atomic`, but what is no regular file is written to as it is.

    Otherwise root's `--pidfile /dev/null` would put a regular file in the place of the host's device.  A FIFO that
    nobody reads is an OSError (ENXIO).
    """
    try:
        special = not stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        special = False
    if not special:
        write_atomic(path, data, mode=mode)
        return
    fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        write_all(fd, data)
    finally:
        os.close(fd)


def is_leftover(name: str) -> bool:
    """Whether a file of this name is what an interrupted `write_atomic` left."""
    return name.startswith(".") and name.endswith("~")


def write_all(fd: int, data: bytes) -> None:
    """Write all of `data`, however many calls that takes."""
    written = os.write(fd, data)
    if written == len(data):
        return
    rest = memoryview(data)[written:]
    while rest:
        rest = rest[os.write(fd, rest) :]


def fsync_directory(path: str) -> None:
    """Make the names in this directory stable on disk."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def unlink_missing(path: str) -> None:
    """Remove the file.  Nothing happens when it is not there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def make_directories(path: str, mode: int = 0o700) -> None:
    """Make the directory and those above it that are missing, each with `mode`.  Nothing happens when it is there."""
    try:
        _make_directory(path, mode)
    except FileNotFoundError:
        parent = os.path.dirname(path.rstrip("/"))
        if not parent or parent == path:
            raise
        make_directories(parent, mode)
        _make_directory(path, mode)  # in /proc this fails again


def _make_directory(path: str, mode: int) -> None:
    while True:
        try:
            os.mkdir(path, mode)
        except FileExistsError:
            if not os.path.isdir(path):
                if not os.path.lexists(path):
                    continue  # removed between the two looks
                raise NotADirectoryError(20, "exists and is not a directory", path) from None
        return


class TreeNotRemoved(ArgosyError):
    """A tree of which something is still there; `failures` are the first of the reasons."""

    def __init__(self, path: str, failures: list[OSError]) -> None:
        busy = any(failure.errno == 16 for failure in failures)
        super().__init__(
            f"cannot remove {path}",
            details="\n".join(f"{failure.filename}: {failure.strerror}" for failure in failures),
            hint="something is mounted there: unmount it first" if busy else "",
        )
        self.path = path
        self.failures = tuple(failures)


def remove_tree(path: str) -> None:
    """Remove `path`, which must be absolute and free of "..", and all below it.  Nothing happens when it is not there.

    Follows no link and enters no mount.  Directories without permissions are opened up, where that is ours to do.  What
    cannot be removed does not stop the rest; TreeNotRemoved names it at the end.  Any depth and number of entries.
    """
    parent, name = os.path.split(path.rstrip("/"))
    if not path.startswith("/") or not name or ".." in path.split("/") or name == ".":
        raise Invalid("tree to remove", path, "only an absolute path says surely what goes")
    try:
        os.unlink(path)
        return
    except FileNotFoundError:
        return
    except OSError as error:  # EISDIR for a directory, or EPERM on some file systems
        if os.path.islink(path) or not os.path.isdir(path):
            raise TreeNotRemoved(path, [error]) from None
    fd = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        remover = _TreeRemover(fd, parent, name)
        remover.run()
    finally:
        os.close(fd)
    if remover.failures:
        raise TreeNotRemoved(path, remover.failures)


class _Level:
    """An open directory of the walk."""

    __slots__ = ("entries", "fd", "name", "path", "progress", "stuck", "widened")

    def __init__(self, fd: int, name: str, path: str) -> None:
        self.fd = fd
        self.name = name
        self.path = path
        self.entries = os.scandir(fd)
        self.progress = False
        self.stuck = False
        self.widened = False

    def again(self) -> None:
        """List from the start: some file systems skip names while others are being removed."""
        os.lseek(self.fd, 0, os.SEEK_SET)
        self.entries = os.scandir(self.fd)
        self.progress = False

    def close(self) -> None:
        self.entries.close()
        os.close(self.fd)


class _TreeRemover:
    """The walk: a stack of open directories.

    A directory is first tried with rmdir, which fails with EBUSY for a mount point, so that no mount is ever entered.
    When the stack has `_MAX_OPEN_DEPTH` levels, the next directory is moved into the top one, to be met there later.
    """

    def __init__(self, parent_fd: int, parent: str, name: str) -> None:
        self.failures: list[OSError] = []
        self._parent_fd = parent_fd
        self._parent = parent
        self._name = name
        self._levels: list[_Level] = []
        self._moved = 0

    def run(self) -> None:
        try:
            self._directory(self._parent_fd, self._name, os.path.join(self._parent, self._name))
            while self._levels:
                self._step(self._levels[-1])
        finally:
            for level in self._levels:
                level.close()

    def _step(self, level: _Level) -> None:
        try:
            for entry in level.entries:
                if entry.is_dir(follow_symlinks=False):
                    if self._directory(level.fd, entry.name, f"{level.path}/{entry.name}"):
                        return
                else:
                    self._remove(level, os.unlink, entry.name)
        except OSError as error:
            self._failed(level, error, level.path)
        self._leave(level)

    def _leave(self, level: _Level) -> None:
        """All entries were met: remove the directory itself."""
        above = self._levels[-2] if len(self._levels) > 1 else None
        try:
            os.rmdir(level.name, dir_fd=above.fd if above else self._parent_fd)
            if above:
                above.progress = True
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno == 39 and level.progress and not level.stuck:
                level.again()
                return
            if not level.stuck:
                self._failed(above, error, level.path)
            elif above:
                above.stuck = True
        self._levels.pop().close()

    def _directory(self, parent_fd: int, name: str, path: str) -> bool:
        """Remove an empty directory, or else open it and push it on the stack; true when the stack grew."""
        level = self._levels[-1] if self._levels else None
        if self._remove(level, os.rmdir, name):
            return False
        try:
            if len(self._levels) > _MAX_OPEN_DEPTH:
                top = self._levels[0]
                self._moved += 1
                os.rename(name, f".argosy-removed-{os.getpid()}-{self._moved}", src_dir_fd=parent_fd, dst_dir_fd=top.fd)
                top.progress = True
                return False
            self._levels.append(_Level(_open_directory(parent_fd, name), name, path))
        except FileNotFoundError:
            return False
        except OSError as error:
            self._failed(level, error, path)
            return False
        return True

    def _remove(self, level: _Level | None, removal: Callable[..., None], name: str) -> bool:
        """Call os.unlink or os.rmdir; true when the entry needs no more attention."""
        fd = level.fd if level else self._parent_fd
        try:
            removal(name, dir_fd=fd)
        except FileNotFoundError:
            return True
        except OSError as error:
            if error.errno == 39:
                return False
            if error.errno == 13 and level and not level.widened:
                level.widened = True
                try:
                    os.fchmod(level.fd, 0o700)
                except OSError:
                    pass  # not ours: the second try gives the reason
                return self._remove(level, removal, name)
            self._failed(level, error, f"{level.path}/{name}" if level else os.path.join(self._parent, name))
            return True
        if level:
            level.progress = True
        return True

    def _failed(self, level: _Level | None, error: OSError, path: str) -> None:
        if level:
            level.stuck = True
        if len(self.failures) < _MAX_FAILURES:
            self.failures.append(OSError(error.errno, error.strerror, path))


def _open_directory(parent_fd: int, name: str) -> int:
    try:
        return os.open(name, _DIRECTORY, dir_fd=parent_fd)
    except PermissionError:
        handle = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent_fd)
        try:
            os.chmod(f"/proc/self/fd/{handle}", 0o700)
            return os.open(".", _DIRECTORY, dir_fd=handle)
        finally:
            os.close(handle)
