"""The first filling of a volume: what the image has where the volume is mounted, copied with all its metadata.

The source belongs to whoever made the image: it may be deeper than descriptors or recursion reach, hold sparse files
larger than any disk, and links to anywhere.  It is walked by descriptors alone, no link is followed, holes stay holes,
a reserve of the disk stays free, and only plain files, directories, symbolic links, FIFOs and (where we may make them)
devices are copied.
"""

from __future__ import annotations

import os
import stat

from argosy.errors import ArgosyError, shown
from argosy.linux import files, paths, syscalls
from argosy.linux.copying import copy_content

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.linux.idmap import IdMap

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_RESOLVE = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_SYMLINKS | syscalls.RESOLVE_NO_XDEV
_RESERVE_BYTES = 256 << 20
_LINKS_BYTES = 16 << 20  # what names of files with several links may take in memory; beyond that they become copies


def fill(
    directory: str, data: str, merged: str, destination: str, *, content: bool, id_map: IdMap | None = None
) -> bool:
    """Give the empty `data` what is at `destination` in the tree `merged`; a `data` that has content is left alone.

    `content` False copies owner and mode only.  With `id_map` owners are the ids inside for those of `merged`.  The
    copy is made beside `data`, in `directory`, and renamed over it.  Raises ArgosyError when there is no room for it.
    False when there is nothing at `destination`.
    """
    if os.listdir(data):
        return True
    root_fd = paths.open_root(merged)
    try:
        source_fd = paths.open_in_root(root_fd, destination, os.O_PATH | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return False
    finally:
        os.close(root_fd)
    copy = f"{directory}/.filling~"
    try:
        files.remove_tree(copy)
        os.mkdir(copy, 0o700)
        _copy(source_fd, copy, content=content, id_map=id_map)
        os.rename(copy, data)
    except OSError as error:
        files.remove_tree(copy)
        raise ArgosyError(
            f"cannot fill the volume at {destination} with what the image has there",
            details=f"{shown(os.fsdecode(error.filename))}: {error.strerror}"
            if error.filename
            else str(error.strerror),
            hint="make room with `argosy system prune`, or mount it with the option nocopy",
        ) from error
    except BaseException:
        files.remove_tree(copy)
        raise
    finally:
        os.close(source_fd)
    return True


def _copy(source_fd: int, copy: str, *, content: bool, id_map: IdMap | None) -> None:
    target_fd = os.open(copy, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        copier = _Copier(source_fd, target_fd, id_map)
        copier.tree() if content else copier.metadata("")
    finally:
        os.close(target_fd)


class _Copier:
    """One walk, depth first.  Directories are opened anew each time by their path below the two roots."""

    def __init__(self, source_root: int, target_root: int, id_map: IdMap | None) -> None:
        self._id_map = id_map
        self._roots = source_root, target_root
        self._links: dict[tuple[int, int], str] = {}
        self._links_bytes = 0

    def tree(self) -> None:
        """Copy everything."""
        levels = [("", self._entries(""))]  # directories on the way, each with the names in it still to be entered
        while levels:
            path, names = levels[-1]
            if names:
                below = f"{path}{names.pop()}/"
                levels.append((below, self._entries(below)))
            else:
                self.metadata(path)
                levels.pop()

    def metadata(self, path: str) -> None:
        """Give the directory at `path` its owner, mode, attributes and times."""
        source, target = self._open(path)
        try:
            _copy_metadata(source, target, self._id_map)
        finally:
            os.close(source)
            os.close(target)

    def _open(self, path: str) -> tuple[int, int]:
        source = syscalls.openat2(self._roots[0], path.rstrip("/") or ".", _DIRECTORY, 0, _RESOLVE)
        try:
            return source, syscalls.openat2(self._roots[1], path.rstrip("/") or ".", _DIRECTORY, 0, _RESOLVE)
        except BaseException:
            os.close(source)
            raise

    def _entries(self, path: str) -> list[str]:
        """Copy what is in a directory; the directories in it are made, and named."""
        below = []
        source, target = self._open(path)
        try:
            with os.scandir(source) as entries:
                for entry in entries:
                    name = entry.name
                    if entry.is_dir(follow_symlinks=False):
                        os.mkdir(name, 0o700, dir_fd=target)
                        below.append(name)
                    else:
                        self._leaf(source, target, path, name)
        finally:
            os.close(source)
            os.close(target)
        return below

    def _leaf(self, source: int, target: int, path: str, name: str) -> None:
        found = os.stat(name, dir_fd=source, follow_symlinks=False)
        if found.st_nlink > 1:
            first = self._links.get((found.st_dev, found.st_ino))
            if first is not None:
                os.link(first, name, src_dir_fd=self._roots[1], dst_dir_fd=target, follow_symlinks=False)
                return
            self._links_bytes += len(path) + len(name)
            if self._links_bytes < _LINKS_BYTES:
                self._links[found.st_dev, found.st_ino] = f"{path}{name}"
        if stat.S_ISREG(found.st_mode):
            _copy_file(source, target, name, self._id_map)
        else:
            _copy_special(source, target, name, found, self._id_map)


def _copy_special(source: int, target: int, name: str, found: os.stat_result, id_map: IdMap | None) -> None:
    if stat.S_ISLNK(found.st_mode):
        os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
    elif stat.S_ISFIFO(found.st_mode):
        os.mkfifo(name, 0o600, dir_fd=target)
    elif stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode):
        try:
            os.mknod(name, found.st_mode, found.st_rdev, dir_fd=target)
        except PermissionError:
            return  # no devices in a user namespace: rootless images have none to begin with
    else:
        return  # a socket means nothing without its server
    os.chown(name, *_owner(found, id_map), dir_fd=target, follow_symlinks=False)
    if not stat.S_ISLNK(found.st_mode):
        os.chmod(name, stat.S_IMODE(found.st_mode), dir_fd=target)
    os.utime(name, ns=(found.st_atime_ns, found.st_mtime_ns), dir_fd=target, follow_symlinks=False)


def _copy_file(source: int, target: int, name: str, id_map: IdMap | None) -> None:
    read = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=source)
    try:
        write = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=target)
        try:
            found = os.fstat(read)
            _check_room(write, name, found.st_blocks * 512)
            copy_content(read, write, found.st_size)
            _copy_metadata(read, write, id_map)
        finally:
            os.close(write)
    finally:
        os.close(read)


def _check_room(fd: int, name: str, size: int) -> None:
    status = os.fstatvfs(fd)
    reserve = min(_RESERVE_BYTES, status.f_blocks * status.f_frsize // 20)
    if size > status.f_bavail * status.f_frsize - reserve:
        raise OSError(28, f"no space left for its {size} bytes beside a reserve of {reserve}", name)


def _owner(found: os.stat_result, id_map: IdMap | None) -> tuple[int, int]:
    owner = found.st_uid, found.st_gid
    return owner if id_map is None else id_map.seen_inside(*owner)


def _copy_metadata(source: int, target: int, id_map: IdMap | None) -> None:
    """Owner, mode, extended attributes and times.  The mode comes after the owner, whose change clears set-id bits."""
    found = os.fstat(source)
    os.fchown(target, *_owner(found, id_map))
    os.fchmod(target, stat.S_IMODE(found.st_mode))
    for name in os.listxattr(source):
        if name.startswith(("user.overlay.", "trusted.", "security.selinux")):
            continue
        os.setxattr(target, name, os.getxattr(source, name))
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
