"""The tree of a layer once more, with the owners that an id map gives.

Of metadata only: a regular file is as long as its content, holds none of it, and says with overlay's attributes
`metacopy` and `redirect` where that is (overlayfs.rst, "Metadata only copy up", "Data-only lower layers").  Where these
attributes take as much room as the content of a small file, it has its content.  The layer is our own, and nobody
changes it: it is walked by paths.
"""

from __future__ import annotations

import os
import stat

from argosy.errors import Invalid
from argosy.linux import idmap
from argosy.linux.copying import copy_content

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from argosy.linux.idmap import IdMap, IdRange

_REDIRECT_BYTES = 1024  # a longer one may not fit into the inode's attributes: such a file gets its content
_BLOCK_BYTES = 4096
_CAPABILITY = "security.capability"
_ROOTED_BYTES = 24  # revision 3 (capabilities(7)): as revision 2, and the id of a namespace's root behind it


def map_tree(source: str, target: str, id_map: IdMap, xattrs: str, *, own_ids: IdMap, data: str = "") -> None:
    """Make `target`, which is the tree `source` under `id_map`.

    `own_ids` are all ids that we have: files whose owner is in no range of the map get one that the container has no
    name for.  `data` is the place of `source` in the data-only directory, "" to copy the content.
    """
    uids = _Owners(id_map.uids, _stranger(id_map.uids, own_ids.uids))
    gids = _Owners(id_map.gids, _stranger(id_map.gids, own_ids.gids))
    _map(source, target, _Mapper(uids, gids, xattrs), data)


def map_back(source: str, target: str, id_map: IdMap, xattrs: str) -> None:
    """Make `target`, which is `source`, an upper directory under `id_map`, with the ids inside.

    Root gets what the map has no id for: the whiteouts, which overlayfs makes itself.
    """
    inside = id_map.inverse()
    _map(source, target, _Mapper(_Owners(inside.uids, 0), _Owners(inside.gids, 0), xattrs), "")


def _map(source: str, target: str, mapper: _Mapper, data: str) -> None:
    os.mkdir(target, 0o700)
    pending = [(source, target, f"/{data}" if data else "")]
    directories: list[tuple[str, str]] = []
    while pending:
        above = pending.pop()
        directories.append(above[:2])
        pending += mapper.entries(*above)
    for one, other in reversed(directories):
        mapper.metadata(one, other, os.lstat(one))


class _Owners:
    """The ids outside for those of a layer; `stranger` for one that no range has."""

    def __init__(self, ranges: Iterable[IdRange], stranger: int) -> None:
        self._ranges = tuple(ranges)
        self._known: dict[int, int] = {}
        self._stranger = stranger

    def of(self, number: int) -> int:
        """The id outside."""
        found = self._known.get(number)
        if found is None:
            try:
                found = idmap.outer(self._ranges, number)
            except Invalid:
                found = self._stranger
            self._known[number] = found
        return found


def _stranger(ranges: tuple[IdRange, ...], own: tuple[IdRange, ...]) -> int:
    """The least of our ids that no range has; where they have all, that of the container's root."""
    found = 0
    for r in sorted(ranges, key=lambda r: r.host_id):
        if r.host_id <= found < r.host_id + r.size:
            found = r.host_id + r.size
    if any(r.container_id <= found < r.container_id + r.size for r in own):
        return found
    return ranges[0].host_id


class _Mapper:
    """`entries` makes one directory's files, and names the directories in it that come next."""

    def __init__(self, uids: _Owners, gids: _Owners, xattrs: str) -> None:
        self._uids = uids
        self._gids = gids
        self._own = f"{xattrs}.overlay."
        self._links: dict[int, str] = {}
        self._block_each = False

    def entries(self, source: str, target: str, data: str) -> list[tuple[str, str, str]]:
        """Make what is in `source`; `data` is its place in the data-only directory, "" to copy content."""
        below = []
        with os.scandir(source) as found:
            for entry in found:
                path = f"{target}/{entry.name}"
                place = f"{data}/{entry.name}" if data else ""
                if entry.is_dir(follow_symlinks=False):
                    os.mkdir(path, 0o700)
                    below.append((entry.path, path, place))
                else:
                    self._leaf(entry, path, place)
        return below

    def _leaf(self, entry: os.DirEntry[str], target: str, data: str) -> None:
        status = entry.stat(follow_symlinks=False)
        if status.st_nlink > 1:
            first = self._links.setdefault(status.st_ino, target)
            if first is not target:
                os.link(first, target, follow_symlinks=False)
                return
        if stat.S_ISREG(status.st_mode):
            self._file(entry.path, target, data, status)
            return
        if stat.S_ISLNK(status.st_mode):
            os.symlink(os.readlink(entry.path), target)
        elif stat.S_ISSOCK(status.st_mode):
            return  # means nothing without its server
        else:
            os.mknod(target, status.st_mode, status.st_rdev)
        self.metadata(entry.path, target, status)

    def _file(self, source: str, target: str, data: str, status: os.stat_result) -> None:
        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            redirect = os.fsencode(data)
            large = status.st_size > (_BLOCK_BYTES if self._block_each else 0)
            if large and data and len(redirect) <= _REDIRECT_BYTES:
                self._point(fd, redirect, status.st_size)
            elif status.st_size:
                _copy(source, fd, status.st_size)
            self._set(source, fd, status)
        finally:
            os.close(fd)

    def _point(self, fd: int, redirect: bytes, size: int) -> None:
        """Say that the content is elsewhere.

        ext4 has room for two dozen bytes of it in an inode, and takes a block for each longer one: content of no more
        than a block is no larger, and made in less time.
        """
        os.ftruncate(fd, size)
        os.setxattr(fd, f"{self._own}metacopy", b"")
        os.setxattr(fd, f"{self._own}redirect", redirect)
        self._block_each = self._block_each or os.fstat(fd).st_blocks > 0

    def metadata(self, source: str, target: str, status: os.stat_result) -> None:
        """Give `target`, which is no regular file, what `source` has beside its content."""
        os.chown(target, self._uids.of(status.st_uid), self._gids.of(status.st_gid), follow_symlinks=False)
        if not stat.S_ISLNK(status.st_mode):
            os.chmod(target, stat.S_IMODE(status.st_mode))
        for name in os.listxattr(source, follow_symlinks=False):
            os.setxattr(target, name, os.getxattr(source, name, follow_symlinks=False), follow_symlinks=False)
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)

    def _set(self, source: str, fd: int, status: os.stat_result) -> None:
        """As `metadata`, for a regular file; the mode comes after the owner, whose change clears set-id bits."""
        os.fchown(fd, self._uids.of(status.st_uid), self._gids.of(status.st_gid))
        os.fchmod(fd, stat.S_IMODE(status.st_mode))
        for name in os.listxattr(source):
            value = os.getxattr(source, name)
            os.setxattr(fd, name, self._capability(value) if name == _CAPABILITY else value)
        os.utime(fd, ns=(status.st_atime_ns, status.st_mtime_ns))

    def _capability(self, value: bytes) -> bytes:
        """File capabilities that count below a namespace's root only: for its id under the map, plain ones for 0."""
        if len(value) != _ROOTED_BYTES:
            return value
        root = self._uids.of(int.from_bytes(value[20:], "little"))
        if root:
            return value[:20] + root.to_bytes(4, "little")
        return value[:3] + b"\x02" + value[4:20]


def _copy(source: str, fd: int, size: int) -> None:
    reader = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if size > _BLOCK_BYTES:
            copy_content(reader, fd, size)
        else:
            os.write(fd, os.read(reader, size))
    finally:
        os.close(reader)
