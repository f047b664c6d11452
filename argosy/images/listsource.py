"""What the entries of a manifest list are made from, and the whole list as a source for copies."""

from __future__ import annotations

from argosy.errors import ArgosyError, NotFound
from argosy.images import choose
from argosy.images.manifestlist import Entry, ManifestList
from argosy.oci import digest as digests
from argosy.oci import imageconfig, mediatypes
from argosy.oci import manifest as manifests
from argosy.oci import platform as platforms
from argosy.oci import reference as references
from argosy.oci.descriptor import Descriptor, platform_to_oci
from argosy.oci.manifest import ImageManifest, Index
from argosy.registry.client import RawManifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.registry.streams import BlobStream
    from argosy.transports.source import ImageSource


def entries_of(source: ImageSource, place: str, *, every: bool) -> list[Entry]:
    """The entries for the image at `source`; of an index the one for this host, or with `every` all.

    `place` is where the images are, without a tag or digest, "" for the store.
    """
    raw = source.manifest()
    document = manifests.parse(raw.data, raw.media_type, artifact=True)
    if isinstance(document, Index):
        if every:
            return [Entry(entry.to_oci(), _at(place, entry.digest)) for entry in document.manifests]
        chosen = choose.choose(source, str(source.reference), platforms.host(), any_kind=True)
        raw, document = chosen.raw, chosen.image
    descriptor = Descriptor(document.media_type, raw.digest, len(raw.data)).to_oci()
    descriptor["platform"] = _platform(source, document)
    return [Entry(descriptor, _at(place, raw.digest))]


def _at(place: str, digest: str) -> str:
    return f"{place}@{digest}" if place else ""


def _platform(source: ImageSource, image: ImageManifest) -> dict[str, str]:
    """What the image's config says; artifacts have none."""
    if image.config.media_type not in mediatypes.CONFIGS:
        return {}
    config = imageconfig.parse(source.fetch(image.config, imageconfig.SIZE_LIMIT))
    found: dict[str, str] = platform_to_oci(config.platform)
    return found


UNNAMED = "localhost/none"


class ListSource:
    """An `ImageSource` (see `transports.source`): a list, whose images come from where its entries say.

    `open_entry` opens the source of one.
    """

    def __init__(self, found: ManifestList, open_entry: Callable[[Entry], ImageSource]) -> None:
        self.reference = references.parse(found.name or UNNAMED)
        self._entries = {entry.digest: entry for entry in found.entries}
        self._open = open_entry
        self._sources: dict[str, ImageSource] = {}
        self._owners: dict[str, ImageSource] = {}
        data = found.to_bytes()
        self._raw = RawManifest(data, found.media_type, digests.of_bytes(data))

    def entry(self, digest: str) -> Entry | None:
        """The entry with this digest."""
        return self._entries.get(digest)

    def manifest(self, digest: str | None = None) -> RawManifest:
        """The list, or the manifest of one of its images."""
        if digest in (None, str(self._raw.digest)):
            return self._raw
        assert digest is not None
        source = self._source(digest)
        raw = source.manifest(digest)
        document = manifests.parse(raw.data, raw.media_type, artifact=True)
        if isinstance(document, ImageManifest):
            for blob in (document.config, *document.layers):
                self._owners[blob.digest] = source
        return raw

    def _source(self, digest: str) -> ImageSource:
        entry = self._entries.get(digest)
        if entry is None:
            raise NotFound("image in the list", digest)
        if digest not in self._sources:
            try:
                self._sources[digest] = self._open(entry)
            except ArgosyError as error:
                raise ArgosyError(
                    f"{self.reference}: its image {digest} cannot be opened", details=str(error)
                ) from error
        return self._sources[digest]

    def read_blob(self, descriptor: Descriptor, offset: int = 0) -> BlobStream:
        """A blob of an image whose manifest was asked for."""
        return self._owners[descriptor.digest].read_blob(descriptor, offset)

    def fetch(self, descriptor: Descriptor, limit: int) -> bytes:
        """A small one, verified."""
        return self._owners[descriptor.digest].fetch(descriptor, limit)

    def tags(self) -> list[str]:
        """The list's own."""
        return [self.reference.tag] if self.reference.tag else []

    def close(self) -> None:
        """Close the sources of all images."""
        sources, self._sources = self._sources, {}
        for source in sources.values():
            source.close()
