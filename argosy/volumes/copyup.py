"""The first filling of a volume: what the image has where the volume is mounted, copied with all its metadata.

The source belongs to whoever made the image.  It is walked by descriptors alone, no link is followed, and only plain
files, directories, symbolic links, FIFOs and (where we may make them) devices are copied.
"""

from __future__ import annotations

import os
import stat

from argosy.linux import files, paths

_SOURCE = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_BLOCK = 1 << 20

Links = dict[tuple[int, int], str]


def fill(directory: str, data: str, merged: str, destination: str, *, content: bool) -> None:
    """Give the empty `data` what is at `destination` in the tree `merged`; a `data` that has content is left alone.

    `content` False copies owner and mode only.  The copy is made beside `data`, in `directory`, and renamed over it.
    """
    if os.listdir(data):
        return
    root_fd = paths.open_root(merged)
    try:
        source_fd = paths.open_in_root(root_fd, destination, os.O_PATH | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return
    finally:
        os.close(root_fd)
    try:
        copy = f"{directory}/.filling"
        if os.path.lexists(copy):
            files.remove_tree(copy)
        os.mkdir(copy, 0o700)
        readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=source_fd)
        try:
            target = os.open(copy, _SOURCE)
            try:
                if content:
                    _copy_directory(readable, target, "", target, {})
                _copy_metadata(readable, target)
            finally:
                os.close(target)
        finally:
            os.close(readable)
        os.rename(copy, data)
    finally:
        os.close(source_fd)


def _copy_directory(source: int, target: int, inside: str, top: int, links: Links) -> None:
    """Copy what is in `source` into `target`, which is `inside` below `top`; `links` knows files with several names."""
    with os.scandir(source) as entries:
        names = [entry.name for entry in entries]
    for name in names:
        found = os.stat(name, dir_fd=source, follow_symlinks=False)
        path = f"{inside}{name}"
        if stat.S_ISDIR(found.st_mode):
            os.mkdir(name, 0o700, dir_fd=target)
            below, made = os.open(name, _SOURCE, dir_fd=source), os.open(name, _SOURCE, dir_fd=target)
            try:
                _copy_directory(below, made, f"{path}/", top, links)
                _copy_metadata(below, made)
            finally:
                os.close(below)
                os.close(made)
        elif found.st_nlink > 1 and (found.st_dev, found.st_ino) in links:
            os.link(links[found.st_dev, found.st_ino], name, src_dir_fd=top, dst_dir_fd=target, follow_symlinks=False)
        else:
            links[found.st_dev, found.st_ino] = path
            _copy_leaf(source, target, name, found)


def _copy_leaf(source: int, target: int, name: str, found: os.stat_result) -> None:
    if stat.S_ISREG(found.st_mode):
        _copy_file(source, target, name)
        return
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
    os.chown(name, found.st_uid, found.st_gid, dir_fd=target, follow_symlinks=False)
    if not stat.S_ISLNK(found.st_mode):
        os.chmod(name, stat.S_IMODE(found.st_mode), dir_fd=target)
    os.utime(name, ns=(found.st_atime_ns, found.st_mtime_ns), dir_fd=target, follow_symlinks=False)


def _copy_file(source: int, target: int, name: str) -> None:
    read = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=source)
    try:
        write = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=target)
        try:
            while os.sendfile(write, read, None, _BLOCK):
                pass
            _copy_metadata(read, write)
        finally:
            os.close(write)
    finally:
        os.close(read)


def _copy_metadata(source: int, target: int) -> None:
    """Owner, mode, extended attributes and times.  The mode comes after the owner, whose change clears set-id bits."""
    found = os.fstat(source)
    os.fchown(target, found.st_uid, found.st_gid)
    os.fchmod(target, stat.S_IMODE(found.st_mode))
    for name in os.listxattr(source):
        if name.startswith(("user.overlay.", "trusted.", "security.selinux")):
            continue
        os.setxattr(target, name, os.getxattr(source, name))
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
