"""Containers without namespaces and mounts (`linux.confined`): what cannot be had is refused, the rest is put in place.

The runtime changes the root directory and nothing else.  So the files of ours that are else bound into a container are
copied into its tree, and its devices are made there.
"""

from __future__ import annotations

import os
import stat

from argosy.errors import Unsupported
from argosy.linux import files, paths
from argosy.spec.options import ContainerOptions, SecurityOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_WHY = "with chroot isolation"
_HINT = "there can be no user namespace here; `argosy doctor userns` tells why, and how to get one"
# Options that take a namespace, a mount, a device or a filter, and the flags that set them.
_REFUSED = {
    "mounts": "--volume, --mount and --tmpfs",
    "volumes_from": "--volumes-from",
    "secrets": "--secret",
    "devices": "--device",
    "cdi_devices": "--device",
    "read_only": "--read-only",
    "shm_size_bytes": "--shm-size",
    "init": "--init",
    "rootfs": "--rootfs",
    "hostname": "--hostname",
    "domainname": "--domainname",
    "ports": "--publish",
    "privileged": "--privileged",
    "sysctls": "--sysctl",
    "personality": "--personality",
    "seccomp_policy": "--seccomp-policy",
    "chroot_dirs": "--chrootdirs",
}
_NAMESPACES = ("network", "pid", "ipc", "uts", "cgroupns", "userns")
_SECURITY = {"seccomp": "unconfined", "apparmor": "unconfined", "label": ("disable",), "mask": (), "proc_options": ()}
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
_MODE = 0o666
_EPERM = 1
_KEPT = ("ociVersion", "process", "root", "annotations", "hooks")


def check(options: ContainerOptions) -> None:
    """Raise Unsupported for what a container was told to have, and cannot have here."""
    plain = ContainerOptions(image=options.image)
    for field, flags in _REFUSED.items():
        if getattr(options, field) not in (getattr(plain, field), "default"):
            raise Unsupported(f"{flags} cannot be had {_WHY}", hint=_HINT)
    for field in _NAMESPACES:
        mode = getattr(options, field)
        if mode is not None and mode.kind != "host" and (field, mode.kind) != ("network", "private"):
            flag = "--network" if field == "network" else f"--{field}"
            raise Unsupported(f"{flag} {mode.kind} cannot be had {_WHY}: all is shared with the host", hint=_HINT)
    if "CAP_SYS_CHROOT" in options.cap_drop or "ALL" in options.cap_drop:
        raise Unsupported(f"CAP_SYS_CHROOT cannot be dropped {_WHY}, which is made with it", hint=_HINT)
    for field, harmless in _SECURITY.items():
        if getattr(options.security, field) not in (getattr(SecurityOptions(), field), harmless):
            raise Unsupported(f"--security-opt {field} cannot be had {_WHY}", hint=_HINT)


def adapt(config: dict[str, Any], options: ContainerOptions, merged: str, own: Mapping[str, str]) -> dict[str, Any]:
    """The configuration without what cannot be had; our files and the devices are put into the tree `merged`.

    Raises as `check` does: the container may have been made when more could be had.
    """
    check(options)
    joined = [one["type"] for one in config["linux"].get("namespaces", ()) if "path" in one]
    if joined:
        raise Unsupported(f"the {joined[0]} namespace of others cannot be joined {_WHY}", hint=_HINT)
    if config["process"].get("capabilities", {}).get("ambient"):
        raise Unsupported(f"--cap-add for a user other than root cannot be had {_WHY}", hint=_HINT)
    root_fd = paths.open_root(merged)
    try:
        for place, source in own.items():
            if stat.S_ISREG(os.stat(source).st_mode):
                _write(root_fd, place, files.read(source))
        _make_devices(root_fd)
    finally:
        os.close(root_fd)
    kept: dict[str, Any] = {key: config[key] for key in _KEPT if key in config}
    for key in ("apparmorProfile", "selinuxLabel"):
        kept["process"].pop(key, None)
    return {**kept, "mounts": [], "linux": {"namespaces": []}}


def _write(root_fd: int, place: str, data: bytes) -> None:
    """Put a file at `place`; a link there goes, since what it leads to may be anything."""
    directory, _, name = place.rpartition("/")
    parent = paths.make_directories_in_root(root_fd, directory)
    try:
        fresh = f".argosy-{os.urandom(6).hex()}"
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=parent)
        try:
            files.write_all(fd, data)
            os.fchmod(fd, 0o644)
        finally:
            os.close(fd)
        try:
            os.rename(fresh, name, src_dir_fd=parent, dst_dir_fd=parent)
        except OSError:
            os.unlink(fresh, dir_fd=parent)  # a directory is there
    finally:
        os.close(parent)


def _make_devices(root_fd: int) -> None:
    """The devices that every program expects; a plain file for /dev/null where none can be made, or would not open."""
    directory = paths.make_directories_in_root(root_fd, "/dev")
    try:
        usable = not os.fstatvfs(directory).f_flag & os.ST_NODEV
        for name, (major, minor) in DEVICES.items():
            if not (usable and _made(directory, name, os.makedev(major, minor))) and name == "null":
                _make_plain(directory, name)
    finally:
        os.close(directory)


def _made(directory: int, name: str, device: int) -> bool:
    try:
        os.mknod(name, stat.S_IFCHR | _MODE, device, dir_fd=directory)
        os.chmod(name, _MODE, dir_fd=directory)
    except FileExistsError:
        return True
    except OSError as error:
        if error.errno != _EPERM:
            raise
        return False
    return True


def _make_plain(directory: int, name: str) -> None:
    try:
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE, dir_fd=directory)
    except FileExistsError:
        return
    os.fchmod(fd, _MODE)
    os.close(fd)
