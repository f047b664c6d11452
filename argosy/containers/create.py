"""Creating a container: from options and an image in the store to a record in the store."""

from __future__ import annotations

import os
import time

from argosy import jsontext
from argosy.containers import names, state
from argosy.containers.record import RECORD, ContainerRecord, ImagePin, Starter, VolumeUse
from argosy.errors import ArgosyError, Exists, Invalid
from argosy.linux import host, process
from argosy.spec import generate, resources
from argosy.undo import Undo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.config.containers import ContainersConf
    from argosy.containers.site import Site
    from argosy.oci.imageconfig import ContainerConfig
    from argosy.spec.options import ContainerOptions
    from argosy.storage.images import ImageRecord

_NAME_START = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_NAME_REST = _NAME_START | frozenset("_.-")
_NAME_ATTEMPTS = 20
# What `admission` looks at, besides limits, when any of it was asked for.
_ADMITTED = ("oom_score_adj", "cgroups", "cgroup_parent")


def create(
    site: Site,
    options: ContainerOptions,
    image: ImageRecord,
    image_name: str,
    config: ContainerConfig,
    *,
    to_start: bool = False,
) -> ContainerRecord:
    """Write down a container; nothing of it is mounted or started.  `to_start` says that this process will start it.

    The record is what keeps the image's layers alive: it is made first, then the image is looked at once more.  Stable
    on disk before it returns, unless the container is made with --rm.  Raises Exists when the name is taken, Invalid
    when options and image do not go together.
    """
    check_name(options.name)
    options = _with_volumes(generate.defaulted(options, site.conf), site.conf)
    generate.check(options, config)
    if resources.limited(options) or any(getattr(options, field) not in (None, "", ()) for field in _ADMITTED):
        from argosy.containers import admission

        options = admission.admit(site, options)
    process_label, mount_label = _labels(site, options)
    record = ContainerRecord(
        id=os.urandom(32).hex(),
        name=options.name,
        created_at=time.time(),
        options=options,
        image=ImagePin(
            name=image_name,
            id=str(image.config_digest),
            manifest_digest=str(image.manifest_digest),
            layers=tuple(str(layer.diff_id) for layer in image.layers),
            chain_id=image.chain_id,
            fixed=image.fixed,
        ),
        image_config=config,
        volumes=volume_uses(options, config),
        starter=_myself() if to_start else None,
        process_label=process_label,
        mount_label=mount_label,
    )
    with Undo() as undo:
        if record.volumes:
            from argosy.volumes import named as volumes

            for use in record.volumes:
                if volumes.ensure(site.store, use.name, anonymous=use.anonymous):
                    undo.push(volumes.remove_unused, site.store, use.name)
        made = _commit(site, record)
        undo.commit()
    return made


def _labels(site: Site, options: ContainerOptions) -> tuple[str, str]:
    """Its SELinux labels; the module that allocates them is for hosts which have SELinux."""
    if not host.selinux():
        return "", ""
    from argosy.containers import confinement

    return confinement.allocate_labels(site, options)


def _commit(site: Site, record: ContainerRecord) -> ContainerRecord:
    """Name the container and rename it into the store, where garbage collection sees what it relies on."""
    durable = not record.options.remove
    for attempt in range(_NAME_ATTEMPTS):
        named = record if record.name else record.replace(name=names.suggest(attempt))
        with site.store.containers.stage(record.id) as staged:
            staged.write(RECORD, jsontext.encode(named.to_json()))
            try:
                with site.store.collection_lock():
                    staged.commit(named.name, durable=durable)
                    present = site.store.images.exists(record.image.manifest_digest)
            except Exists as taken:
                if record.name and not _gives_way(site, taken.holder):
                    raise
                continue
        if not present:
            site.store.containers.remove(record.id)
            hint = f"argosy pull {record.image.name}"
            raise ArgosyError(f"image {record.image.name} was removed meanwhile", hint=hint)
        return named
    raise ArgosyError("cannot find a free name for the container", hint="give one with --name")


def _myself() -> Starter:
    return Starter(state.boot_id(), os.getpid(), process.start_time(os.getpid()) or 0)


def _gives_way(site: Site, container_id: str) -> bool:
    """Whether the holder of the name is gone, or was left by a killed `run --rm`: who repeats that gets its name."""
    from argosy.containers import check

    return check.make_way(site, container_id)


def check_name(name: str) -> None:
    """Raise Invalid unless `name` is empty or a name that the peers take too."""
    if name and (name[0] not in _NAME_START or not _NAME_REST.issuperset(name)):
        why = "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument"
        raise Invalid("container name", name, why)


def _with_volumes(options: ContainerOptions, conf: ContainersConf) -> ContainerOptions:
    """The options with the volumes of containers.conf, which the container uses from now on, whatever it says later."""
    if not conf.volumes:
        return options
    from argosy.spec import parse

    taken = {mount.target for mount in options.mounts}
    found = (parse.parse_volume(item).replace(origin="conf") for item in conf.volumes)
    more = tuple(mount for mount in found if mount.kind == "volume" and mount.target not in taken)
    return options.replace(mounts=(*options.mounts, *more))


def volume_uses(options: ContainerOptions, config: ContainerConfig) -> tuple[VolumeUse, ...]:
    """The named and anonymous volumes of a new container: those asked for, then the image's VOLUMEs not covered."""
    uses = []
    for mount in options.mounts:
        if mount.kind == "volume":
            uses.append(
                VolumeUse(
                    name=mount.source or os.urandom(32).hex(),
                    destination=mount.target,
                    options=mount.options,
                    anonymous=not mount.source,
                    copy_up=mount.copy_up is not False,
                )
            )
    covered = {os.path.normpath(mount.target) for mount in options.mounts}
    for path in config.volumes:
        target = os.path.normpath("/" + path.lstrip("/"))
        if target not in covered:
            covered.add(target)
            uses.append(VolumeUse(name=os.urandom(32).hex(), destination=target, anonymous=True))
    return tuple(uses)
