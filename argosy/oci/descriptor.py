"""Descriptors: the type, digest and size of a piece of content (image-spec, descriptor.md)."""

from __future__ import annotations

from argosy.oci import digest as digests
from argosy.oci.digest import Digest
from argosy.oci.mediatypes import bare, is_media_type
from argosy.oci.platform import Platform
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.oci.fields import Fields

# No file system that we know holds a larger file; a larger number is nonsense or an attack.
_SIZE_LIMIT = 1 << 60


class Descriptor(Value):
    """Points at content.  `size` is in bytes; `platform` is there only in an index."""

    media_type: str
    digest: Digest
    size: int
    annotations: dict[str, str] = {}  # noqa: RUF012 -- a field's default, never changed
    platform: Platform | None = None
    urls: tuple[str, ...] = ()
    artifact_type: str = ""

    _nested = {"platform": Platform}  # noqa: RUF012 -- constant

    def to_oci(self) -> dict[str, Any]:
        """The descriptor as the image specification writes it."""
        data: dict[str, Any] = {"mediaType": self.media_type, "digest": str(self.digest), "size": self.size}
        if self.urls:
            data["urls"] = list(self.urls)
        if self.annotations:
            data["annotations"] = dict(self.annotations)
        if self.platform is not None:
            data["platform"] = platform_to_oci(self.platform)
        if self.artifact_type:
            data["artifactType"] = self.artifact_type
        return data


def from_fields(fields: Fields) -> Descriptor:
    """The descriptor in a decoded JSON object.  Raises Invalid, which names the field."""
    media_type = fields.text("mediaType")
    # podman writes "text/plain; charset=utf-8" for files of artifacts
    if not is_media_type(bare(media_type)) or not media_type.isprintable():
        raise fields.fault("mediaType", f"{media_type!r} is not a media type")
    size = fields.get("size", int)
    if size is None:
        raise fields.fault("size", "this field is missing")
    if not 0 <= size <= _SIZE_LIMIT:
        raise fields.fault("size", f"{size} is not the size of anything")
    platform = fields.child("platform")
    return Descriptor(
        media_type=media_type,
        digest=digests.parse(fields.text("digest"), f"{fields.what}: {fields.at('digest')}"),
        size=size,
        annotations=fields.mapping("annotations"),
        platform=None if platform is None else _platform(platform),
        urls=fields.texts("urls"),
        artifact_type=fields.text("artifactType"),
    )


def _platform(fields: Fields) -> Platform:
    names = ("os", "architecture", "variant", "os.version")
    return Platform(*(fields.text(name) for name in names))


def platform_to_oci(platform: Platform) -> dict[str, Any]:
    """The platform as the image specification writes it."""
    data = {"architecture": platform.architecture, "os": platform.os}
    if platform.os_version:
        data["os.version"] = platform.os_version
    if platform.variant:
        data["variant"] = platform.variant
    return data
