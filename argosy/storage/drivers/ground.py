"""What the file system that a store is to be made on can do: found by trial, and told with what is known of its kind.

A store needs owners, modes, links, names in both cases and locks, whatever the driver; and attributes, devices of
overlay's kind and mounts as the driver asks for (`storage.drivers.detect`).  Home directories on shared file systems
lack some of that, and a user had better hear so when the store is made than from the first image.
"""

from __future__ import annotations

import os
import stat

from argosy.errors import ArgosyError, Unsupported
from argosy.linux import locks, mounts
from argosy.records.scratch import Scratch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from argosy.linux.idmap import IdMap

_SERVER = "its server knows no user namespaces, so that files cannot have the ids of /etc/subuid"
_FOREIGN = "it has neither owners nor modes nor links"
# What is known of a type, as mountinfo has it; those that several machines share.
_NETWORK = {
    "nfs": _SERVER,
    "nfs4": _SERVER,
    "lustre": f"{_SERVER}; locks need the mount option flock",
    "gpfs": _SERVER,
    "beegfs": f"{_SERVER}; locks and attributes have to be switched on",
    "panfs": _SERVER,
    "afs": "its access lists are not modes, and files belong to AFS's own users",
    "ceph": "",
    "cifs": _FOREIGN,
    "smb3": _FOREIGN,
    "9p": "what it can do depends on the machine that shares it",
    "virtiofs": "what it can do depends on the machine that shares it",
    "fuse.sshfs": _SERVER,
    "fuse.glusterfs": _SERVER,
}
_LOCAL = {
    "vfat": _FOREIGN,
    "exfat": _FOREIGN,
    "ntfs3": _FOREIGN,
    "fuseblk": _FOREIGN,
    "ramfs": "it has no extended attributes",
    "ecryptfs": "overlayfs refuses it",
    "overlay": "overlayfs cannot have its upper directory on another overlay",
    "fuse.fuse-overlayfs": "it keeps the attributes of overlays to itself",
}
_ELSEWHERE = ("/var/tmp", "/tmp")
_LEAST_BYTES = 1 << 30


def require(tmp: str, id_map: IdMap, *, any_owner: bool) -> None:
    """Raise Unsupported, with all that is missing, unless the file system can hold a store, whatever its driver.

    `tmp` is the store's temporary directory, `id_map` are the ids that files may belong to; `any_owner`: they need not.
    """
    with Scratch(tmp) as scratch:
        faults = list(_faults(scratch.path, id_map, any_owner=any_owner))
    if faults:
        raise unsuitable(os.path.dirname(tmp), faults)


def unsuitable(root: str, faults: Sequence[str]) -> Unsupported:
    """What to raise for a store at `root`: what does not work there, why, and the ways out."""
    kind = mounts.filesystem(root)
    known = explanation(kind)
    return Unsupported(
        f"a store cannot be at {root}, on {kind or 'this file system'}",
        details="".join(f"\n  - {fault}" for fault in faults) + (f"\n  ({kind}: {known})" if known else ""),
        hint=_way_out(root),
    )


def explanation(kind: str) -> str:
    """What is known of file systems of this type, "" where there is nothing to say."""
    return _NETWORK.get(kind, "") or _LOCAL.get(kind, "")


def is_shared(root: str) -> bool:
    """Whether other machines may have the same files."""
    return mounts.filesystem(root) in _NETWORK


def _way_out(root: str) -> str:
    here = os.stat(root).st_dev
    place = next((place for place in _ELSEWHERE if _is_better(place, here)), "")
    example = f"{place}/argosy-{os.environ.get('USER') or 'store'}" if place else "DIRECTORY"
    return (
        f"name a directory on a local disk: --root {example}, or for good in storage.conf, under [storage]: "
        f'graphroot = "{example}" (rootless_storage_path, with $USER in it, for all users)'
    )


def _is_better(place: str, here: int) -> bool:
    try:
        if os.stat(place).st_dev == here or not os.access(place, os.W_OK):
            return False
        kind, room = mounts.filesystem(place), os.statvfs(place)
    except OSError:
        return False
    return kind not in _NETWORK and kind not in _LOCAL and room.f_bavail * room.f_frsize >= _LEAST_BYTES


def _faults(directory: str, id_map: IdMap, *, any_owner: bool) -> Iterator[str]:
    trials: list[tuple[str, Callable[[str], None]]] = [
        ("locks (flock) do not work", _lock),
        ("symbolic links do not work", _symlink),
        ("hard links do not work", _hard_link),
        ("modes are not kept", _mode),
        ("names that differ in upper and lower case only are the same", _case),
    ]
    if not (any_owner or id_map.is_single()):
        trials.append((f"files cannot belong to other ids than {os.geteuid()}", _owner))
    for fault, trial in trials:
        try:
            trial(directory)
        except OSError as error:
            yield f"{fault}: {error.strerror or error}"
        except (ArgosyError, _Differs) as error:
            yield f"{fault}{f': {error}' if str(error) else ''}"


class _Differs(Exception):
    """It did not fail, and had no effect."""


def _lock(directory: str) -> None:
    path = f"{directory}/lock"
    held = locks.acquire(path, create=True)
    assert held is not None
    with held:
        other = locks.acquire(path, wait=False)
        if other is not None:
            other.release()
            raise _Differs("two can hold the same at once")


def _symlink(directory: str) -> None:
    os.symlink("target", f"{directory}/link")
    if os.readlink(f"{directory}/link") != "target":
        raise _Differs


def _hard_link(directory: str) -> None:
    _make(f"{directory}/one")
    os.link(f"{directory}/one", f"{directory}/other")
    if os.stat(f"{directory}/one").st_ino != os.stat(f"{directory}/other").st_ino:
        raise _Differs


def _mode(directory: str) -> None:
    path = f"{directory}/mode"
    _make(path)
    for mode in (0o4711, 0o444):
        os.chmod(path, mode)
        if stat.S_IMODE(os.stat(path).st_mode) != mode:
            raise _Differs


def _case(directory: str) -> None:
    _make(f"{directory}/case")
    if os.path.exists(f"{directory}/CASE"):
        raise _Differs


def _owner(directory: str) -> None:
    path = f"{directory}/owner"
    _make(path)
    os.chown(path, 1, 1)
    found = os.stat(path)
    if (found.st_uid, found.st_gid) != (1, 1):
        raise _Differs("they are made, and belong to somebody else")


def _make(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
