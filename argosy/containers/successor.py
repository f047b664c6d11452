"""A container's successor: the same container from another image, which takes its place or leaves no trace.

    1  the old container's file `restarting` is locked, and says what it is called
    2  it is renamed, and the successor is made under its name; nothing has stopped so far
    3  it is stopped, the successor started and watched
    4  the old container is removed; or, where any of this failed, the successor, and the old one is renamed and
       started again

A file that says something while nobody holds its lock is an update that was killed: `recover`, which auto-update,
`system check` and `system boot` call, finishes it when the successor runs and undoes it otherwise.  The old container
is there whole until the successor has proved itself, a volume of either is nobody else's to remove meanwhile.
"""

from __future__ import annotations

import os
import time

from argosy import jsontext
from argosy.containers import record as records
from argosy.containers import remove, rename, start, state, stop, wait
from argosy.errors import ArgosyError, NotFound
from argosy.linux import files, locks
from argosy.spec.options import Mount, NetworkMode
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from argosy.containers.clone import Image
    from argosy.containers.record import ContainerRecord, VolumeUse
    from argosy.containers.site import Site
    from argosy.spec.options import ContainerOptions

WATCH_S = 1.0  # a program that ends so soon has failed
_HEALTH_S = 600.0  # after which one whose health is still unknown has failed
_HEALTH_POLL_S = 0.25


class Undone(ArgosyError):
    """Why the successor did not take the place; the old container is what it was before."""


class Note(Value):
    """What the file `restarting` says: what the old container was called, and which kernel ran."""

    name: str
    boot_id: str


def replace(site: Site, container_id: str, image: Image, create: Callable[..., ContainerRecord]) -> str:
    """Let a container from `image`, which `create` makes, take the place of the running one; the new id.

    Raises Undone where the old one had to be brought back, and what else kept it from being touched at all.
    """
    record = records.read_record(site.store, container_id)
    _check_dependents(site, container_id)
    lock = locks.acquire(_path(site, container_id), create=True, wait=False)
    if lock is None:
        raise ArgosyError(f"container {container_id[:12]} is being restarted or updated by another command")
    with lock:
        if os.fstat(lock.fd).st_size:
            raise ArgosyError(f"an update of container {container_id[:12]} was interrupted", hint="argosy auto-update")
        name = records.current_name(site.store, record)
        _write(lock.path, Note(name, state.boot_id()))
        try:
            rename.rename(site, container_id, f"{name[:200]}-before-{os.urandom(4).hex()}")
            made = _make(site, record, name, image, create)
            stop.stop(site, container_id)
            start.start(site, made.id)
            _watch(site, made.id)
        except ArgosyError as error:
            _undo(site, record, name)
            raise Undone(str(error), hint=error.hint) from error
        except BaseException:
            _undo(site, record, name)
            raise
        _complete(site, record, made.id)
        return made.id


def recover(site: Site, container_id: str) -> bool:
    """Finish or undo an update of the container that was killed; False where there is none.

    One that was undone is started again, unless the machine has been, and its restart policy has nothing to do.
    """
    try:
        lock = locks.acquire(_path(site, container_id), wait=False)
    except FileNotFoundError:
        return False
    if lock is None:
        return False
    with lock:
        note = _read(lock)
        if note is None:
            return False
        record = records.read_record(site.store, container_id)
        made = _successor(site, container_id, note.name)
        if made and state.derive(site, made).status in state.ACTIVE:
            try:
                _watch(site, made)
            except ArgosyError:
                _undo(site, record, note.name)
            else:
                _complete(site, record, made)
            return True
        rebooted = note.boot_id != state.boot_id()
        _undo(site, record, note.name, again=not rebooted or record.options.restart.name != "no")
        return True


def interrupted(site: Site) -> list[str]:
    """The ids of the containers whose update was killed."""
    return [container_id for container_id in site.store.containers.ids() if _is_interrupted(site, container_id)]


def _is_interrupted(site: Site, container_id: str) -> bool:
    try:
        lock = locks.acquire(_path(site, container_id), shared=True, wait=False)
    except FileNotFoundError:
        return False
    if lock is None:
        return False
    with lock:
        return _read(lock) is not None


def inherited(site: Site, container_id: str, volumes: tuple[VolumeUse, ...]) -> tuple[VolumeUse, ...]:
    """The volumes of a successor, anonymous where they are the other container's and anonymous there."""
    own = {use.name for use in records.read_record(site.store, container_id).volumes if use.anonymous}
    return tuple(use.replace(anonymous=use.anonymous or use.name in own) for use in volumes)


def _path(site: Site, container_id: str) -> str:
    return f"{site.state_directory(container_id)}/{records.RESTARTING}"


def _write(path: str, note: Note) -> None:
    """Into the file that is locked, since a new one would have another lock.  What a power cut leaves says nothing."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        files.write_all(fd, jsontext.encode(note.to_json()))
        os.fsync(fd)
    finally:
        os.close(fd)
    files.fsync_directory(os.path.dirname(path))


def _read(lock: locks.Lock) -> Note | None:
    """None for an empty file, which a restart of a container made with --rm leaves, and for half a note."""
    try:
        return Note.from_json(jsontext.decode(files.read(lock.path)))
    except ArgosyError:
        return None


def _check_dependents(site: Site, container_id: str) -> None:
    from argosy.containers import dependents

    others = dependents.dependents(site).get(container_id, [])
    if others:
        raise ArgosyError(
            f"container {container_id} has dependent containers which must be removed before it: {', '.join(others)}: "
            "container already exists",
            hint="they join its namespaces or require it: update them by hand, it first",
        )


def _make(
    site: Site, record: ContainerRecord, name: str, image: Image, create: Callable[..., ContainerRecord]
) -> ContainerRecord:
    """The successor: all that the container was asked for since it was created, and the volumes that it has."""
    from argosy.containers import networks

    options = record.options
    if options.pod:
        from argosy.containers import pod

        options = pod.detached(site, options).replace(pod=options.pod)
    if options.health is not None:
        from argosy.spec import health

        if options.health == health.settled(None, record.image_config.healthcheck):
            options = options.replace(health=None)  # the image's own: the new one may have another
    changes = records.read_value(site.store, record.id, records.CHANGES, records.Changes) or records.Changes()
    if changes.networks is not None:
        mode = options.network or NetworkMode()
        options = options.replace(network=mode.replace(kind="bridge", networks=networks.named(site, record)))
    options = options.replace(
        name=name,
        runtime=changes.runtime or options.runtime,
        mounts=(*_others(record, options), *_volumes(record)),
        volumes_from=(),  # what came from there is among the mounts
    )
    return create(options, image.record, image.name, image.config, succeeds=record.id)


def _others(record: ContainerRecord, options: ContainerOptions) -> list[Mount]:
    volumes = {use.destination for use in record.volumes}
    return [mount for mount in options.mounts if mount.target not in volumes]


def _volumes(record: ContainerRecord) -> list[Mount]:
    """The volumes by their names, be they anonymous."""
    asked: Mapping[str, Mount] = {mount.target: mount for mount in record.options.mounts}
    found = []
    for use in record.volumes:
        mount = asked.get(use.destination)
        if mount is None:
            mount = Mount("volume", "", use.destination, use.options, origin="image")
        found.append(mount.replace(source=use.name))
    return found


def _watch(site: Site, container_id: str) -> None:
    """Raise ArgosyError when the container ends at once, or its health check fails."""
    from argosy.containers import inspect

    run = state.derive(site, container_id)
    limit = time.monotonic() + _HEALTH_S
    pause_s = WATCH_S
    while run.pid and not wait.process_ended(run.pid, pause_s):
        health = inspect.inspect(site, container_id)["State"]["Health"]["Status"]
        if health == "unhealthy" or (health == "starting" and time.monotonic() > limit):
            raise ArgosyError(f"the new container is {health}", hint=f"argosy inspect {container_id[:12]}")
        if health != "starting":
            return
        pause_s = _HEALTH_POLL_S
    wait.conmon_done(site, container_id)
    code = state.derive(site, container_id).exit_code
    raise ArgosyError(f"the new container ended at once, with status {code}")


def _successor(site: Site, container_id: str, name: str) -> str:
    """The id of the container that was made to take the place of this one; "" where there is none (yet)."""
    holder = site.store.containers.names().get(name, "")
    try:
        return holder if holder and records.read_record(site.store, holder).succeeds == container_id else ""
    except ArgosyError:
        return ""


def _complete(site: Site, record: ContainerRecord, made: str) -> None:
    """The old container goes; whoever looks its id up in its --cidfile finds the new one's."""
    _tell_cidfile(record, made)
    remove.remove(site, record.id, force=True, volumes=True)


def _tell_cidfile(record: ContainerRecord, made: str) -> None:
    path = record.options.cidfile and os.path.abspath(record.options.cidfile)
    try:
        if path and files.read(path, 128) == record.id.encode():
            files.write_named(path, made.encode())
    except OSError:
        return  # it was moved or removed, and is the user's


def _undo(site: Site, record: ContainerRecord, name: str, *, again: bool = True) -> None:
    """Take the successor away, and let the old container go on as before."""
    made = _successor(site, record.id, name)
    if made:
        try:
            remove.remove(site, made, force=True, volumes=True)
        except NotFound:
            pass  # made with --rm
    rename.rename(site, record.id, name)
    if again:
        start.start(site, record.id)
    files.unlink_missing(_path(site, record.id))
