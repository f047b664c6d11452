"""Manifest lists where images are asked for: in listings, and when a container is made from one."""

from __future__ import annotations

from argosy.images import choose, timestamps
from argosy.images.inventory import Image
from argosy.images.manifestlist import Lists
from argosy.images.resolve import ImageNotKnown, Resolved
from argosy.oci import digest as digests
from argosy.oci import manifest as manifests
from argosy.oci import platform as platforms
from argosy.oci import reference as references
from argosy.oci.manifest import Index
from argosy.storage.images import ImageRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.images.manifestlist import ManifestList
    from argosy.images.resolve import LoadRegistries
    from argosy.oci.platform import Platform
    from argosy.storage.store import Store


class NoInstance(ImageNotKnown):
    """A list has no image for the platform, or the store has not the one that it has (podman's words)."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(name)
        self.brief = f"{why}: image not known"


def instance(store: Store, registries: LoadRegistries, text: str, wanted: Platform | None) -> Resolved | None:
    """The image for a platform (None: the host's) of the list that `text` means; None when it means none.

    Raises NoInstance.
    """
    lists = Lists(store)
    list_id = lists.meant(text, registries)
    if not list_id:
        return None
    found = lists.get(list_id)
    platform = wanted or platforms.host()
    index = manifests.parse(found.to_bytes())
    assert isinstance(index, Index)
    try:
        entry = choose.pick(index, text, platform)
    except choose.NoPlatform:
        words = f'architecture {platform.architecture}, variant "{platform.variant}", OS {platform.os}'
        raise NoInstance(text, f"no image found in manifest list for {words}") from None
    if not store.images.exists(entry.digest):
        why = f"could not find image instance {entry.digest} of manifest list {list_id} in local containers storage"
        raise NoInstance(text, f"{why}: image not known")
    name = references.parse(found.name) if found.name else None
    return Resolved(store.images.get(entry.digest), name, store.images.lender(entry.digest))


def listed(store: Store) -> tuple[Image, ...]:
    """The lists as `images` shows them."""
    return tuple(_image(list_id, found) for list_id, found in Lists(store).all().items())


def _image(list_id: str, found: ManifestList) -> Image:
    data = found.to_bytes()
    record = ImageRecord(
        manifest_digest=str(digests.of_bytes(data)),
        media_type=found.media_type,
        config_digest=f"sha256:{list_id}",
        created_at=found.created_at,
        created=timestamps.show(int(found.created_at * 1_000_000_000)),
        size_bytes=len(data),
    )
    names = tuple(references.parse(name) for name in found.names)
    return Image(id=list_id, records=(record,), names=names, is_list=True)
