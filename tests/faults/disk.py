"""A disk that can lose its power: ext4 in a file, on a loop device, shut down by the ioctl that xfstests uses."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import subprocess

from tests.rig import host

_SHUTDOWN = 0x8004587D  # FS_IOC_SHUTDOWN, _IOR('X', 125, __u32)
_NO_LOG_FLUSH = 2


def can_cut() -> bool:
    """Whether this host has what it takes: root, loop devices, mkfs."""
    return host.is_root() and os.path.exists("/dev/loop-control") and host.program("mkfs.ext4") is not None


class Disk:
    """Mounted at `path`, as a context."""

    def __init__(self, directory: str, size_mib: int = 48) -> None:
        self._image = f"{directory}/disk.ext4"
        self.path = f"{directory}/disk"
        with open(self._image, "wb") as file:
            file.truncate(size_mib << 20)
        os.mkdir(self.path)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", self._image], check=True)

    def __enter__(self) -> Disk:
        self._mount()
        return self

    def __exit__(self, *_error: object) -> None:
        subprocess.run(["umount", self.path], check=True)

    def _mount(self) -> None:
        subprocess.run(["mount", "-o", "loop", self._image, self.path], check=True)

    def cut(self) -> None:
        """Lose all that is not on disk, the journal's tail included, and mount again.  The boot id stays."""
        fd = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, _SHUTDOWN, struct.pack("=I", _NO_LOG_FLUSH))
        finally:
            os.close(fd)
        subprocess.run(["umount", self.path], check=True)
        self._mount()

    def fill(self, leave_bytes: int = 0) -> str:
        """Fill the disk but for about so much; returns the file to remove for having room again."""
        path = f"{self.path}/filling"
        with open(path, "wb") as file:
            free = os.statvfs(self.path)
            try:
                os.posix_fallocate(file.fileno(), 0, max(1, free.f_bavail * free.f_frsize - leave_bytes))
            except OSError as error:
                if error.errno != errno.ENOSPC:  # full a little earlier: the file's own bookkeeping takes room too
                    raise
        return path
