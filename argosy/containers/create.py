"""Creating a container: from options and an image in the store to a record in the store."""

from __future__ import annotations

import os
import time

from argosy import jsontext
from argosy.containers import facts, happened, names, state
from argosy.containers.record import RECORD, ContainerRecord, ImagePin, Starter, VolumeUse
from argosy.errors import ArgosyError, Exists, Invalid, NotFound
from argosy.linux import host, process
from argosy.spec import generate, resources
from argosy.spec import process as process_spec
from argosy.undo import Undo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping
    from typing import Any

    from argosy.containers.record import MountedImage
    from argosy.containers.site import Site
    from argosy.oci.imageconfig import ContainerConfig
    from argosy.spec.options import ContainerOptions
    from argosy.storage.images import ImageRecord

_NAME_START = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_NAME_REST = _NAME_START | frozenset("_.-")
_NAME_ATTEMPTS = 20
# What `admission` looks at, besides limits, when any of it was asked for.
_ADMITTED = (
    "oom_score_adj",
    "cgroups",
    "cgroup_parent",
    "devices",
    "cdi_devices",
    "pid",
    "ipc",
    "uts",
    "cgroupns",
    "userns",
)
_NO_IMAGE = ImagePin("", "", "", (), "")


def create(
    site: Site,
    options: ContainerOptions,
    image: ImageRecord | None,
    image_name: str,
    config: ContainerConfig,
    *,
    find_image: Callable[[str], ImageRecord],
    to_start: bool = False,
    replacing: bool = False,
    succeeds: str = "",
) -> ContainerRecord:
    """Write down a container; nothing of it is mounted or started.  `to_start` says that this process will start it,
    `replacing` that a container which has the name gives way, once all the rest of the new one is there.  `succeeds` is
    the id of the container whose place this one takes: see `containers.successor`.

    `image` is None for a container with --rootfs.  `find_image` looks up the images of mounts.

    The record is what keeps the image's layers alive: it is made first, then the image is looked at once more.  Stable
    on disk before it returns, unless the container is made with --rm.  Raises Exists when the name is taken, Invalid
    when options and image do not go together.
    """
    options = _checked(site, options, config)
    options = _settled(site, _confined(site, options), config)
    options, volumes, images = _mounts(site, options, config, find_image)
    if succeeds:
        from argosy.containers import successor

        volumes = successor.inherited(site, succeeds, volumes)
    process_label, mount_label = _labels(site, options)
    record = ContainerRecord(
        id=os.urandom(32).hex(),
        name=options.name,
        created_at=time.time(),
        options=options,
        image=_NO_IMAGE if image is None else pin(image, image_name),
        image_config=config,
        volumes=volumes,
        mounted_images=images,
        starter=myself() if to_start else None,
        process_label=process_label,
        mount_label=mount_label,
        succeeds=succeeds,
    )
    if options.userns is None or options.userns.kind == "host":
        return _write_down(site, record, replacing=replacing, to_start=to_start)
    from argosy.containers import usernamespace

    with usernamespace.reserve(site):
        options, id_map = usernamespace.settle(site, options, record.image)
        mapped = record.replace(options=options, id_map=id_map)
        return _write_down(site, mapped, replacing=replacing, to_start=to_start)


def _checked(site: Site, options: ContainerOptions, config: ContainerConfig) -> ContainerOptions:
    """The options with the configuration's defaults, where image and host do not forbid them."""
    check_name(options.name)
    options = _defaulted(site, options)
    generate.check(options, config)
    if _needs_admission(options):
        from argosy.containers import admission

        options = admission.admit(site, options)
    if options.rootfs:
        from argosy.containers import given_root

        given_root.check(options)
    return options


def _defaulted(site: Site, options: ContainerOptions) -> ContainerOptions:
    """The options with what the pod, the configuration and the environment say where they say nothing."""
    if options.pod and not options.infra:
        from argosy.containers import pod

        options = pod.adopt(site, options)
    options = generate.defaulted(options, site.conf)
    if site.conf.userns != "host" or "PODMAN_USERNS" in os.environ:
        from argosy.containers import usernamespace

        options = usernamespace.defaulted(site, options, os.environ)
    return options


def _write_down(site: Site, record: ContainerRecord, *, replacing: bool, to_start: bool) -> ContainerRecord:
    """The container with its volumes, in the store, or nothing of either.

    prepare_volume_on_create fills the volumes now; a container that starts at once fills them then.
    """
    with Undo() as undo:
        if record.volumes:
            from argosy.containers import volumes
            from argosy.volumes import named

            for use in record.volumes:
                if volumes.ensure(site, use):
                    undo.push(named.remove_unused, site.store, use.name)
        if record.options.pod and not record.options.infra:
            from argosy.containers import pod

            with pod.joining(site, record.options.pod):
                made = _commit(site, record, replacing=replacing)
        else:
            made = _commit(site, record, replacing=replacing)
        if made.volumes and site.conf.prepare_volume_on_create and not to_start:
            from argosy.containers import mount_sources, remove

            undo.push(lambda: remove.remove(site, made.id, force=True))
            mount_sources.fill_volumes(site, made)
        undo.commit()
    happened.tell(site, made, "create")
    return made


def _labels(site: Site, options: ContainerOptions) -> tuple[str, str]:
    """Its SELinux labels; the module that allocates them is for hosts which have SELinux."""
    if not host.selinux():
        return "", ""
    from argosy.containers import confinement

    return confinement.allocate_labels(site, options)


def pin(image: ImageRecord, name: str) -> ImagePin:
    """What a container writes down about an image."""
    return ImagePin(
        name=name,
        id=str(image.config_digest),
        manifest_digest=str(image.manifest_digest),
        layers=tuple(str(layer.diff_id) for layer in image.layers),
        chain_id=image.chain_id,
        fixed=image.fixed,
    )


def _confined(site: Site, options: ContainerOptions) -> ContainerOptions:
    """The options, where nothing can be mounted without an image's volumes.  Raises Unsupported for what needs more."""
    if not site.namespace.chroot:
        return options
    from argosy.containers import chroot

    chroot.check(options)
    return options.replace(image_volume="ignore")


def _settled(site: Site, options: ContainerOptions, config: ContainerConfig) -> ContainerOptions:
    """The options with what is decided now: what they take of the caller, and the ids of those they require.

    Raises ArgosyError for what this host or this store does not have.
    """
    changes: dict[str, Any] = {}
    caller = process_spec.from_caller(options, site.conf, os.environ)
    if caller and not options.host_env:  # a copy of a container keeps what that one took
        changes["host_env"] = caller
    if not options.stop_signal and not config.stop_signal and process_spec.runs_systemd(options, config):
        changes["stop_signal"] = process_spec.SYSTEMD_STOP_SIGNAL
    _check_host(site, options)
    if site.runtime:
        changes["runtime"] = site.runtime
    if options.ports or options.publish_all:
        from argosy.containers import publish

        changes["ports"] = publish.settled(site, options, config)
    if options.requires:
        from argosy.containers import dependencies

        changes["requires"] = dependencies.ids(site, options.requires)
    if options.secrets:
        from argosy.containers import secret_data

        changes["secrets"] = secret_data.settled(site, options.secrets)
    if options.health is not None or config.healthcheck is not None:
        from argosy.spec import health

        changes["health"] = health.settled(options.health, config.healthcheck)
    log_options = _log_options(site, options)
    if log_options is not options.log_options:
        changes["log_options"] = log_options
    return options.replace(**changes) if changes else options


def _check_host(site: Site, options: ContainerOptions) -> None:
    """Raise ArgosyError for files, users and programs of the host that are not there."""
    if options.timezone:
        from argosy.linux import timezone

        timezone.read(options.timezone)
    if options.security.seccomp or options.security.apparmor:
        from argosy.containers import confinement

        confinement.check(site, options)
    if options.host_users:
        from argosy.containers import hostusers

        hostusers.find_all(options.host_users)
    if options.init:
        facts.init_path(site, options)
    if site.runtime:
        site.choose_runtime()


def _log_options(site: Site, options: ContainerOptions) -> Mapping[str, str]:
    """--log-opt, with containers.conf's path.  Raises ArgosyError for a log that cannot be written here."""
    if options.log_driver == "journald":
        from argosy.runtime import journal

        journal.check()
    log_options = options.log_options
    if site.conf.log_path and options.log_driver in ("", "k8s-file", "json-file") and "path" not in log_options:
        log_options = {**log_options, "path": site.conf.log_path}
    if "path" in log_options:
        from argosy.containers import log_file

        log_file.check(log_options["path"])
    return log_options


def _needs_admission(options: ContainerOptions) -> bool:
    """Whether the container asks for more of the host and of other containers than all do."""
    mode = options.network
    if resources.limited(options) or (mode is not None and mode.kind in ("container", "ns")):
        return True
    return any(getattr(options, field) not in (None, "", ()) for field in _ADMITTED)


def _commit(site: Site, record: ContainerRecord, *, replacing: bool) -> ContainerRecord:
    """Name the container and rename it into the store, where garbage collection sees what it relies on."""
    durable = not (record.options.remove or site.store.transient)
    for attempt in range(_NAME_ATTEMPTS):
        named = record if record.name else record.replace(name=names.suggest(attempt))
        with site.store.containers.stage(record.id) as staged:
            staged.write(RECORD, jsontext.encode(named.to_json()))
            try:
                with site.store.collection_lock():
                    staged.commit(named.name, durable=durable)
                    missing = _missing_image(site, record)
                if missing:
                    site.store.containers.remove(record.id)  # while we still have its lock: nobody has started it
            except Exists as taken:
                if record.name and replacing:
                    _remove_holder(site, taken.holder, record)
                    continue
                if record.name and not gives_way(site, taken.holder):
                    raise
                continue
        if missing:
            raise ArgosyError(f"image {missing} was removed meanwhile", hint=f"argosy pull {missing}")
        return named
    raise ArgosyError("cannot find a free name for the container", hint="give one with --name")


def _remove_holder(site: Site, container_id: str, successor: ContainerRecord) -> None:
    """Remove the container whose name --replace takes, unless others, or its successor itself, rely on it."""
    from argosy.containers import dependents, remove

    others = dependents.dependents(site).get(container_id, [])
    if container_id in successor.options.requires:
        others = [*others, successor.id]
    if others:
        raise ArgosyError(
            f"container {container_id} has dependent containers which must be removed before it: "
            f"{', '.join(others)}: container already exists",
            hint="remove them first, or give the new container another name",
        )
    try:
        remove.remove(site, container_id, force=True)
    except NotFound:
        return


def _missing_image(site: Site, record: ContainerRecord) -> str:
    """The name of an image of the container's that is not in the store (any more), "" when all are."""
    for image in (record.image, *(mounted.image for mounted in record.mounted_images)):
        if image.manifest_digest and not site.store.images.exists(image.manifest_digest):
            return image.name
    return ""


def myself() -> Starter:
    """This process, as the one that is about to start a container."""
    return Starter(state.boot_id(), os.getpid(), process.start_time(os.getpid()) or 0)


def gives_way(site: Site, container_id: str) -> bool:
    """Whether the holder of the name is gone, or was left by a killed `run --rm`: who repeats that gets its name."""
    from argosy.containers import check

    return check.make_way(site, container_id)


def check_name(name: str) -> None:
    """Raise Invalid unless `name` is empty or a name that the peers take too."""
    if name and (name[0] not in _NAME_START or not _NAME_REST.issuperset(name)):
        why = "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument"
        raise Invalid("container name", name, why)


def _mounts(
    site: Site, options: ContainerOptions, config: ContainerConfig, find_image: Callable[[str], ImageRecord]
) -> tuple[ContainerOptions, tuple[VolumeUse, ...], tuple[MountedImage, ...]]:
    """The options with all mounts, the volumes in them, and the images."""
    if not (
        options.mounts
        or options.volumes_from
        or config.volumes
        or site.conf.volumes
        or site.conf.mounts
        or options.image_volume
    ):
        return options, (), ()
    from argosy.containers import mount_plan

    options, anonymous = mount_plan.complete(site, options, config)
    declared = config.volumes if mount_plan.image_volume(site, options) == "anonymous" else ()
    return options, volume_uses(options, declared, anonymous), mount_plan.mounted_images(options, find_image)


def volume_uses(
    options: ContainerOptions, declared: Iterable[str], anonymous: Container[str] = ()
) -> tuple[VolumeUse, ...]:
    """The named and anonymous volumes of a new container: those asked for, then the image's VOLUMEs not covered.

    `anonymous` are the names of anonymous volumes of other containers.
    """
    uses = []
    for mount in options.mounts:
        if mount.kind == "volume":
            uses.append(
                VolumeUse(
                    name=mount.source or os.urandom(32).hex(),
                    destination=mount.target,
                    options=mount.options,
                    anonymous=not mount.source or mount.source in anonymous,
                    copy_up=mount.copy_up is not False,
                    driver_options=mount.volume_options,
                    labels=mount.volume_labels,
                )
            )
    covered = {os.path.normpath(mount.target) for mount in options.mounts}
    for path in declared:
        target = os.path.normpath("/" + path.lstrip("/"))
        if target not in covered:
            covered.add(target)
            uses.append(VolumeUse(name=os.urandom(32).hex(), destination=target, anonymous=True))
    return tuple(uses)
