"""What is known of a working container, and where it lies.

<root>/working/<id>/working.json   WorkingRecord
                    pins           what of its image garbage collection keeps (see `storage.work`)
                    upper/ work/ merged/   see `storage.rootfs`
"""

from __future__ import annotations

import time

from argosy import jsontext
from argosy.build.state import State
from argosy.errors import ArgosyError, NotFound
from argosy.images import timestamps
from argosy.linux import locks
from argosy.linux.idmap import IdMap
from argosy.oci.imageconfig import ContainerConfig, History
from argosy.oci.platform import Platform
from argosy.spec.options import ContainerOptions
from argosy.storage import rootfs
from argosy.storage.images import LayerRef
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

    from argosy.images.resolve import Resolved
    from argosy.oci.imageconfig import ImageConfig
    from argosy.records.shelf import Shelf
    from argosy.storage.store import Store

FILE = "working.json"


class NotKnown(NotFound):
    """There is no such working container (buildah's words, on which scripts match)."""

    def __init__(self, name: str) -> None:
        ArgosyError.__init__(self, f"container not known: {name}")
        self.kind = "container"
        self.name = name


class InUse(ArgosyError):
    """Something runs in the container, or changes it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"container {name} is in use by another process", hint="wait for it to end")


class WorkingRecord(Value):
    """working.json.  `image` is the name of the image, "" for scratch; `image_id` and `manifest_digest` name it too.

    `layers` and `history` are the image's; `added` is what will come after it.  `options` is what all that runs in it
    has.  `id_map` is that of the user namespace it runs in, None where it is ours: its files have the ids outside.
    `hostname`, `domainname` and `comment` are docker's, `created_by` and `history_comment` those of the layer.
    `name` is that of the shelf, filled in when it is read.
    """

    id: str
    created: float
    platform: Platform
    config: ContainerConfig
    options: ContainerOptions
    format: str = "oci"
    name: str = ""
    image: str = ""
    image_id: str = ""
    manifest_digest: str = ""
    layers: tuple[LayerRef, ...] = ()
    history: tuple[History, ...] = ()
    added: tuple[History, ...] = ()
    annotations: dict[str, str] = {}  # noqa: RUF012 -- a field's default, never changed
    author: str = ""
    created_by: str = ""
    history_comment: str = ""
    comment: str = ""
    hostname: str = ""
    domainname: str = ""
    os_features: tuple[str, ...] = ()
    id_map: IdMap | None = None

    _nested: ClassVar[dict[str, type[Value]]] = {
        "platform": Platform,
        "config": ContainerConfig,
        "options": ContainerOptions,
        "layers": LayerRef,
        "id_map": IdMap,
        "history": History,
        "added": History,
    }

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """The image's layers, bottom first."""
        return tuple(layer.diff_id for layer in self.layers)

    def state(self) -> State:
        """What the image that it comes from has left, as a stage of a Dockerfile has it."""
        return State(
            self.config,
            self.platform,
            layers=self.layers,
            history=self.history,
            author=self.author,
            base_name=self.image,
            base_digest=self.manifest_digest,
        )


def of_image(
    found: Resolved, config: ImageConfig, container_id: str, created: float, options: ContainerOptions
) -> WorkingRecord:
    """A container of the image, before anything is changed."""
    own = config.raw.get("config") or {}
    return WorkingRecord(
        container_id,
        created,
        config.platform,
        config.config,
        options,
        image=found.shown if found.name else "",
        image_id=found.record.config_digest.partition(":")[2],
        manifest_digest=found.record.manifest_digest,
        layers=found.record.layers,
        history=config.history,
        author=config.author,
        comment=str(config.raw.get("comment") or ""),
        hostname=str(own.get("Hostname") or ""),
        domainname=str(own.get("Domainname") or ""),
        os_features=tuple(map(str, config.raw.get("os.features") or ())),
    )


def find(shelf: Shelf, text: str) -> WorkingRecord:
    """The container that `text` means.  Raises NotKnown."""
    try:
        return read(shelf, shelf.find(text))
    except NotFound:
        raise NotKnown(text) from None


def read(shelf: Shelf, container_id: str, names: dict[str, str] | None = None) -> WorkingRecord:
    """The record of one; `names` are those of the shelf, by their ids, where they are at hand."""
    found = WorkingRecord.from_json(jsontext.decode(shelf.read(container_id, FILE), FILE))
    if names is None:
        names = {owner: name for name, owner in shelf.names().items()}
    return found.replace(name=names.get(container_id, container_id[:12]))


def write(shelf: Shelf, record: WorkingRecord) -> None:
    """Replace the record; the caller holds the lock."""
    shelf.write(record.id, FILE, jsontext.encode(record.to_json()), durable=True)


def everything(shelf: Shelf) -> list[WorkingRecord]:
    """All records, the oldest first; what goes meanwhile is left out."""
    names = {owner: name for name, owner in shelf.names().items()}
    found = []
    for container_id in shelf.ids():
        try:
            found.append(read(shelf, container_id, names))
        except NotFound:
            continue
    return sorted(found, key=lambda record: record.created)


def told(record: WorkingRecord, words: str) -> WorkingRecord:
    """The record, with a step that made no layer of its own."""
    entry = History(timestamps.show(time.time_ns()), words, author=record.author, empty_layer=True)
    return record.replace(added=(*record.added, entry))


def mount(store: Store, shelf: Shelf, record: WorkingRecord) -> str:
    """Mount its tree, if it is not; the caller holds the lock."""
    chain = store.chains.ensure_fix(record.diff_ids)
    place = shelf.path(record.id)
    return rootfs.mount(store, place, record.diff_ids, chain.chain_id, chain.fixed, id_map=record.id_map)


class Tree:
    """The mounted tree of a container, as a context; it stays mounted where it was before.

    With `shared`, others may use it at the same time.
    """

    def __init__(self, store: Store, shelf: Shelf, record: WorkingRecord, *, shared: bool) -> None:
        from argosy.linux import mounts

        self._directory = shelf.path(record.id)
        try:
            lock = locks.acquire(self._directory, shared=shared)
        except FileNotFoundError:
            raise NotKnown(record.name) from None
        assert lock is not None
        self._lock = lock
        try:
            self._keeps = mounts.is_mount_point(f"{self._directory}/merged")
            self.path = mount(store, shelf, record)
        except BaseException:
            lock.release()
            raise

    def __enter__(self) -> str:
        return self.path

    def __exit__(self, *_error: object) -> None:
        try:
            if not self._keeps:
                rootfs.unmount(self._directory)
        finally:
            self._lock.release()
