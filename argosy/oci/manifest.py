"""Image manifests and indexes, OCI and Docker schema 2, read strictly (image-spec, manifest.md and image-index.md).

The bytes stay the truth: nothing here is written back for something that was read.  A document that other programs
could read in another way (both image and index, as in CVE-2021-41190; duplicate keys; keys in another case, which Go
accepts) is refused rather than guessed at.
"""

from __future__ import annotations

from argosy import jsontext
from argosy.errors import Invalid, Unsupported, shown
from argosy.oci import descriptor, mediatypes
from argosy.oci.descriptor import Descriptor
from argosy.oci.fields import Fields
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SIZE_LIMIT = 4 << 20
CONFIG_SIZE_LIMIT = 4 << 20
LAYER_LIMIT = 128

_WHAT = "manifest"
_IMAGE_KEYS = frozenset(("config", "layers", "fsLayers"))
_KNOWN_KEYS = {
    key.lower(): key
    for key in (
        *("schemaVersion", "mediaType", "config", "layers", "manifests", "annotations", "artifactType", "subject"),
        *("fsLayers", "history", "signatures", "blobs"),
    )
}


class ImageManifest(Value):
    """One image: a config and its layers, the lowest first."""

    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: dict[str, str] = {}  # noqa: RUF012 -- a field's default, never changed
    artifact_type: str = ""
    subject: Descriptor | None = None

    _nested = {"config": Descriptor, "layers": Descriptor, "subject": Descriptor}  # noqa: RUF012 -- constant

    def to_bytes(self) -> bytes:
        """The manifest as JSON, the same bytes for the same value."""
        data: dict[str, Any] = {"schemaVersion": 2, "mediaType": self.media_type}
        if self.artifact_type:
            data["artifactType"] = self.artifact_type
        data["config"] = self.config.to_oci()
        data["layers"] = [layer.to_oci() for layer in self.layers]
        if self.subject is not None:
            data["subject"] = self.subject.to_oci()
        if self.annotations:
            data["annotations"] = dict(self.annotations)
        return jsontext.encode(data)


class Index(Value):
    """Several manifests under one name, usually one for each platform; an entry may be an index itself."""

    media_type: str
    manifests: tuple[Descriptor, ...]
    annotations: dict[str, str] = {}  # noqa: RUF012 -- a field's default, never changed
    artifact_type: str = ""
    subject: Descriptor | None = None

    _nested = {"manifests": Descriptor, "subject": Descriptor}  # noqa: RUF012 -- constant

    def to_bytes(self) -> bytes:
        """The index as JSON, the same bytes for the same value."""
        data: dict[str, Any] = {"schemaVersion": 2, "mediaType": self.media_type}
        if self.artifact_type:
            data["artifactType"] = self.artifact_type
        data["manifests"] = [entry.to_oci() for entry in self.manifests]
        if self.subject is not None:
            data["subject"] = self.subject.to_oci()
        if self.annotations:
            data["annotations"] = dict(self.annotations)
        return jsontext.encode(data)


def parse(data: bytes, media_type: str = "", *, artifact: bool = False) -> ImageManifest | Index:
    """The manifest in `data`, which came with this Content-Type ("" when there was none).

    Unless `artifact` is set, an image manifest must be one that containers can be made from: an image config, layers
    that are tar archives, sha256 digests.  Raises Invalid (it breaks a rule) or Unsupported (schema 1, artifacts).
    """
    if len(data) > SIZE_LIMIT:
        raise Invalid(_WHAT, f"{len(data)} bytes", f"it is larger than {SIZE_LIMIT >> 20} MiB")
    fields = Fields(jsontext.decode(data, _WHAT), _WHAT)
    _check_keys(fields)
    media_type = _settle_media_type(fields, mediatypes.bare(media_type))
    version = fields.number("schemaVersion")
    if media_type in mediatypes.SCHEMA1 or version == 1:
        raise _schema1()
    if version != 2:
        raise fields.fault("schemaVersion", f"{version} is not a version that exists")
    if media_type in mediatypes.INDEXES:
        return _index(fields, media_type)
    manifest = _image(fields, media_type)
    if not artifact:
        require_image(manifest)
    return manifest


def require_image(manifest: ImageManifest) -> None:
    """Raises Unsupported when `manifest` is not of an image that containers can be made from (an artifact, say)."""
    if manifest.config.media_type not in mediatypes.CONFIGS:
        kind = manifest.artifact_type or manifest.config.media_type
        raise Unsupported(f"this is not a container image but an artifact of type {shown(kind)}")
    if manifest.config.size > CONFIG_SIZE_LIMIT:
        raise Invalid(_WHAT, "config.size", f"the config is larger than {CONFIG_SIZE_LIMIT >> 20} MiB")
    for position, layer in enumerate(manifest.layers):
        if layer.media_type.endswith("+encrypted"):  # ocicrypt's
            raise Unsupported(
                f"layer {position + 1} is encrypted ({shown(layer.media_type)})",
                hint="`argosy skopeo copy --decryption-key KEY` makes a copy that can be read",
            )
        if layer.media_type not in mediatypes.LAYER_COMPRESSION:
            raise Unsupported(f"layer {position + 1} has the media type {shown(layer.media_type)}: not a tar archive")
    for entry in (manifest.config, *manifest.layers):
        if entry.digest.algorithm != "sha256":
            raise Unsupported(f"the digest {entry.digest} is not sha256, the only kind that the store holds")


def _check_keys(fields: Fields) -> None:
    for key in fields.data:
        known = _KNOWN_KEYS.get(key.lower(), key)
        if key != known:
            raise fields.fault(key, f"it differs from {known!r} only in upper and lower case")
    if "manifests" in fields.data and not _IMAGE_KEYS.isdisjoint(fields.data):
        raise Invalid(_WHAT, "manifests", "the document is both an index and an image (CVE-2021-41190)")


def _settle_media_type(fields: Fields, sent: str) -> str:
    """What the document is: its own word and the registry's must agree; where both are silent, its form decides."""
    own = fields.text("mediaType")
    if own and sent not in mediatypes.GENERIC and own != sent:
        raise fields.fault("mediaType", f"it says {own!r} but was sent as {sent!r}")
    media_type = own or ("" if sent in mediatypes.GENERIC else sent)
    if not media_type:
        if fields.number("schemaVersion") == 1:
            raise _schema1()
        media_type = mediatypes.OCI_INDEX if "manifests" in fields.data else mediatypes.OCI_MANIFEST
    if media_type in mediatypes.MANIFESTS | mediatypes.INDEXES | mediatypes.SCHEMA1:
        return media_type
    raise Unsupported(f"{shown(media_type)} is not the media type of an image manifest or an index")


def _schema1() -> Unsupported:
    return Unsupported(
        "this image has a Docker manifest of schema 1, which no current program writes",
        hint="ask its owner to push it again with a current program, or convert it with `skopeo copy`",
    )


def _index(fields: Fields, media_type: str) -> Index:
    if fields.get("manifests", list) is None:
        raise fields.fault("manifests", "an index must have this field")
    return Index(
        media_type=media_type,
        manifests=tuple(descriptor.from_fields(entry) for entry in fields.objects("manifests")),
        annotations=fields.mapping("annotations"),
        artifact_type=fields.text("artifactType"),
        subject=_subject(fields),
    )


def _image(fields: Fields, media_type: str) -> ImageManifest:
    config = fields.child("config")
    if config is None:
        raise fields.fault("config", "an image manifest must have this field")
    count = len(fields.get("layers", list) or ())
    if count > LAYER_LIMIT:
        raise fields.fault("layers", f"{count} layers are more than the {LAYER_LIMIT} that can be mounted")
    return ImageManifest(
        media_type=media_type,
        config=descriptor.from_fields(config),
        layers=tuple(descriptor.from_fields(layer) for layer in fields.objects("layers")),
        annotations=fields.mapping("annotations"),
        artifact_type=fields.text("artifactType"),
        subject=_subject(fields),
    )


def _subject(fields: Fields) -> Descriptor | None:
    subject = fields.child("subject")
    return None if subject is None else descriptor.from_fields(subject)
