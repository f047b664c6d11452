"""A container's tree as its processes see it, with what is mounted in it, for who works on it from outside.

Of a container that runs, that is the root of its first process.  Of one that does not, its root is mounted, and above
it, in a mount namespace that nobody else sees and that ends with the view, its volumes and bind mounts; it cannot be
started meanwhile.
"""

from __future__ import annotations

import os

from argosy.containers import record as records
from argosy.containers import state
from argosy.errors import ArgosyError, Unsupported
from argosy.linux import mounts, namespaces, paths, process, syscalls
from argosy.spec import mounts as specified
from argosy.spec.options import Mount
from argosy.undo import Undo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site


class View:
    """Use it as a context, in which `root_fd` is good.  Raises NotFound, and ArgosyError for what cannot be mounted."""

    def __init__(self, site: Site, container_id: str) -> None:
        self._site = site
        self.record: ContainerRecord = records.read_record(site.store, container_id)
        self.root_fd = -1
        self.is_running = False
        self._undo = Undo()

    def __enter__(self) -> Self:
        self._undo.__enter__()
        try:
            self._open()
        except BaseException as error:
            self._undo.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._undo.__exit__(None, None, None)

    def _open(self) -> None:
        site, container_id = self._site, self.record.id
        if self._open_running():
            return
        lock = site.store.containers.lock(container_id)
        self._undo.push(lock.release)
        if self._open_running():
            return
        self._mount()

    def _open_running(self) -> bool:
        run = state.derive(self._site, self.record.id)
        if not run.pid:
            return False
        started = process.start_time(run.pid)
        try:
            self.root_fd = paths.open_root(f"/proc/{run.pid}/root")
        except (FileNotFoundError, ProcessLookupError):
            return False
        self._undo.push(os.close, self.root_fd)
        self.is_running = process.alive(run.pid, started)
        return self.is_running

    def _mount(self) -> None:
        """The caller holds the container's lock."""
        from argosy.containers import prepare
        from argosy.storage import rootfs

        directory = self._site.state_directory(self.record.id)
        if not mounts.is_mount_point(f"{directory}/merged"):  # somebody's `mount` may show it
            self._undo.push(rootfs.unmount, directory)
        merged = prepare.mount_root(self._site, self.record)
        wanted = [] if self._site.namespace.chroot else self._wanted(merged)
        if wanted:
            self.root_fd, namespace = namespaces.in_mount_namespace(lambda: _mounted(merged, wanted))
            self._undo.push(os.close, namespace)
        else:
            self.root_fd = paths.open_root(merged)
        self._undo.push(os.close, self.root_fd)

    def _wanted(self, merged: str) -> list[Mount]:
        """What is to be mounted: volumes (filled by now) and directories and files of the host, with their paths."""
        from argosy.volumes import mounting, named

        store, own_id = self._site.store, self.record.id
        self._undo.push(mounting.release, store, own_id)
        found = {mount.target: mount for mount in self.record.options.mounts if mount.kind == "bind"}
        for use in self.record.volumes:
            source = named.ready(store, use.name, merged, use.destination, user=own_id, copy_up=use.copy_up)
            asked = [mount for mount in self.record.options.mounts if mount.target == use.destination]
            volume = asked[0] if asked else Mount("volume", "", use.destination, use.options)
            found[use.destination] = volume.replace(source=source)
        return sorted(found.values(), key=lambda mount: mount.target.count("/"))


def check(view: View, path: str) -> None:
    """Raise Unsupported for a path in a mount that only the runtime can make: its container has to run."""
    for mount in view.record.options.mounts:
        if (mount.overlay or mount.idmap) and f"{path}/".startswith(f"{mount.target.rstrip('/')}/"):
            what = "an overlay" if mount.overlay else "mapped to other owners"
            raise Unsupported(
                f"{mount.target} of container {view.record.id[:12]} is {what}: only where it runs can files be copied",
                hint=f"argosy start {view.record.id[:12]}",
            )


def _mounted(merged: str, wanted: list[Mount]) -> int:
    """Mount all of it in this mount namespace; a descriptor of the root."""
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    root_fd = paths.open_root(merged)
    try:
        for mount in wanted:
            if not mount.overlay and not mount.idmap:
                _attach(root_fd, mount)
    except BaseException:
        os.close(root_fd)
        raise
    return root_fd


def _attach(root_fd: int, mount: Mount) -> None:
    source = os.open(mount.source, os.O_PATH | os.O_CLOEXEC)
    try:
        if mount.subpath:
            part = paths.open_in_root(source, mount.subpath, os.O_PATH)
            os.close(source)
            source = part
        target = _mount_point(root_fd, mount.target, is_directory=os.path.isdir(f"/proc/self/fd/{source}"))
        try:
            flags = syscalls.AT_EMPTY_PATH | syscalls.AT_RECURSIVE
            tree = syscalls.open_tree(source, "", flags | syscalls.OPEN_TREE_CLONE)
            try:
                if "ro" in specified.completed(mount):
                    syscalls.mount_setattr(tree, "", flags, attr_set=syscalls.MOUNT_ATTR_RDONLY)
                to = syscalls.MOVE_MOUNT_F_EMPTY_PATH | syscalls.MOVE_MOUNT_T_EMPTY_PATH
                syscalls.move_mount(tree, "", target, "", to)
            finally:
                os.close(tree)
        finally:
            os.close(target)
    except OSError as error:
        raise ArgosyError(f"cannot mount {mount.source} at {mount.target}", details=str(error.strerror)) from error
    finally:
        os.close(source)


def _mount_point(root_fd: int, target: str, *, is_directory: bool) -> int:
    """A descriptor of the place in the tree, which is made as the runtime would make it."""
    if is_directory:
        os.close(paths.make_directories_in_root(root_fd, target))
        return paths.open_in_root(root_fd, target, os.O_PATH)
    above, _, name = target.rstrip("/").rpartition("/")
    directory = paths.make_directories_in_root(root_fd, above or "/")
    try:
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory))
    except FileExistsError:
        pass
    finally:
        os.close(directory)
    return paths.open_in_root(root_fd, target, os.O_PATH)


def user_ids(site: Site, view: View) -> tuple[int, int]:
    """The ids, as the container counts them, of its primary user."""
    run_directory = site.run_directory(view.record.id)
    try:
        user = records.read_bundle(run_directory)["process"]["user"]
        return user["uid"], user["gid"]
    except FileNotFoundError:
        pass
    from argosy.containers import accounts
    from argosy.spec import users

    wanted = view.record.options.user or view.record.image_config.user
    if not wanted:
        return 0, 0
    found = accounts.read(f"/proc/self/fd/{view.root_fd}/.")
    user_found = users.resolve(wanted, found.passwd or b"", found.group or b"")
    return user_found.uid, user_found.gid
