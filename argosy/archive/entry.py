"""One entry of a tar archive."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = "file"
HARDLINK = "hardlink"
SYMLINK = "symbolic link"
CHARACTER_DEVICE = "character device"
BLOCK_DEVICE = "block device"
DIRECTORY = "directory"
FIFO = "FIFO"

NO_ATTRIBUTES: Mapping[bytes, bytes] = {}


class Entry:
    """What the headers of an entry say.  A plain class and not a Value: a layer has tens of thousands of them.

    Names are bytes, as the kernel has them.  `name` is spelled as in the archive (`./a`, `/a`, `a/`); who uses it
    decides what that means.  `size` is that of the file, `stored_bytes` what the archive holds of it: less for a sparse
    file, whose data are the (offset, length) pairs of `segments`, in order.  `device` is (major, minor).
    """

    __slots__ = (
        "device",
        "gid",
        "kind",
        "linkname",
        "mode",
        "mtime_ns",
        "name",
        "segments",
        "size",
        "stored_bytes",
        "uid",
        "xattrs",
    )

    def __init__(
        self,
        name: bytes,
        kind: str,
        mode: int = 0o644,
        uid: int = 0,
        gid: int = 0,
        size: int = 0,
        mtime_ns: int = 0,
        linkname: bytes = b"",
    ) -> None:
        self.name = name
        self.kind = kind
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.size = size
        self.mtime_ns = mtime_ns
        self.linkname = linkname
        self.stored_bytes = size
        self.device = (0, 0)
        self.xattrs = NO_ATTRIBUTES
        self.segments: tuple[tuple[int, int], ...] | None = None

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name!r}>"
