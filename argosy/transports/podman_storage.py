"""containers-storage: with a [specifier]: an image in the store of podman (containers/storage), read where it is.

    <root>/overlay-images/images.json           images: id, names, top layer
    <root>/overlay-images/<id>/<key>            manifests and config
    <root>/overlay-layers/layers.json           layers: id, parent, digest and size without compression
    <root>/overlay-layers/<id>.tar-split.gz     what an archive of the layer has besides the files' content
    <root>/overlay/<id>/diff                    the layer's files

podman keeps no compressed layer.  The image read here has the same config and the layers as they are without
compression, byte for byte, which their digests prove.
"""

from __future__ import annotations

import base64
import os

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid, NotFound, Unsupported
from argosy.linux import files
from argosy.oci import digest as digests
from argosy.oci import manifest as manifests
from argosy.oci import mediatypes
from argosy.oci import reference as references
from argosy.oci.descriptor import Descriptor
from argosy.oci.manifest import ImageManifest
from argosy.registry.client import RawManifest
from argosy.transports.storage import FileStream
from argosy.transports.tarsplit import SplitStream
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.oci.reference import Reference
    from argosy.registry.streams import BlobStream

_LIST_LIMIT = 256 << 20
_PLAIN = {"oci": mediatypes.OCI_LAYER, "v2s2": mediatypes.DOCKER_LAYER}
_DIFFS = {"overlay": "overlay/{}/diff", "vfs": "vfs/dir/{}"}


class PodmanImage(Value):
    """An image of such a store: its id, its names as they are written there, and its top layer."""

    image_id: str
    names: tuple[str, ...]
    top_layer: str


class PodmanStore:
    """The store of podman at `root`.  Nothing in it is changed, and no lock is taken."""

    def __init__(self, root: str, driver: str = "") -> None:
        self.root = root
        self.driver = driver or self._detect()
        if self.driver not in _DIFFS:
            raise Unsupported(f"{root}: stores of the driver {self.driver} cannot be read, only overlay and vfs")
        self._layers: dict[str, dict[str, Any]] | None = None

    def _detect(self) -> str:
        for driver in _DIFFS:
            if os.path.isdir(f"{self.root}/{driver}-images"):
                return driver
        raise NotFound("store of containers/storage", self.root, details="there is no directory overlay-images")

    def images(self) -> tuple[PodmanImage, ...]:
        """All images."""
        return tuple(
            PodmanImage(str(entry["id"]), tuple(map(str, entry.get("names") or ())), str(entry.get("layer") or ""))
            for entry in self._list("images")
        )

    def find(self, text: str) -> PodmanImage:
        """The image with this name, id, or beginning of an id."""
        text = text.removeprefix("@")
        wanted = _full(text)
        by_name = [image for image in self.images() if wanted in image.names or text in image.names]
        found = by_name or [image for image in self.images() if len(text) > 1 and image.image_id.startswith(text)]
        if not found:
            raise NotFound("image", f"{text} in {self.root}")
        if len(found) > 1:
            raise Invalid("image name", text, "several images have an id that begins so")
        return found[0]

    def _list(self, kind: str) -> list[dict[str, Any]]:
        path = f"{self.root}/{self.driver}-{kind}/{kind}.json"
        value = jsontext.decode(_read(path, _LIST_LIMIT), path)
        if not isinstance(value, list) or not all(isinstance(entry, dict) and "id" in entry for entry in value):
            raise Invalid("store of containers/storage", self.root, f"{kind}.json is not a list of {kind}")
        return value

    def data(self, image: PodmanImage, key: str, limit: int) -> bytes:
        """One of the documents of an image."""
        return _read(self._data_path(image, key), limit)

    def open_data(self, image: PodmanImage, key: str, offset: int) -> FileStream:
        """The same as a stream."""
        path = self._data_path(image, key)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise ArgosyError(f"cannot read {path}: {str(error.strerror).lower()}") from error
        return FileStream(fd, os.fstat(fd).st_size, offset)

    def _data_path(self, image: PodmanImage, key: str) -> str:
        return f"{self.root}/{self.driver}-images/{_plain(image.image_id)}/{_file_name(key)}"

    def chain(self, image: PodmanImage) -> list[dict[str, Any]]:
        """The records of the image's layers, the lowest first."""
        if self._layers is None:
            self._layers = {str(entry["id"]): entry for entry in self._list("layers")}
        found: list[dict[str, Any]] = []
        layer = image.top_layer
        while layer:
            entry = self._layers.get(layer)
            if entry is None or len(found) > manifests.LAYER_LIMIT:
                raise Invalid("store of containers/storage", self.root, f"image {image.image_id} lacks layer {layer}")
            found.append(entry)
            layer = str(entry.get("parent") or "")
        return found[::-1]

    def layer(self, layer_id: str, size: int) -> SplitStream:
        """The layer as an archive of `size` bytes."""
        split = f"{self.root}/{self.driver}-layers/{_plain(layer_id)}.tar-split.gz"
        return SplitStream(split, f"{self.root}/{_DIFFS[self.driver].format(layer_id)}", size)


def parse_specifier(text: str) -> tuple[str, str]:
    """Driver ("" for any) and root in `[DRIVER@]ROOT[+RUNROOT][:OPTIONS]`.  Raises Invalid."""
    front, at, rest = text.partition("@")
    driver, place = (front, rest) if at else ("", front)
    root = place.partition(":")[0].partition("+")[0]
    if not root.startswith("/"):
        raise Invalid("containers-storage specifier", f"[{text}]", "the root is not an absolute path")
    return driver, root


def open_source(specifier: str, name: str) -> PodmanSource:
    """The image `name` of the store that `specifier` means."""
    driver, root = parse_specifier(specifier)
    store = PodmanStore(root, driver)
    return PodmanSource(store, store.find(name))


class PodmanSource:
    """An `ImageSource` (see `transports.source`): one image of such a store."""

    def __init__(self, store: PodmanStore, image: PodmanImage) -> None:
        self.reference: Reference = _label(image)
        self._store = store
        self._image = image
        self._ids: dict[str, str] = {}
        self._raw = self._make()

    def _make(self) -> RawManifest:
        """The image's manifest with its layers as they are without compression."""
        data = self._store.data(self._image, "manifest", manifests.SIZE_LIMIT)
        found = manifests.parse(data)
        if not isinstance(found, ImageManifest):
            raise Unsupported(f"{self.reference} is a list of images, which podman's store has no images of")
        chain = self._store.chain(self._image)
        if len(chain) != len(found.layers):
            why = f"{len(found.layers)} layers in the manifest, {len(chain)} in the store"
            raise Invalid("image", self._image.image_id, why)
        family = "v2s2" if found.media_type == mediatypes.DOCKER_MANIFEST else "oci"
        layers = []
        for entry in chain:
            digest = digests.parse(str(entry.get("diff-digest")), f"digest of layer {entry['id']}")
            self._ids[digest] = str(entry["id"])
            layers.append(Descriptor(_PLAIN[family], digest, int(entry.get("diff-size") or 0)))
        made = found.replace(layers=tuple(layers)).to_bytes()
        return RawManifest(made, found.media_type, digests.of_bytes(made))

    def manifest(self, digest: str | None = None) -> RawManifest:
        """The manifest that was made."""
        if digest is not None and digest != self._raw.digest:
            raise Invalid("image", self._image.image_id, f"it has no manifest {digest}")
        return self._raw

    def read_blob(self, descriptor: Descriptor, offset: int = 0) -> BlobStream:
        """A layer, put together from its files, or the config."""
        layer = self._ids.get(descriptor.digest)
        if layer is None:
            return self._store.open_data(self._image, str(descriptor.digest), offset)
        stream = self._store.layer(layer, descriptor.size)
        stream.skip(offset)
        return stream

    def fetch(self, descriptor: Descriptor, limit: int) -> bytes:
        """The config, verified."""
        data = self._store.data(self._image, str(descriptor.digest), limit)
        if digests.of_bytes(data) != descriptor.digest:
            raise Invalid("image", self._image.image_id, f"the content of {descriptor.digest} has another digest")
        return data

    def tags(self) -> list[str]:
        """The image's own tag."""
        return [self.reference.tag] if self.reference.tag else []

    def close(self) -> None:
        """Nothing is held."""


def _read(path: str, limit: int) -> bytes:
    try:
        return files.read(path, limit)
    except OSError as error:
        raise ArgosyError(f"cannot read {path}: {str(error.strerror).lower()}") from error


def _plain(name: str) -> str:
    """`name` if it is that of a file; what a broken list names must not lead elsewhere."""
    if not name.isalnum():
        raise Invalid("id in the store", name, "it is not made of letters and digits")
    return name


def _file_name(key: str) -> str:
    """The file of a document (containers/storage, makeBigDataBaseName)."""
    if all(char in ".0123456789abcdefghijklmnopqrstuvwxyz" for char in key):
        return key
    return f"={base64.b64encode(key.encode()).decode()}"


def _full(text: str) -> str:
    try:
        return str(references.parse(text))
    except Invalid:
        return text


def _label(image: PodmanImage) -> Reference:
    for name in image.names:
        try:
            return references.parse(name)
        except Invalid:
            continue
    return references.parse(f"localhost/{image.image_id[:12]}")
