"""Commit: a container's changes become a layer, and with its image's layers and its configuration an image.

The upper directory is copied (blocks are shared where the file system can) and the copy becomes the layer: the
container may run on and keeps its own.  What is mounted in it is not in there; the places that were made to mount at
are left out as well.
"""

from __future__ import annotations

import os
import time

from argosy.containers import diff, happened, state
from argosy.containers.record import read_record
from argosy.errors import ArgosyError
from argosy.images import assemble, changes, resolve, timestamps
from argosy.linux import treecopy
from argosy.oci import digest as digests
from argosy.oci.imageconfig import History
from argosy.spec import process
from argosy.storage import built
from argosy.storage.images import LayerRef
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.oci.imageconfig import ContainerConfig, ImageConfig
    from argosy.oci.reference import Reference
    from argosy.storage.changes import Stack
    from argosy.storage.images import ImageRecord
    from argosy.storage.work import Work

_PLACES = ("dev", "etc/hostname", "etc/hosts", "etc/resolv.conf", "proc", "run/.containerenv", "run/secrets", "sys")


class CommitOptions(Value):
    """What the image says beside what the container does.  `format` is "oci" or "docker"."""

    author: str = ""
    changes: tuple[str, ...] = ()
    format: str = "oci"
    include_volumes: bool = False
    message: str = ""
    pause: bool = False
    squash: bool = False


def commit(
    site: Site,
    container_id: str,
    name: Reference | None,
    options: CommitOptions,
    tell: Callable[[str], object],
    warn: Callable[[str], object],
) -> ImageRecord:
    """Make the image, under `name` if there is one.  On disk when it returns.

    `tell` gets the steps, `warn` what the image cannot say in its form.  Raises ArgosyError for a container whose root
    is a directory of the host, and where the container cannot be paused; BadChange for a wrong change.
    """
    store = site.store
    record = read_record(store, container_id)
    if record.options.rootfs:
        hint = f"`argosy export {record.name} | argosy import -` makes an image of what it shows"
        raise ArgosyError("cannot commit a container that uses an exploded rootfs", hint=hint)
    image = store.images.get(record.image.manifest_digest)
    base = resolve.config(store, image)
    config = _configuration(site, record, base, options, warn)
    with store.work(record.image.layers) as work:
        store.unstable.begin()
        diff_id = _layer(site, record, work, options)
        meta = store.layers.meta(diff_id)
        below = () if options.squash else image.layers
        layers = (*below, LayerRef(diff_id, "", meta.size_bytes, assemble.TYPES[options.format][2]))
        tell("Getting image source signatures")
        for layer in layers:
            tell(f"Copying blob {layer.diff_id}")
        now = timestamps.show(time.time_ns())
        shell = " ".join(base.config.shell) or "/bin/sh"
        made = History(now, shell, author=options.author or base.author, comment=f"FROM {record.image.name}")
        result = base.replace(
            created=now,
            author=options.author or base.author,
            config=config,
            diff_ids=tuple(digests.parse(layer.diff_id) for layer in layers),
            history=(made,) if options.squash else (*base.history, made),
            raw=_docker_fields(record, options) if options.format == "docker" else {},
        )
        names = (name,) if name is not None else ()
        committed = assemble.assemble(store, work, result, layers, options.format, names)
        tell(f"Copying config {committed.config_digest}")
        tell("Writing manifest to image destination")
        tell("Storing signatures")
    happened.tell(site, record, "commit")
    return committed


def _docker_fields(record: ContainerRecord, options: CommitOptions) -> dict[str, str]:
    """What docker's form says beside the specification's."""
    found = {"container": record.id, "parent": f"sha256:{record.image.id.removeprefix('sha256:')}"}
    return {**found, "comment": options.message} if options.message else found


def _configuration(
    site: Site, record: ContainerRecord, base: ImageConfig, options: CommitOptions, warn: Callable[[str], object]
) -> ContainerConfig:
    """How containers of the image run: as this one does, and as the changes say."""
    given, image = record.options, record.image_config
    environment = process.chosen_environment(given, image, site.conf)
    command = given.command or (image.cmd if given.entrypoint is None else ())
    ports = [
        f"{port.container_port + more}/{word}"
        for port in given.ports
        for more in range(port.range)
        for word in port.protocol.split(",")
    ]
    volumes = [use.destination for use in record.volumes if use.anonymous]
    if options.include_volumes:
        volumes += [mount.target for mount in given.mounts] + [use.destination for use in record.volumes]
    config = assemble.for_format(base.config, options.format, lambda _text: None)
    config = config.replace(
        user=given.user or image.user,
        env=tuple(f"{name}={value}" for name, value in environment.items()),
        cmd=tuple(command),
        entrypoint=tuple(image.entrypoint if given.entrypoint is None else given.entrypoint),
        working_dir=process.directory_of(given, image),
        exposed_ports=tuple(dict.fromkeys((*config.exposed_ports, *given.expose, *ports))),
        volumes=tuple(dict.fromkeys((*config.volumes, *volumes))),
        labels={**image.labels, **given.labels},
    )
    return assemble.for_format(changes.apply(config, options.changes), options.format, warn)


def _layer(site: Site, record: ContainerRecord, work: Work, options: CommitOptions) -> str:
    """Put what the container changed, with `squash` all that it shows, into the store; the layer's diff id."""
    copy = f"{work.path}/upper"
    os.mkdir(copy, 0o755)
    stack = diff.stack(site, record.id)
    if stack.directories != stack.parent:
        _copy_paused(site, record, stack.directories[0], copy, pause=options.pause)
    store = site.store
    if options.squash:
        from argosy.storage.drivers.copying import copy_merged

        whole = f"{work.path}/whole"
        copy_merged((copy, *_below(stack)), whole, store.xattrs)
        copy = whole
    elif store.driver == "vfs" and stack.directories != stack.parent:  # the copy holds everything
        from argosy.storage import delta

        whole, copy = copy, f"{work.path}/changed"
        delta.extract(whole, stack.parent, copy, store.xattrs)
    return built.commit(store, work, copy).diff_id


def _below(stack: Stack) -> tuple[str, ...]:
    return stack.directories if stack.directories == stack.parent else stack.directories[1:]


def _copy_paused(site: Site, record: ContainerRecord, upper: str, copy: str, *, pause: bool) -> None:
    """Copy the upper directory while the container stands still, if it runs and that is wished."""
    if not pause or state.derive(site, record.id).status != state.RUNNING:
        _copy(site, record, upper, copy)
        return
    from argosy.containers import pause as pausing

    try:
        pausing.pause(site, record.id)
    except ArgosyError as error:
        error.brief = f'pausing container "{record.id}" to commit: {error.brief}'
        raise
    try:
        _copy(site, record, upper, copy)
    finally:
        if state.derive(site, record.id).status == state.PAUSED:
            pausing.resume(site, record.id)


def _check_still_there(source: int, upper: str, record: ContainerRecord) -> None:
    """Raise ArgosyError when the container was removed meanwhile: the copy lacks what was gone by then."""
    try:
        if os.path.samestat(os.fstat(source), os.stat(upper, follow_symlinks=False)):
            return
    except FileNotFoundError:
        pass
    raise ArgosyError(f"container {record.id[:12]} was removed while it was committed")


def _copy(site: Site, record: ContainerRecord, upper: str, copy: str) -> None:
    opaque = f"{site.store.xattrs}.overlay.opaque"
    targets = [mount.target for mount in record.options.mounts] + [use.destination for use in record.volumes]
    omits = frozenset((*_PLACES, *(target.strip("/") for target in targets)))

    def keeps(name: str) -> bool:
        return name == opaque or treecopy.is_plain_attribute(name)

    source = os.open(upper, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        target = os.open(copy, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            treecopy.TreeCopier(source, target, id_map=record.id_map, keeps=keeps, omits=omits).tree()
            _check_still_there(source, upper, record)
        except OSError as error:
            what = f"cannot copy what container {record.id[:12]} has changed"
            raise ArgosyError(what, details=str(error), hint="make room with `argosy system prune`") from error
        finally:
            os.close(target)
    finally:
        os.close(source)
