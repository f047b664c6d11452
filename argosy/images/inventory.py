"""All images of a store as their users see them: one entry per image id, with its names and who uses it.

Several manifests may have the same config (the same layers, compressed in two ways): to users they are one image, the
config's digest is its id.
"""

from __future__ import annotations

from argosy import jsontext
from argosy.errors import ArgosyError, NotFound
from argosy.images import timestamps
from argosy.images.resolve import config
from argosy.storage.images import images_of_container
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.oci.imageconfig import ImageConfig
    from argosy.oci.reference import Reference
    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store


class Image(Value):
    """One image.  `records` has at least one entry, the newest first; `containers` are the ids of those using it.

    `lender` is the root of the additional image store that it is in: it can be used, and not changed.  "" for our own.
    A manifest list (`images.listimages`) has a record that says as much as there is to say of one, and no config.
    """

    id: str
    records: tuple[ImageRecord, ...]
    names: tuple[Reference, ...] = ()
    containers: tuple[str, ...] = ()
    lender: str = ""
    is_list: bool = False

    @property
    def record(self) -> ImageRecord:
        """The newest of the records."""
        return self.records[0]

    @property
    def created_ns(self) -> int:
        """When the image was made, in nanoseconds since the epoch; 0 when it does not say."""
        return timestamps.parse_or_zero(self.record.created)

    @property
    def dangling(self) -> bool:
        """Whether nothing but its id names the image."""
        return not self.names

    @property
    def manifests(self) -> frozenset[str]:
        """The digests of its manifests."""
        return frozenset(record.manifest_digest for record in self.records)

    @property
    def digests(self) -> tuple[str, ...]:
        """The digests that mean this image: of its manifests and of the indexes that it was chosen from."""
        return tuple(dict.fromkeys(d for record in self.records for d in (record.manifest_digest, *record.indexes)))

    @property
    def repo_digests(self) -> tuple[str, ...]:
        """`repository@digest` for each repository that it has a name in."""
        repositories = sorted({name.name for name in self.names})
        return tuple(f"{name}@{digest}" for name in repositories for digest in sorted(self.digests))


class Inventory(Value):
    """All images, in no order; what could not be read is told by the errors and hides nothing else."""

    images: tuple[Image, ...]
    damaged: tuple[ArgosyError, ...] = ()


def inventory(store: Store, *, users: bool = True) -> Inventory:
    """Read all records and names, our own before those of additional stores; with `users`, the containers as well.

    An image that is in several stores comes once for each, with the names that it has there.
    """
    used = containers_by_image(store) if users else {}
    own = _inventory(store, used)
    images, damaged = list(own.images), list(own.damaged)
    for shared in store.shared:
        lent = _inventory(shared, used)
        images += [image.replace(lender=shared.root) for image in lent.images]
        damaged += lent.damaged
    return Inventory(tuple(images), tuple(damaged))


def _inventory(store: Store, used: dict[str, list[str]]) -> Inventory:
    images = store.images.all()
    refs = store.refs.all()
    damaged = [error for _, error in (*images.damaged, *refs.damaged)]
    names: dict[str, list[Reference]] = {}
    for name, digest in refs.refs:
        names.setdefault(digest, []).append(name)
    groups: dict[str, list[ImageRecord]] = {}
    for record in images.records:
        groups.setdefault(record.config_digest, []).append(record)
    return Inventory(tuple(_image(image_id, group, names, used) for image_id, group in groups.items()), tuple(damaged))


def _image(
    image_id: str, group: list[ImageRecord], names: dict[str, list[Reference]], used: dict[str, list[str]]
) -> Image:
    group.sort(key=lambda record: record.created_at, reverse=True)
    own = [name for record in group for name in names.get(record.manifest_digest, ())]
    return Image(
        id=image_id.partition(":")[2],
        records=tuple(group),
        names=tuple(sorted(own, key=str)),
        containers=tuple(sorted(used.get(image_id, ()))),
    )


def image_of(store: Store, record: ImageRecord) -> Image:
    """The whole image that one of its records belongs to."""
    for image in inventory(store).images:
        if f"sha256:{image.id}" == record.config_digest:
            return image
    raise NotFound("image", record.config_digest)  # removed meanwhile


def containers_by_image(store: Store) -> dict[str, list[str]]:
    """The ids of the containers made from each image, or mounting it, by its config digest; working ones as well.

    A container whose record cannot be read is left out: `ps` and `system check` name it, and what it needs of the image
    is kept by garbage collection, which is strict about it.
    """
    found: dict[str, list[str]] = {}
    for shelf, container_id in store.each_container():
        try:
            record = jsontext.decode(shelf.read(container_id, "container.json"))
            images = {image["id"] for image in images_of_container(record)}
        except (ArgosyError, KeyError, TypeError):
            continue
        for image_id in images:
            found.setdefault(image_id, []).append(container_id)
    working = store.shelf("working")
    for container_id in working.ids():
        try:
            record = jsontext.decode(working.read(container_id, "working.json"))
            found.setdefault(f"sha256:{record['image_id']}", []).append(container_id)
        except (ArgosyError, KeyError, TypeError):
            continue
    return found


class Family:
    """Which image was made from which: the parent has the first layers and the first history entries of the child."""

    def __init__(self, store: Store, images: tuple[Image, ...]) -> None:
        self._store = store
        self._images = images
        self._configs: dict[str, ImageConfig | None] = {}

    def children(self, image: Image) -> list[Image]:
        """The images made from this one."""
        return [other for other in self._images if other.id != image.id and self._is_parent(image, other)]

    def parents(self, image: Image) -> list[Image]:
        """The images that this one was made from, the nearest first."""
        found = [other for other in self._images if other.id != image.id and self._is_parent(other, image)]
        return sorted(found, key=lambda parent: len(self._history(parent)), reverse=True)

    def steps(self, image: Image) -> int:
        """How many entries the image's history has."""
        return len(self._history(image))

    def _is_parent(self, parent: Image, child: Image) -> bool:
        above, below = parent.record.diff_ids, child.record.diff_ids
        if not above or below[: len(above)] != above:
            return False
        first, second = self._history(parent), self._history(child)
        return 0 < len(first) < len(second) and second[: len(first)] == first

    def _history(self, image: Image) -> tuple[object, ...]:
        if image.id not in self._configs:
            try:
                self._configs[image.id] = config(self._store, image.record)
            except ArgosyError:
                self._configs[image.id] = None
        found = self._configs[image.id]
        return found.history if found else ()
