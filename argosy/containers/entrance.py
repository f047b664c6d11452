"""How a container with a user namespace of its own gets to its root, its network and that namespace.

The runtimes look up the path of the root as the container's root, who may not enter the store: it is 0700, and must
stay so, or every user of the host could run the set-uid programs of all images (CVE-2021-41091).  So the mounted root
is mounted once more, for as long as `runtime create` takes, in a directory in /tmp that the container's root may enter,
and nobody else.

A network namespace can be set up, and its sysfs mounted, by the root of the user namespace that it belongs to.  Where a
program connects it before the runtime runs, the user namespace has to be there first: it is mounted in the run
directory.
"""

from __future__ import annotations

import os

from argosy.containers import usernamespace
from argosy.errors import ArgosyError
from argosy.linux import mounts, namespaces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site

_PLACES = ("/tmp", "/var/tmp")  # where everybody may go
_ROOT = "root"
_USER = "userns"


def choose() -> str:
    """A path for the directory, which nobody can guess beforehand; to be written down before `make`."""
    place = next((path for path in _PLACES if os.access(path, os.W_OK | os.X_OK)), _PLACES[0])
    return f"{place}/argosy-{os.urandom(16).hex()}"


def make(directory: str, record: ContainerRecord, merged: str) -> str:
    """Make the directory, with the container's root in it; where that is.  Raises ArgosyError."""
    try:
        os.mkdir(directory, 0o700)
        os.mkdir(f"{directory}/{_ROOT}", 0o700)
    except OSError as error:
        hint = "the container's root has to be mounted where it may go: /tmp must be writable, and no link"
        raise ArgosyError(f"cannot make {directory}", details=error.strerror or str(error), hint=hint) from error
    mounts.bind(merged, f"{directory}/{_ROOT}")
    # By its group: the owner of a directory may put another one, or a link, in place of the root.
    os.chown(directory, -1, record.root_ids[1])
    os.chmod(directory, 0o710)  # noqa: S103 -- the group is the container's root alone
    return f"{directory}/{_ROOT}"


def user_namespace(site: Site, record: ContainerRecord) -> str:
    """Where the user namespace is that the container joins; "" where the runtime makes it."""
    mode = record.options.userns
    if mode is not None and mode.kind == "container":
        from argosy.containers import facts

        return f"/proc/{facts.running_pid(site, mode.target)}/ns/user"
    if mode is not None and mode.kind == "ns":
        return mode.target
    path = f"{site.run_directory(record.id)}/{_USER}"
    return path if os.path.lexists(path) else ""


def new_network(site: Site, record: ContainerRecord, path: str) -> None:
    """Make a network namespace that belongs to the container's user namespace, which is made if it is not there."""
    from argosy.linux import child_namespaces
    from argosy.linux.idmap import IdMap

    assert record.id_map is not None
    user_path = user_namespace(site, record)
    if not user_path:
        user_path = f"{site.run_directory(record.id)}/{_USER}"
        child_namespaces.mount_user_namespace(IdMap.of(*usernamespace.mappings(site, record.id_map)), user_path)
    child_namespaces.mount_network(user_path, path)


def leave(run_directory: str, directory: str, *, keep: bool = False) -> None:
    """Take all of it away; the container keeps alive what it has entered.  Idempotent.

    `keep` leaves the directory, which is empty then: see `restore`.
    """
    try:
        fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        pass  # it is gone; a link of somebody else's may have its name since
    else:
        try:
            if os.fstat(fd).st_uid == os.geteuid():
                _take_away(fd, directory, keep=keep)
        finally:
            os.close(fd)
    namespaces.remove_network(f"{run_directory}/{_USER}")


def _take_away(fd: int, directory: str, *, keep: bool) -> None:
    """By the directory's descriptor: once somebody has tidied up /tmp, the path is anybody's."""
    while mounts.unmount(f"/proc/self/fd/{fd}/{_ROOT}"):
        pass
    if not keep:
        for path, parent in ((_ROOT, fd), (directory, None)):
            try:
                os.rmdir(path, dir_fd=parent)
            except FileNotFoundError:
                continue


def restore(directory: str) -> None:
    """Have the directory again for runc, whose `exec` goes where the root was; somebody may have tidied up /tmp."""
    for path in (directory, f"{directory}/{_ROOT}"):
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            continue
