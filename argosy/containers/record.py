"""What is written down about a container, and how it is read back."""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.errors import ArgosyError
from argosy.linux import files
from argosy.linux.idmap import IdMap
from argosy.oci.imageconfig import ContainerConfig
from argosy.records import shelf
from argosy.spec.options import ContainerOptions, NetworkUse, PortMapping
from argosy.values import Value, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar, TypeVar

    from argosy.containers.site import Site
    from argosy.storage.store import Store

    V = TypeVar("V", bound=Value)

NO_OPTIONS: Mapping[str, Any] = {}
RECORD = "container.json"
CHANGES = "changes.json"
STARTED = "started.json"
LAST = "last.json"
STOP_REQUESTED = "stop-requested"
PAUSED = "paused"  # in the run directory
INITIALIZED = "initialized"  # in the run directory: `init` has made it, and nobody has started it
RESTARTING = "restarting"  # locked by who stops it now and will start it again: see containers.restart and successor
# In the run directory:
PREPARED = "prepared.json"  # see containers.prepare
BUNDLE = "config.json"  # the OCI runtime specification
SECRETS = "secrets"  # see containers.secret_data


class ImagePin(Value):
    """An image that a container was made from, or mounts.  Garbage collection keeps what it names alive.

    `layers` are diff ids, bottom first; `fixed` says that `chains/<chain_id>/fix` is the topmost lower directory.  Of
    a container made with --rootfs all is empty.
    """

    name: str
    id: str
    manifest_digest: str
    layers: tuple[str, ...]
    chain_id: str
    fixed: bool = False


class VolumeUse(Value):
    """A named volume at a place in the container.  An anonymous one is removed with its container."""

    name: str
    destination: str
    options: tuple[str, ...] = ()
    anonymous: bool = False
    copy_up: bool = True
    driver_options: tuple[str, ...] = ()  # with which it is made, where it is not there yet
    labels: tuple[str, ...] = ()


class MountedImage(Value):
    """An image whose tree is at a place in the container."""

    destination: str
    image: ImagePin

    _nested: ClassVar[dict[str, type[Value]]] = {"image": ImagePin}


class Starter(Value):
    """The process that made a container in order to start it at once; named as in Started."""

    boot_id: str
    pid: int
    start_time: int


class ContainerRecord(Value):
    """container.json: frozen at create.  `created_at` is in seconds since the epoch.

    `starter` tells whether a container that was never started still has somebody to do so; None when made by `create`.
    """

    id: str
    name: str
    created_at: float
    options: ContainerOptions
    image: ImagePin
    image_config: ContainerConfig
    volumes: tuple[VolumeUse, ...] = ()
    mounted_images: tuple[MountedImage, ...] = ()
    starter: Starter | None = None
    process_label: str = ""  # SELinux's, "" where it is off
    mount_label: str = ""
    id_map: IdMap | None = None  # of its user namespace, to ids of our own; None where it shares that
    succeeds: str = ""  # the id of the container whose place it took in an update
    version: int = 1

    _nested: ClassVar[dict[str, type[Value]]] = {
        "options": ContainerOptions,
        "image": ImagePin,
        "image_config": ContainerConfig,
        "volumes": VolumeUse,
        "mounted_images": MountedImage,
        "starter": Starter,
        "id_map": IdMap,
    }

    @property
    def root_ids(self) -> tuple[int, int]:
        """The user and group ids, as we count them, of the container's root."""
        return (0, 0) if self.id_map is None else self.id_map.to_host(0, 0)


class Changes(Value):
    """changes.json: what replaces the record's own word, and the OCI runtime that it was moved to, "" for any.

    `networks` are those that it is on since it was connected to one or taken off one, `ports` those that it publishes
    since they were changed; None before.  `options` has, in JSON form, the other fields of the container's options that
    were changed.
    """

    name: str = ""
    runtime: str = ""
    networks: tuple[NetworkUse, ...] | None = None
    ports: tuple[PortMapping, ...] | None = None
    options: Mapping[str, Any] = NO_OPTIONS

    _nested: ClassVar[dict[str, type[Value]]] = {"networks": NetworkUse, "ports": PortMapping}


class Started(Value):
    """started.json: the run that is under way, or was when the machine went down.

    Processes are named by pid and start time (field 22 of /proc/pid/stat, in clock ticks), since pids are reused, and
    mean something only while the kernel with `boot_id` runs.
    """

    boot_id: str
    pid: int
    start_time: int
    conmon_pid: int
    conmon_start_time: int
    started_at: float
    restart_count: int = 0


class LastRun(Value):
    """last.json: how the last run ended.  Times are in seconds since the epoch; `error` is why it never started."""

    exit_code: int
    started_at: float
    finished_at: float
    restart_count: int = 0
    stopped_by_user: bool = False
    oom_killed: bool = False
    error: str = ""


def read_record(store: Store, container_id: str) -> ContainerRecord:
    """The container's record, with what `update` has changed of it.

    Raises NotFound when there is no such container, Invalid when the file is damaged.
    """
    raw = jsontext.decode(read_text(store, container_id), f"container record {container_id[:12]}")
    try:
        changes = read_value(store, container_id, CHANGES, Changes)
    except ArgosyError:
        changes = None  # who needs the changes themselves says that they are damaged
    if changes is not None and changes.options:
        raw["options"].update(plain(changes.options))
    record = ContainerRecord.from_json(raw)
    if changes is None or changes.ports is None:
        return record
    return record.replace(options=record.options.replace(ports=changes.ports))


def read_text(store: Store, container_id: str) -> bytes:
    """container.json as it is written.  Raises as `read_record`; what is damaged cannot be mended, only removed."""
    try:
        return store.containers.read(container_id, RECORD)
    except shelf.Damaged as error:
        error.hint = f"what it was cannot be found out again: argosy container rm --force {container_id[:12]}"
        raise


def current_name(store: Store, record: ContainerRecord) -> str:
    """The container's name now: as it was created, or as it was renamed."""
    changes = read_value(store, record.id, CHANGES, Changes)
    return changes.name if changes is not None and changes.name else record.name


def moved_to(store: Store, container_id: str) -> str:
    """The OCI runtime that the container was moved to; "" for whichever is chosen, or where changes.json is damaged."""
    try:
        changes = read_value(store, container_id, CHANGES, Changes)
    except ArgosyError:
        return ""
    return changes.runtime if changes is not None else ""


def read_value(store: Store, container_id: str, file: str, kind: type[V]) -> V | None:
    """The value in one of the container's files; None when the file is not there.

    Raises Invalid when it is damaged.
    """
    what = f"{file} of container {container_id[:12]}"
    try:
        text = shelf.read_sealed(f"{store.containers.path(container_id)}/{file}", what)
    except FileNotFoundError:
        return None
    return kind.from_json(jsontext.decode(text, what))


def read_bundle(directory: str) -> dict[str, Any]:
    """config.json in the run directory.  FileNotFoundError when it is not there, Damaged when it is not whole."""
    what = f"config.json of container {os.path.basename(directory)[:12]}"
    bundle: dict[str, Any] = jsontext.decode(shelf.read_sealed(f"{directory}/{BUNDLE}", what), what)
    return bundle


def write_value(store: Store, container_id: str, file: str, value: Value, *, durable: bool = False) -> None:
    """Replace one of the container's files; the caller holds the container's lock."""
    store.containers.write(container_id, file, jsontext.encode(value.to_json()), durable=durable)


def unlink(store: Store, container_id: str, file: str) -> None:
    """Remove one of the container's files, if it is there."""
    files.unlink_missing(f"{store.containers.path(container_id)}/{file}")


def log_driver(site: Site, record: ContainerRecord) -> str:
    """Where the container's output goes."""
    return record.options.log_driver or site.conf.log_driver or "k8s-file"


def log_path(site: Site, record: ContainerRecord) -> str:
    """The file that its output goes to, where it goes to one."""
    return record.options.log_options.get("path") or f"{site.state_directory(record.id)}/ctr.log"


def log_size_max(site: Site, record: ContainerRecord) -> int:
    """How large that file may grow before conmon begins a new one; not positive: without end."""
    asked = record.options.log_options.get("max-size", "")
    if not asked:
        return site.conf.log_size_max
    from argosy.spec import processflags

    return processflags.parse_log_size(asked)
