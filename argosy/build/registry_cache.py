"""The build cache at a registry: one artifact, whose config names the steps, and whose layers are theirs.

    config    {"steps": {key: Made}}
    layers    archives compressed with zstd; an annotation says which layer, or which cache mount, each one is

Builds add to what is there: the artifact of the name is read, and replaced by one that has the new steps first, and the
old ones behind them as far as `_MOST_STEPS` goes.  Of two builds that do so at once, the later one wins.
"""

from __future__ import annotations

import os
import threading
from functools import partial

from argosy import jsontext
from argosy.build import exchange
from argosy.build.cache import Made
from argosy.errors import ArgosyError, Invalid
from argosy.oci import descriptor as descriptors
from argosy.oci import digest as digests
from argosy.oci import mediatypes
from argosy.oci.descriptor import Descriptor
from argosy.oci.fields import Fields
from argosy.registry.client import RawManifest
from argosy.registry.streams import BytesStream
from argosy.transports.storage import FileStream
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from argosy.oci.reference import Reference
    from argosy.storage.store import Store
    from argosy.transports.destination import ImageDestination
    from argosy.transports.source import ImageSource

ARTIFACT = "application/vnd.argosy.buildcache.v1"
_CONFIG = "application/vnd.argosy.buildcache.config.v1+json"
_LAYER, _MOUNT = "dev.argosy.buildcache.layer", "dev.argosy.buildcache.mount"
_COMPRESSION = "zstd"
_CONFIG_LIMIT = 32 << 20
_MOST_STEPS = 2000


class Content(Value):
    """What the artifact has: steps by key, blobs by the layer or the cache mount that they hold."""

    steps: dict[str, Made] = {}  # noqa: RUF012 -- a field's default, never changed
    layers: dict[str, Descriptor] = {}  # noqa: RUF012 -- as above
    mounts: dict[str, Descriptor] = {}  # noqa: RUF012 -- as above


class RegistryCache:
    """An `Exchange` (see `exchange`) under a name at a registry.  `directory` takes what is being compressed.

    What cannot be read is as good as empty, and `warn` is told once: the first build of all has no cache.
    """

    def __init__(
        self,
        store: Store,
        reference: Reference,
        open_source: Callable[[Reference], ImageSource],
        open_destination: Callable[[Reference], ImageDestination],
        directory: str,
        warn: Callable[[str], None],
    ) -> None:
        self._store = store
        self._reference = reference
        self._open_source = partial(open_source, reference)
        self._open_destination = partial(open_destination, reference)
        self._directory = directory
        self._warn = warn
        self._mutex = threading.Lock()
        self._read: Content | None = None

    def find(self, step: str) -> Made | None:
        """What the artifact says of a step."""
        content = self._content()
        made = content.steps.get(step)
        if made is None or not made.layer or self._store.layers.has(made.layer):
            return made
        blob = content.layers.get(made.layer)
        if blob is None:
            return None
        try:
            exchange.take_layer(self._store, made.layer, self._blocks(blob), _COMPRESSION)
        except ArgosyError as error:
            self._warn(f"the cache {self._reference}: {error.brief}")
            return None
        return made

    def take_mounts(self) -> None:
        """Fill the cache mounts that the store does not have yet."""
        for name, blob in self._content().mounts.items():
            try:
                exchange.fill_mount(self._store, name, partial(self._blocks, blob), _COMPRESSION)
            except ArgosyError as error:
                self._warn(f"the cache {self._reference}: {error.brief}")

    def write(self, steps: Mapping[str, Made], *, mounts: bool) -> None:
        """Send what the registry does not have, then the artifact."""
        old = self._content()
        destination = self._open_destination()
        try:
            made = self._sent(destination, old, steps, mounts=mounts)
            config = jsontext.encode({"steps": {key: one.to_json() for key, one in made.steps.items()}})
            described = Descriptor(_CONFIG, digests.of_bytes(config), len(config))
            if not destination.has_blob(described):
                destination.put_blob(described, partial(BytesStream, config), _uncounted)
            destination.put_manifest(_manifest(described, made), main=True)
            destination.commit()
        finally:
            destination.close()
        self._read = made

    def _sent(self, destination: ImageDestination, old: Content, steps: Mapping[str, Made], *, mounts: bool) -> Content:
        """What the artifact is to have; its blobs are at the registry when this returns."""
        wanted = {**steps, **{key: one for key, one in old.steps.items() if key not in steps}}
        kept: dict[str, Made] = {}
        layers: dict[str, Descriptor] = {}
        for key, one in list(wanted.items())[:_MOST_STEPS]:
            if one.layer and one.layer not in layers:
                blob = old.layers.get(one.layer)
                if blob is None or not destination.has_blob(blob):
                    if key not in steps:
                        continue
                    fill = partial(exchange.copy_layer, self._store, one.layer)
                    blob = self._send(destination, fill, {_LAYER: one.layer})
                layers[one.layer] = blob
            kept[key] = one
        if not mounts:
            return Content(kept, layers, old.mounts)
        fresh = {
            name: self._send(destination, partial(exchange.copy_mount, self._store, name), {_MOUNT: name})
            for name in exchange.mount_names(self._store)
        }
        return Content(kept, layers, {**old.mounts, **fresh})

    def _send(
        self,
        destination: ImageDestination,
        fill: Callable[[Callable[[bytes], object]], object],
        annotations: dict[str, str],
    ) -> Descriptor:
        """Compress an archive and send it, unless the registry has it."""
        from argosy.images import relayer

        path = f"{self._directory}/cache-{os.urandom(8).hex()}"
        compressor = relayer.compressor(_COMPRESSION)
        hasher = digests.hasher()
        try:
            with open(path, "xb", buffering=1 << 20) as file:

                def put(block: bytes) -> None:
                    hasher.update(block)
                    file.write(block)

                fill(lambda block: put(compressor.compress(block)))
                put(compressor.flush())
                size = file.tell()
            digest = digests.parse(f"sha256:{hasher.hexdigest()}")
            blob = Descriptor(mediatypes.OCI_LAYER_ZSTD, digest, size, annotations)
            if not destination.has_blob(blob):
                destination.put_blob(blob, partial(_opened, path, size), _uncounted)
        except OSError as error:
            raise ArgosyError(f"cannot write the cache to {self._reference}: {error.strerror}") from error
        finally:
            if os.path.exists(path):
                os.unlink(path)
        return blob

    def _content(self) -> Content:
        with self._mutex:
            if self._read is None:
                try:
                    self._read = self._fetched()
                except ArgosyError as error:
                    self._warn(f"the cache {self._reference} cannot be read: {error.brief}")
                    self._read = Content()
            return self._read

    def _fetched(self) -> Content:
        source = self._open_source()
        try:
            manifest = Fields(jsontext.decode(source.manifest().data, "build cache"), "build cache")
            if manifest.text("artifactType") != ARTIFACT:
                raise Invalid("build cache", str(self._reference), "this is something else")
            config = manifest.child("config")
            if config is None:
                raise manifest.fault("config", "this field is missing")
            steps = jsontext.decode(source.fetch(descriptors.from_fields(config), _CONFIG_LIMIT), "build cache")
        finally:
            source.close()
        blobs = [descriptors.from_fields(layer) for layer in manifest.objects("layers")]
        return Content(
            {key: exchange.made(one) for key, one in (Fields(steps, "build cache").get("steps", dict) or {}).items()},
            {blob.annotations[_LAYER]: blob for blob in blobs if _LAYER in blob.annotations},
            {blob.annotations[_MOUNT]: blob for blob in blobs if _MOUNT in blob.annotations},
        )

    def _blocks(self, blob: Descriptor) -> Iterator[bytes]:
        source = self._open_source()
        try:
            hasher = digests.hasher(blob.digest.algorithm)
            with source.read_blob(blob) as stream:
                for block in stream:
                    hasher.update(block)
                    yield block
        finally:
            source.close()
        if hasher.hexdigest() != blob.digest.hex:
            raise Invalid("build cache", blob.digest, "the registry sent something else")


def _manifest(config: Descriptor, content: Content) -> RawManifest:
    blobs = (*content.layers.values(), *content.mounts.values())
    document = {
        "schemaVersion": 2,
        "mediaType": mediatypes.OCI_MANIFEST,
        "artifactType": ARTIFACT,
        "config": config.to_oci(),
        "layers": [blob.to_oci() for blob in blobs],
    }
    data = jsontext.encode(document)
    return RawManifest(data, mediatypes.OCI_MANIFEST, digests.of_bytes(data))


def _opened(path: str, size: int, offset: int) -> FileStream:
    return FileStream(os.open(path, os.O_RDONLY | os.O_CLOEXEC), size, offset)


def _uncounted(_count: int) -> None:
    """Nobody is shown how far it has come."""
