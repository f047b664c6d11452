"""docker-archive: what `docker save` writes: manifest.json, which lists images by the names of their files."""

from __future__ import annotations

from argosy import jsontext
from argosy.archive import compression
from argosy.errors import Invalid
from argosy.oci import digest as digests
from argosy.oci import imageconfig, mediatypes
from argosy.oci.descriptor import Descriptor
from argosy.oci.manifest import ImageManifest
from argosy.registry.client import RawManifest
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.oci.reference import Reference
    from argosy.transports.archive import Members
    from argosy.transports.storage import FileStream

MANIFEST_FILE = "manifest.json"
_MANIFEST_LIMIT = 16 << 20
_LAYERS = {
    "none": mediatypes.DOCKER_LAYER,
    "gzip": mediatypes.DOCKER_LAYER_GZIP,
    "zstd": mediatypes.DOCKER_LAYER_ZSTD,
}


class Listed(Value):
    """One entry of manifest.json."""

    config: str
    layers: tuple[str, ...]
    names: tuple[str, ...] = ()


def listed(members: Members) -> tuple[Listed, ...]:
    """The images of the archive.  Raises Invalid for a list that is none."""
    what = f"{MANIFEST_FILE} in {members.name}"
    value = jsontext.decode(members.read(MANIFEST_FILE, _MANIFEST_LIMIT), what)
    if not isinstance(value, list) or not value:
        raise Invalid("docker archive", members.name, f"{MANIFEST_FILE} is not a list of images")
    return tuple(_listed(item, members.name) for item in value)


def _listed(item: object, name: str) -> Listed:
    fields = item if isinstance(item, dict) else {}
    config, layers, names = fields.get("Config"), _texts(fields.get("Layers")), _texts(fields.get("RepoTags") or [])
    if not isinstance(config, str) or layers is None or names is None:
        raise Invalid("docker archive", name, f"an entry of {MANIFEST_FILE} lacks its Config or Layers")
    return Listed(config, layers, names)


def _texts(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        return None
    return tuple(value)


class DockerArchiveSource:
    """An `ImageSource` (see `transports.source`): one image of the archive.

    Such archives have no manifest: one is made, of Docker's schema 2, whose layers are the files as they are.
    """

    def __init__(self, members: Members, image: Listed, reference: Reference) -> None:
        self.reference = reference
        self._members = members
        config = members.read(image.config, imageconfig.SIZE_LIMIT)
        self._config = Descriptor(mediatypes.DOCKER_CONFIG, digests.of_bytes(config), len(config))
        self._paths: dict[str, str] = {str(self._config.digest): image.config}
        diff_ids = imageconfig.parse(config).diff_ids
        if len(diff_ids) != len(image.layers):
            why = f"{len(image.layers)} layers in {MANIFEST_FILE}, {len(diff_ids)} in the config"
            raise Invalid("docker archive", members.name, why)
        layers = tuple(self._layer(path, diff_id) for path, diff_id in zip(image.layers, diff_ids, strict=True))
        data = ImageManifest(mediatypes.DOCKER_MANIFEST, self._config, layers).to_bytes()
        self._manifest = RawManifest(data, mediatypes.DOCKER_MANIFEST, digests.of_bytes(data))

    def _layer(self, path: str, diff_id: digests.Digest) -> Descriptor:
        """The layer's descriptor: an uncompressed one has its diff id for a digest, any other must be read for it."""
        _, size = self._members.place(path)
        with self._members.open(path) as stream:
            head = stream.read(6)
            kind = compression.detect(head)
            digest = diff_id
            if kind in ("gzip", "zstd"):
                hasher = digests.hasher()
                hasher.update(head)
                for block in stream:
                    hasher.update(block)
                digest = digests.parse(f"sha256:{hasher.hexdigest()}")
            elif kind != "none":
                raise Invalid("docker archive", self._members.name, f"the layer {path} is compressed by {kind}")
        self._paths[str(digest)] = path
        return Descriptor(_LAYERS[kind], digest, size)

    def manifest(self, digest: str | None = None) -> RawManifest:
        """The manifest that was made."""
        if digest is not None and digest != self._manifest.digest:
            raise Invalid("docker archive", self._members.name, f"it has no manifest {digest}")
        return self._manifest

    def read_blob(self, descriptor: Descriptor, offset: int = 0) -> FileStream:
        """A layer, or the config."""
        return self._members.open(self._paths[str(descriptor.digest)], offset)

    def fetch(self, descriptor: Descriptor, limit: int) -> bytes:
        """The config, whose digest was made from it."""
        return self._members.read(self._paths[str(descriptor.digest)], limit)

    def tags(self) -> list[str]:
        """The image's own tag."""
        return [self.reference.tag] if self.reference.tag else []

    def close(self) -> None:
        """The archive belongs to who opened it."""
