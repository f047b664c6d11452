"""The platforms that an image is there for: those of its index, else its own."""

from __future__ import annotations

from argosy.errors import ArgosyError, NotFound
from argosy.images import resolve
from argosy.images.manifestlist import Lists
from argosy.oci import imageconfig, manifest, mediatypes
from argosy.oci import platform as platforms
from argosy.oci.manifest import CONFIG_SIZE_LIMIT, ImageManifest, Index
from argosy.oci.platform import Platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.images.resolve import LoadRegistries
    from argosy.oci.reference import Reference
    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store
    from argosy.transports.source import ImageSource

    OpenSource = Callable[[Reference], ImageSource]


def offered(
    store: Store, registries: LoadRegistries, open_source: OpenSource, text: str, *, ask: bool = False
) -> tuple[Platform, ...]:
    """What `text` can be had for, in the index's order.  The store is asked first, unless `ask` says otherwise."""
    if not ask:
        found = _of_list(store, text) or _of_store(store, registries, text)
        if found:
            return found
    errors: list[ArgosyError] = []
    for reference in registries().candidates(text):
        source = open_source(reference)
        try:
            return _of_source(source)
        except ArgosyError as error:
            errors.append(error)
        finally:
            source.close()
    raise errors[0] if errors else resolve.ImageNotKnown(text)


def _of_list(store: Store, text: str) -> tuple[Platform, ...]:
    """Those of a list that was made here."""
    lists = Lists(store)
    try:
        found = lists.get(lists.find(text))
    except ArgosyError:
        return ()
    return _of_index(manifest.parse(found.to_bytes()))


def _of_store(store: Store, registries: LoadRegistries, text: str) -> tuple[Platform, ...]:
    try:
        record = resolve.resolve(store, registries, text).record
    except NotFound:
        return ()
    for digest in record.indexes:
        try:
            return _of_index(manifest.parse(store.blobs.read(digest, manifest.SIZE_LIMIT)))
        except ArgosyError:
            continue  # it is not kept, or damaged: the image itself is there
    return (_own(record),)


def _own(record: ImageRecord) -> Platform:
    return platforms.normalized(Platform(record.os, record.architecture, record.variant))


def _of_source(source: ImageSource) -> tuple[Platform, ...]:
    raw = source.manifest()
    document = manifest.parse(raw.data, raw.media_type)
    if isinstance(document, ImageManifest):
        config = imageconfig.parse(source.fetch(document.config, CONFIG_SIZE_LIMIT))
        return (platforms.normalized(config.platform.replace(os_version="")),)
    return _of_index(document)


def _of_index(document: ImageManifest | Index) -> tuple[Platform, ...]:
    """Those that its images are for; what is no image (attestations) says `unknown`."""
    entries = document.manifests if isinstance(document, Index) else ()
    found = (
        platforms.normalized(entry.platform.replace(os_version=""))
        for entry in entries
        if entry.media_type in mediatypes.MANIFESTS and entry.platform is not None
    )
    return tuple(dict.fromkeys(one for one in found if one.os != "unknown"))
