"""docker-archive: to write to: a new archive that `docker load` reads.

Such an archive has no manifest and holds layers without compression, each under its diff id, which is known only when
all of the layer was seen: so is the name of its file.
"""

from __future__ import annotations

import threading

from argosy import jsontext
from argosy.archive.compression import Decompressor
from argosy.errors import Invalid
from argosy.oci import digest as digests
from argosy.oci import imageconfig, mediatypes
from argosy.oci import manifest as manifests
from argosy.oci.manifest import ImageManifest
from argosy.transports import docker_archive
from argosy.transports.destination import Abilities
from argosy.transports.tree import wrong_content

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from argosy.oci.descriptor import Descriptor
    from argosy.oci.reference import Reference
    from argosy.registry.client import RawManifest
    from argosy.registry.streams import OpenBlob
    from argosy.transports.archive_file import ArchiveFile

_LEGACY = "repositories"


class DockerArchiveDestination:
    """An `ImageDestination` (see `transports.destination`): one image, with these names, in a new archive."""

    def __init__(self, file: ArchiveFile, names: tuple[Reference, ...]) -> None:
        self.name = f"docker-archive:{file.path}"
        self.abilities = Abilities(keeps=("v2s2",), indexes=False, artifacts=False)
        self._file = file
        self._names = names
        self._lock = threading.Lock()
        self._layers: dict[str, tuple[str, str]] = {}  # the blob's digest to the layer's diff id and file
        self._config = b""

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Whether it was written before."""
        return descriptor.digest in self._layers

    def put_blob(self, descriptor: Descriptor, source: OpenBlob, advance: Callable[[int], None]) -> None:
        """Write a layer, without its compression; a config is kept for the end."""
        if descriptor.media_type in mediatypes.CONFIGS:
            with source(0) as stream:
                self._config = b"".join(stream)
            if digests.of_bytes(self._config) != descriptor.digest:
                raise wrong_content(descriptor.digest, digests.of_bytes(self._config))
            return
        kind = mediatypes.LAYER_COMPRESSION[descriptor.media_type]
        with self._lock:
            if descriptor.digest not in self._layers:
                plain = _Plain(descriptor, kind, source, advance)
                path = self._file.writer.add_unknown(plain.blocks(), lambda: self._new_path(plain.diff_id))
                self._layers[descriptor.digest] = (plain.diff_id, path)

    def _new_path(self, diff_id: str) -> str:
        """The file of a layer; two blobs may be the same layer, compressed in two ways."""
        taken = {path for _, path in self._layers.values()}
        digits = diff_id.partition(":")[2]
        return next(name for name in _names(digits) if name not in taken)

    def put_manifest(self, manifest: RawManifest, *, main: bool) -> None:
        """What the archive has in place of it.  Raises Invalid when its layers are not those of the config."""
        if not main:
            return
        image = manifests.parse(manifest.data, manifest.media_type)
        assert isinstance(image, ImageManifest)
        diff_ids = [self._layers[layer.digest][0] for layer in image.layers]
        wanted = [str(diff_id) for diff_id in imageconfig.parse(self._config).diff_ids]
        if diff_ids != wanted:
            raise Invalid("image", manifest.digest, "its layers are not those that its config names")
        config = f"{image.config.digest.hex}.json"
        self._file.add_bytes(config, self._config)
        entry = {
            "Config": config,
            "RepoTags": [str(name) for name in self._names],
            "Layers": [self._layers[layer.digest][1] for layer in image.layers],
        }
        self._file.add_bytes(docker_archive.MANIFEST_FILE, jsontext.encode([entry]))
        self._file.add_bytes(_LEGACY, jsontext.encode(self._repositories(diff_ids)))

    def _repositories(self, diff_ids: list[str]) -> dict[str, Any]:
        """What docker before 1.10 read."""
        top = diff_ids[-1].partition(":")[2] if diff_ids else ""
        found: dict[str, dict[str, str]] = {}
        for name in self._names:
            found.setdefault(name.name, {})[name.tag] = top
        return found

    def commit(self) -> None:
        """Let the archive appear."""
        self._file.finish()

    def close(self) -> None:
        """What is not finished goes."""
        self._file.close()


def _names(digits: str) -> Iterator[str]:
    yield f"{digits}.tar"
    for number in range(1, manifests.LAYER_LIMIT):
        yield f"{digits}-{number}.tar"


class _Plain:
    """A layer on its way into the archive: its bytes without compression, and what they are known by behind them."""

    def __init__(self, descriptor: Descriptor, kind: str, source: OpenBlob, advance: Callable[[int], None]) -> None:
        self.diff_id = ""
        self._descriptor = descriptor
        self._kind = kind
        self._source = source
        self._advance = advance

    def blocks(self) -> Iterator[bytes]:
        """Its bytes.  Raises ArgosyError behind the last one when the blob does not have its digest."""
        came, plain = digests.hasher(self._descriptor.digest.algorithm), digests.hasher()
        decompressor = Decompressor(self._kind)
        with self._source(0) as stream:
            for block in stream:
                came.update(block)
                self._advance(len(block))
                for data in decompressor.write(block):
                    plain.update(data)
                    yield data
            decompressor.finish()
        if came.hexdigest() != self._descriptor.digest.hex:
            raise wrong_content(self._descriptor.digest, f"{self._descriptor.digest.algorithm}:{came.hexdigest()}")
        self.diff_id = f"sha256:{plain.hexdigest()}"
