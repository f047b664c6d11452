"""A directory that blobs and documents are written to: what oci: and dir: share.

A blob is written beside its place and renamed there once its digest was compared, so that no name ever stands for half
of one.  Who writes it holds the flock on the unfinished file: another process that wants the same blob waits, and finds
it, or goes on where a killed one stopped.  Links in the directory are not followed: it may be anybody's.
"""

from __future__ import annotations

import fcntl
import os
import stat

from argosy.errors import ArgosyError
from argosy.linux import syscalls
from argosy.oci import digest as digests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.oci.descriptor import Descriptor
    from argosy.registry.streams import OpenBlob

_BLOCK = 1 << 20
_RESOLVE = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_SYMLINKS
_FILE_MODE = 0o644
_LEFT_OVER = "~"


class Tree:
    """The directory `path`, made where there is none.  Safe to use from several threads; close it once.

    `made` says that this object has made it.  Errors are ArgosyError and name the file.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.made = False
        try:
            if not os.path.isdir(path):
                os.makedirs(path, 0o755)
                self.made = True
            self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise ArgosyError(f"cannot write to {path}: {str(error.strerror).lower()}") from error

    def names(self) -> list[str]:
        """What is in the directory, apart from what is unfinished."""
        return sorted(name for name in os.listdir(self._fd) if not name.endswith(_LEFT_OVER))

    def lock(self) -> None:
        """Hold other writers of this directory's documents off, until it is closed."""
        fcntl.flock(self._fd, fcntl.LOCK_EX)

    def has(self, path: str, descriptor: Descriptor) -> bool:
        """Whether the blob is there: a regular file with its size and its digest."""
        try:
            fd = syscalls.openat2(self._fd, path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK, 0, _RESOLVE)
        except OSError:
            return False
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode) or status.st_size != descriptor.size:
                return False
            hasher = digests.hasher(descriptor.digest.algorithm)
            while block := os.read(fd, _BLOCK):
                hasher.update(block)
            return hasher.hexdigest() == descriptor.digest.hex
        finally:
            os.close(fd)

    def put(self, path: str, descriptor: Descriptor, source: OpenBlob, advance: Callable[[int], None]) -> None:
        """Write the blob.  Nothing is fetched of what is there; `advance` is told the bytes as they come."""
        directory, name = os.path.split(path)
        fd = self._directory(directory)
        try:
            part = f".{name}{_LEFT_OVER}"
            file = _locked(fd, part)
            try:
                if not self.has(path, descriptor):
                    _fill(file, descriptor, source, advance)
                    os.fchmod(file, _FILE_MODE)
                    os.rename(part, name, src_dir_fd=fd, dst_dir_fd=fd)
                else:
                    os.unlink(part, dir_fd=fd)
            except ArgosyError:
                _unlink_empty(file, fd, part)
                raise
            finally:
                os.close(file)
        except OSError as error:
            raise self._fault(path, error) from error
        finally:
            os.close(fd)

    def write(self, path: str, data: bytes) -> None:
        """A small file, in one step, in place of what is there."""
        directory, name = os.path.split(path)
        fd = self._directory(directory)
        part = f".{name}.{os.urandom(4).hex()}{_LEFT_OVER}"
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            file = os.open(part, flags, _FILE_MODE, dir_fd=fd)
            try:
                _write_all(file, data)
                os.rename(part, name, src_dir_fd=fd, dst_dir_fd=fd)
            except BaseException:
                os.unlink(part, dir_fd=fd)
                raise
            finally:
                os.close(file)
        except OSError as error:
            raise self._fault(path, error) from error
        finally:
            os.close(fd)

    def remove(self, name: str) -> None:
        """Remove a file of the directory itself.  Nothing happens when it is not there."""
        try:
            os.unlink(name, dir_fd=self._fd)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise self._fault(name, error) from error

    def sweep(self, path: str = "") -> None:
        """Remove what killed processes have left unfinished in a directory below, and nobody writes to now."""
        fd = self._directory(path)
        try:
            for name in os.listdir(fd):
                if name.startswith(".") and name.endswith(_LEFT_OVER):
                    _remove_unlocked(fd, name)
        finally:
            os.close(fd)

    def discard(self) -> None:
        """Remove all of a directory that this object has made."""
        if self.made:
            from argosy.linux import files

            files.remove_tree(os.path.abspath(self.path))

    def close(self) -> None:
        """Let go of the directory.  May be called twice."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _directory(self, path: str) -> int:
        """A descriptor of a directory below, made where there is none."""
        fd = os.dup(self._fd)
        try:
            for part in filter(None, path.split("/")):
                try:
                    os.mkdir(part, 0o755, dir_fd=fd)
                except FileExistsError:
                    pass
                below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
                os.close(fd)
                fd = below
        except OSError as error:
            os.close(fd)
            raise self._fault(path, error) from error
        return fd

    def _fault(self, path: str, error: OSError) -> ArgosyError:
        return ArgosyError(f"cannot write {self.path}/{path}: {str(error.strerror).lower()}")


def _locked(directory: int, name: str) -> int:
    """The unfinished file, which nobody else writes to for as long as it is open."""
    while True:
        fd = os.open(
            name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600, dir_fd=directory
        )
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(fd), os.stat(name, dir_fd=directory, follow_symlinks=False)):
                return fd
        except FileNotFoundError:
            pass  # who had it has finished
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def _remove_unlocked(directory: int, name: str) -> None:
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    except OSError:
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(name, dir_fd=directory)
    except OSError:
        pass  # somebody is at it, or it is not ours to remove
    finally:
        os.close(fd)


def _fill(file: int, descriptor: Descriptor, source: OpenBlob, advance: Callable[[int], None]) -> None:
    """Bring the rest of the blob, and compare all of it; where that fails on what a killed process left, all of it."""
    left_over = os.fstat(file).st_size
    if left_over > descriptor.size:
        os.ftruncate(file, 0)
        left_over = 0
    found = _append(file, descriptor, source, advance)
    if found != descriptor.digest and left_over:
        os.ftruncate(file, 0)
        os.lseek(file, 0, os.SEEK_SET)
        found = _append(file, descriptor, source, advance)
    if found != descriptor.digest:
        os.ftruncate(file, 0)
        raise wrong_content(descriptor.digest, found)


def _append(file: int, descriptor: Descriptor, source: OpenBlob, advance: Callable[[int], None]) -> str:
    """Write what is missing; the digest of the whole."""
    hasher = digests.hasher(descriptor.digest.algorithm)
    size = 0
    while block := os.read(file, _BLOCK):
        hasher.update(block)
        size += len(block)
    advance(size)
    with source(size) as stream:
        for block in stream:
            _write_all(file, block)
            hasher.update(block)
            advance(len(block))
    return f"{descriptor.digest.algorithm}:{hasher.hexdigest()}"


def wrong_content(digest: str, found: str) -> ArgosyError:
    """The error for bytes that are not what their digest says."""
    return ArgosyError(
        f"blob {digest} is not what its digest says",
        details=f"the bytes that came have the digest {found}",
        hint="the source is broken or lies: try again",
    )


def _unlink_empty(file: int, directory: int, name: str) -> None:
    if not os.fstat(file).st_size:
        os.unlink(name, dir_fd=directory)


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]
