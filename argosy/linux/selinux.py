"""SELinux: what the loaded policy calls containers, and the labels of files."""

from __future__ import annotations

import errno
import os

from argosy.errors import ArgosyError
from argosy.linux import below, files

XATTR = "security.selinux"
_ETC = "/etc/selinux"
_LIMIT = 1 << 20


def container_contexts(etc: str = _ETC) -> tuple[str, str]:
    """The contexts of a container's processes and files: `process` and `file` of the policy's lxc_contexts.

    Raises ArgosyError when the policy has none.
    """
    policy = _values(f"{etc}/config", "#").get("SELINUXTYPE", "targeted")
    path = f"{etc}/{policy}/contexts/lxc_contexts"
    found = _values(path, "#")
    if not found.get("process") or not found.get("file"):
        raise ArgosyError(
            f"SELinux is enabled, but its policy does not know containers: {path}",
            hint="install the package container-selinux, or set label=false in containers.conf",
        )
    return found["process"], found["file"]


def own_context() -> str:
    """The context that this process runs in."""
    return files.read("/proc/self/attr/current", _LIMIT).decode("utf-8", "replace").strip("\0\n")


def _values(path: str, comment: str) -> dict[str, str]:
    try:
        text = files.read(path, _LIMIT).decode("utf-8", "replace")
    except OSError:
        return {}
    found = {}
    for line in text.splitlines():
        key, equals, value = line.partition(comment)[0].partition("=")
        if equals:
            found[key.strip()] = value.strip().strip('"')
    return found


def label_of(path: str) -> str:
    """The file's label, "" where it has none."""
    try:
        return os.getxattr(path, XATTR, follow_symlinks=False).rstrip(b"\0").decode("utf-8", "replace")
    except OSError:
        return ""


def set_label(path: str, label: str) -> None:
    """Label one file, link or directory, without following it.  File systems without labels are left as they are."""
    try:
        os.setxattr(path, XATTR, label.encode() + b"\0", follow_symlinks=False)
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise


def label_tree(path: str, label: str) -> None:
    """Label `path` and all that is below it, without following links.  Raises OSError."""
    set_label(path, label)
    if os.path.isdir(path):
        for fd, entry in below.entries(path):
            set_label(f"/proc/self/fd/{fd}/{entry.name}", label)
