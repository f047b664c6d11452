"""One program in a tree that somebody else has mounted, in the foreground: what RUN of a build and `buildah run` are.

It is confined, connected and limited as any container, but there is no record, no conmon and no exit command: who
calls waits for the runtime, and cleans up.  A caller that was killed leaves a run directory that names it; `sweep` of
the next one ends what still runs.

    <run>/containers/<id>/step.json   the process that waits, and the runtime that knows the container
"""

from __future__ import annotations

import os
import stat

from argosy import jsontext
from argosy.containers import accounts, connection, facts, groups, own_files, prepare, workdir
from argosy.containers.own_streams import OwnStreams
from argosy.containers.record import BUNDLE, ContainerRecord, ImagePin
from argosy.errors import ArgosyError
from argosy.linux import cgroup, files, paths, process
from argosy.network import attach as network
from argosy.records import shelf
from argosy.runtime import executable, oci_runtime
from argosy.runtime.oci_runtime import OciRuntime
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from argosy.containers.site import Site
    from argosy.linux.idmap import IdMap
    from argosy.oci.imageconfig import ContainerConfig
    from argosy.spec.generate import SpecRequest
    from argosy.spec.options import ContainerOptions

STEP_FILE = "step.json"


class Step(Value):
    """What is to run.  `rootfs` is the mounted tree; mounts of the options have host paths, as in a SpecRequest.

    With a user namespace of its own, the options are those that `settled` gave, and the tree is mounted under its map.

    `stdin`, `stdout` and `stderr` are our descriptors for its streams; with the option `tty` they are joined with a
    terminal of its own.  `no_pivot` is for a tree that the kernel does not pivot into, as on a ramdisk.
    """

    id: str
    options: ContainerOptions
    image: ContainerConfig
    rootfs: str
    stdin: int = 0
    stdout: int = 1
    stderr: int = 2
    no_pivot: bool = False


class _Owner(Value):
    """step.json.  `entrance`: see containers.entrance; "" where there is none."""

    pid: int
    start_time: int
    runtime: OciRuntime
    entrance: str = ""

    _nested = {"runtime": OciRuntime}  # noqa: RUF012 -- as Value asks for


def settled(site: Site, options: ContainerOptions) -> tuple[ContainerOptions, IdMap | None]:
    """The options with the ids of the user namespace by number, and its map, None where it is our own.

    Raises BadOption for what cannot be mapped, Unsupported where there can be no user namespace.
    """
    mode = options.userns
    if mode is None or mode.kind == "host":
        return options.replace(userns=None), None
    if site.namespace.chroot:
        from argosy.containers import chroot

        chroot.check(options)
    from argosy.containers import usernamespace

    return usernamespace.of_steps(site, options)


def run(site: Site, step: Step) -> int:
    """Run it to its end; its exit status.  Raises ArgosyError when it cannot be started.

    Of the places that had to be made in the tree to mount something there, those stay that the program has filled.
    """
    if not site.namespace.initial:
        from argosy.containers import nested

        site = nested.adapted(site, step.options)
    directory = site.run_directory(step.id)
    files.make_directories(directory)
    try:
        return _run(site, step, directory)
    finally:
        if step.options.userns is not None:
            _leave(_owner(directory), directory)
        network.teardown(site.store.run, step.id, directory)
        files.remove_tree(directory)


def _run(site: Site, step: Step, directory: str) -> int:
    found_groups = groups.detect(site)
    manager = groups.manager_for(site, found_groups, step.options.cgroups)
    runtime = site.choose_runtime("disabled" if manager == "none" else manager)
    if runtime.notice:
        site.notice(runtime.notice)
    _, id_map = settled(site, step.options)
    place = ""
    if id_map is not None:
        from argosy.containers import entrance

        place = entrance.choose()
    owner = _Owner(os.getpid(), process.start_time(os.getpid()) or 0, runtime, place)
    files.write_atomic(f"{directory}/{STEP_FILE}", shelf.seal(jsontext.encode(owner.to_json())))
    cgroups_path = cgroup.container_path(found_groups, step.id, manager=manager, parent=step.options.cgroup_parent)
    record = ContainerRecord(step.id, step.id[:12], 0.0, step.options, ImagePin("", "", "", (), ""), step.image)
    record = record.replace(id_map=id_map)
    prepare.check_kernel_places(step.rootfs, "the image being built")
    connected = connection.connect(site, record, step.rootfs)
    found = accounts.read(step.rootfs)
    request = facts.request(
        site,
        record,
        found_groups,
        runtime,
        rootfs=step.rootfs,
        cgroups_path=cgroups_path,
        mounts=step.options.mounts,
        connected=connected,
        files=own_files.write(site, record, connected, found),
        accounts=found,
        shm_path="",
    )
    if site.namespace.chroot:
        from argosy.containers.borrowed import Borrowed

        with Borrowed(step.rootfs, request.files):
            return _run_described(site, step, record, request, owner)
    return _run_described(site, step, record, request, owner)


def _run_described(site: Site, step: Step, record: ContainerRecord, request: SpecRequest, owner: _Owner) -> int:
    directory = site.run_directory(step.id)
    config = prepare.described(site, request)
    prepare.check_user(site, record, config["process"]["user"])
    places = _Places(step.rootfs, [mount["destination"] for mount in config["mounts"]])
    try:
        if config["process"]["cwd"] != "/":
            workdir.ensure(step.rootfs, config, step.id, asked=False, owner=record.root_ids)
        executable.check(step.rootfs, config["process"], config["mounts"], os.uname().machine)
        if owner.entrance:
            from argosy.containers import entrance

            config["root"]["path"] = entrance.make(owner.entrance, record, step.rootfs)
        files.write_atomic(f"{directory}/{BUNDLE}", jsontext.encode(config))
        return _wait(owner.runtime, step, directory, no_pivot=step.no_pivot or site.conf.no_pivot_root)
    finally:
        places.clear()


def _wait(runtime: OciRuntime, step: Step, directory: str, *, no_pivot: bool) -> int:
    words = (*(["--no-pivot"] if no_pivot else []), "--bundle", directory, step.id)
    if step.options.tty:
        from argosy.runtime import console

        try:
            return console.run(runtime, directory, words, (step.stdin, step.stdout, step.stderr))
        finally:
            _delete(runtime, step.id)
    with OwnStreams(step.stdin, step.stdout, step.stderr) as streams:
        given = dict(enumerate(streams.fds))
        # A session of its own: the terminal's ^C is for us, who then end the container, not the runtime alone.
        pid = process.spawn(runtime.argv("run", *words), env=oci_runtime.environment(), fds=given, setsid=True)
        try:
            return process.wait(pid)
        except BaseException:
            _delete(runtime, step.id)
            process.wait(pid)
            raise


class _Places:
    """Where something is mounted in the tree: what is not there yet the runtime makes, and `clear` takes away again.

    Empty files and directories only; a directory in which one was made gets its times back.
    """

    def __init__(self, root: str, targets: Iterable[str]) -> None:
        self._root = root
        self._missing: list[str] = []
        self._times: dict[str, tuple[int, int]] = {}
        root_fd = paths.open_root(root)
        try:
            for target in targets:
                self._look(root_fd, target)
        finally:
            os.close(root_fd)

    def _look(self, root_fd: int, target: str) -> None:
        names = target.strip("/").split("/")
        for count in range(1, len(names) + 1):
            path = "/" + "/".join(names[:count])
            try:
                paths.stat_in_root(root_fd, path, follow=False)
            except FileNotFoundError:
                above = os.path.dirname(path)
                if above not in self._missing and above not in self._times:
                    status = paths.stat_in_root(root_fd, above)
                    self._times[above] = status.st_atime_ns, status.st_mtime_ns
                if path not in self._missing:
                    self._missing.append(path)
            except OSError:
                return  # a loop of links, or a file where a directory should be: the runtime says so

    def clear(self) -> None:
        root_fd = paths.open_root(self._root)
        try:
            for path in sorted(self._missing, key=len, reverse=True):
                self._remove(root_fd, path)
            for path, times in self._times.items():
                fd = paths.open_in_root(root_fd, path, os.O_RDONLY | os.O_DIRECTORY)
                try:
                    os.utime(fd, ns=times)
                finally:
                    os.close(fd)
        finally:
            os.close(root_fd)

    @staticmethod
    def _remove(root_fd: int, path: str) -> None:
        above, name = os.path.split(path)
        try:
            fd = paths.open_in_root(root_fd, above, os.O_PATH | os.O_DIRECTORY)
        except OSError:
            return
        try:
            status = os.stat(name, dir_fd=fd, follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                os.rmdir(name, dir_fd=fd)
            elif stat.S_ISREG(status.st_mode) and not status.st_size:
                os.unlink(name, dir_fd=fd)
        except OSError:
            return  # never made, or filled: then it is the program's
        finally:
            os.close(fd)


def end(site: Site, step_id: str) -> None:
    """End a step that another thread waits for; nothing happens where it has not begun, or is over."""
    owner = _owner(site.run_directory(step_id))
    if owner is not None:
        _delete(owner.runtime, step_id)


def _delete(runtime: OciRuntime, step_id: str) -> None:
    """End it.  The runtime that waits for it tidies up as well, and who comes second finds nothing and complains."""
    try:
        runtime.delete(step_id, force=True)
    except ArgosyError:
        if os.path.lexists(f"{runtime.root}/{step_id}"):
            raise


def _leave(owner: _Owner | None, directory: str) -> None:
    """Take down how a step with a user namespace of its own gets to its root.  Idempotent."""
    if owner is not None and owner.entrance:
        from argosy.containers import entrance

        entrance.leave(directory, owner.entrance)


def is_attended(directory: str) -> bool:
    """Whether somebody waits for the step that has this run directory."""
    owner = _owner(directory)
    return owner is not None and process.alive(owner.pid, owner.start_time)


def sweep(site: Site) -> None:
    """End what killed callers have left running, and take down what they had made."""
    parent = f"{site.store.run}/containers"
    try:
        names = os.listdir(parent)
    except FileNotFoundError:
        return
    for name in names:
        directory = f"{parent}/{name}"
        owner = _owner(directory)
        if owner is not None and not process.alive(owner.pid, owner.start_time):
            _delete(owner.runtime, name)
            _leave(owner, directory)
            network.teardown(site.store.run, name, directory)
            files.remove_tree(directory)


def _owner(directory: str) -> _Owner | None:
    """Who waits, or waited; None for the run directory of anything else."""
    try:
        data = shelf.read_sealed(f"{directory}/{STEP_FILE}", STEP_FILE)
        return _Owner.from_json(jsontext.decode(data, STEP_FILE))
    except (FileNotFoundError, NotADirectoryError, ArgosyError):
        return None
