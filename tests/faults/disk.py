"""A disk that can lose its power: ext4 in a file, on a loop device, shut down by the ioctl that xfstests uses."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import subprocess
import time

from tests.rig import host

_SHUTDOWN = 0x8004587D  # FS_IOC_SHUTDOWN, _IOR('X', 125, __u32)
_NO_LOG_FLUSH = 2


def can_cut() -> bool:
    """Whether this host has what it takes: root, loop devices, mkfs."""
    return host.is_root() and os.path.exists("/dev/loop-control") and host.program("mkfs.ext4") is not None


class Disk:
    """Mounted at `path` (a directory in `directory` unless given), as a context.  `uid` owns it."""

    def __init__(self, directory: str, size_mib: int = 48, *, path: str = "", uid: int = 0) -> None:
        self._image = f"{directory}/disk.ext4"
        self.path = path or f"{directory}/disk"
        with open(self._image, "wb") as file:
            file.truncate(size_mib << 20)
        os.makedirs(self.path, exist_ok=True)
        owner = f"root_owner={uid}:{uid}"
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", "-E", owner, self._image], check=True)

    def __enter__(self) -> Disk:
        self._mount()
        return self

    def __exit__(self, *_error: object) -> None:
        deadline = time.monotonic() + 20  # for a helper that makes things stable to end
        while subprocess.run(["umount", self.path], check=False, capture_output=True).returncode:
            assert time.monotonic() < deadline, f"{self.path} is in use"
            time.sleep(0.05)

    def _mount(self) -> None:
        subprocess.run(["mount", "-o", "loop", self._image, self.path], check=True)

    def cut(self) -> None:
        """Lose all that is not on disk, the journal's tail included, and mount again.  The boot id stays."""
        self.lose_power()
        self.mount_again()

    def lose_power(self) -> None:
        """From now on nothing reaches the disk, and every access fails."""
        fd = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, _SHUTDOWN, struct.pack("=I", _NO_LOG_FLUSH))
        finally:
            os.close(fd)

    def mount_again(self) -> None:
        """The power is back; nobody uses the disk any more.

        Mounted is a copy: a mount namespace that somebody made meanwhile may still hold what was shut down.
        """
        subprocess.run(["umount", self.path], check=True)
        before, self._image = self._image, f"{self._image}+"
        subprocess.run(["cp", "--sparse=always", before, self._image], check=True)
        os.unlink(before)
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
