"""From a name at a source to one image: through indexes to what fits a platform (image-spec, image-index.md)."""

from __future__ import annotations

from argosy.errors import ArgosyError, Invalid
from argosy.oci import manifest, mediatypes, platform
from argosy.oci.manifest import ImageManifest, Index
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.oci.descriptor import Descriptor
    from argosy.oci.platform import Platform
    from argosy.transports.source import ImageSource, RawManifest

_DEPTH_LIMIT = 4
_USABLE = mediatypes.MANIFESTS | mediatypes.INDEXES
_ATTESTATION = "vnd.docker.reference.type"


class NoPlatform(ArgosyError):
    """An index has no entry for the wanted platform: names those that it has."""

    def __init__(self, name: str, wanted: Platform, offered: tuple[str, ...]) -> None:
        there = ", ".join(offered) or "none"
        super().__init__(
            f"no image found in {name} for platform {wanted}",
            details=f"the platforms there are: {there}",
            hint=f"choose one of them with --platform, for example --platform {offered[0]}" if offered else "",
        )
        self.wanted = wanted
        self.offered = offered


class Chosen(Value):
    """One image manifest, as bytes and as a value, and the indexes that led to it, the outermost first."""

    raw: RawManifest
    image: ImageManifest
    indexes: tuple[RawManifest, ...] = ()


def choose(source: ImageSource, name: str, wanted: Platform, *, any_kind: bool = False) -> Chosen:
    """The image at `source` that fits `wanted` best.  An image without an index is taken whatever it is made for.

    `any_kind` takes what no container can be made from as well: artifacts, encrypted layers.  Every document is
    checked against the digest and size by which it was asked for.  Raises NoPlatform, Invalid for a malformed or wrong
    document, and what the source raises.
    """
    raw = source.manifest()
    indexes: list[RawManifest] = []
    while True:
        document = manifest.parse(raw.data, raw.media_type, artifact=any_kind)
        if isinstance(document, ImageManifest):
            return Chosen(raw, document, tuple(indexes))
        if len(indexes) == _DEPTH_LIMIT:
            raise Invalid("index", raw.digest, f"indexes within indexes, more than {_DEPTH_LIMIT} deep")
        indexes.append(raw)
        entry = pick(document, name, wanted)
        raw = source.manifest(entry.digest)
        check_entry(raw, entry)


def pick(index: Index, name: str, wanted: Platform) -> Descriptor:
    """The entry of an index that fits best.  Raises NoPlatform."""
    entries = [entry for entry in index.manifests if entry.media_type in _USABLE and not _is_attestation(entry)]
    position = platform.best([entry.platform for entry in entries], wanted)
    if position is None:
        offered = dict.fromkeys(str(entry.platform) for entry in entries if entry.platform is not None)
        raise NoPlatform(name, wanted, tuple(offered))
    return entries[position]


def _is_attestation(entry: Descriptor) -> bool:
    return _ATTESTATION in entry.annotations


def check_entry(raw: RawManifest, entry: Descriptor) -> None:
    """Raise Invalid unless the document is the one that the index's entry describes."""
    if raw.digest != entry.digest:
        raise Invalid("manifest", raw.digest, f"the index names {entry.digest}")
    if len(raw.data) != entry.size:
        raise Invalid("manifest", raw.digest, f"it has {len(raw.data)} bytes, the index says {entry.size}")
    sent = mediatypes.bare(raw.media_type)
    if sent not in mediatypes.GENERIC and sent != entry.media_type:
        raise Invalid("manifest", raw.digest, f"it was sent as {sent}, the index says {entry.media_type}")
