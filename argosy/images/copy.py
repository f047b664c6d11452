"""Copies one image from a source to a destination: blobs that the other side lacks, several at once, then documents."""

from __future__ import annotations

import threading

from argosy.images import workers
from argosy.images.progress import Progress
from argosy.oci import manifest as manifests
from argosy.oci import mediatypes
from argosy.oci.manifest import ImageManifest
from argosy.registry.client import RawManifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.oci.descriptor import Descriptor
    from argosy.registry.streams import BlobStream
    from argosy.transports.destination import ImageDestination
    from argosy.transports.source import ImageSource

UPLOADS_AT_ONCE = 6


def copy_image(
    source: ImageSource,
    raw: RawManifest,
    destination: ImageDestination,
    progress: Progress | None = None,
    at_once: int = UPLOADS_AT_ONCE,
) -> None:
    """Copy the image with the manifest `raw`, as it is, `at_once` layers at the same time, and commit it.

    Raises what the two sides raise; Invalid or Unsupported for a manifest that is no image's.
    """
    progress = progress or Progress()
    image = manifests.parse(raw.data, raw.media_type)
    if not isinstance(image, ImageManifest):
        raise TypeError("an index is copied image by image")
    progress.line("Getting image source signatures")
    copy_blobs(source, image, destination, progress, at_once)
    progress.line("Writing manifest to image destination")
    destination.put_manifest(raw.replace(media_type=raw.media_type or image.media_type), main=True)
    destination.commit()
    progress.line("Storing signatures")


def copy_blobs(
    source: ImageSource,
    image: ImageManifest,
    destination: ImageDestination,
    progress: Progress,
    at_once: int = UPLOADS_AT_ONCE,
) -> None:
    """The layers, then the config: a config that is there means that its layers are."""
    cancelled = threading.Event()

    def bring(descriptor: Descriptor) -> None:
        _bring(source, descriptor, destination, progress, cancelled)

    layers = list({layer.digest: layer for layer in image.layers}.values())
    workers.run(sorted(layers, key=lambda layer: layer.size), bring, at_once, cancelled)
    _bring(source, image.config, destination, progress, threading.Event())


def _bring(
    source: ImageSource,
    descriptor: Descriptor,
    destination: ImageDestination,
    progress: Progress,
    cancelled: threading.Event,
) -> None:
    kind = "config" if descriptor.media_type in mediatypes.CONFIGS else "blob"
    label = f"Copying {kind} {descriptor.digest}"
    if destination.has_blob(descriptor):
        progress.line(f"{label} skipped: already exists")
        return

    def advance(count: int) -> None:
        if cancelled.is_set():
            raise workers.Cancelled
        progress.advance(descriptor.digest, count)

    def open_blob(offset: int) -> BlobStream:
        return source.read_blob(descriptor, offset)

    progress.start(descriptor.digest, descriptor.size, label)
    destination.put_blob(descriptor, open_blob, advance)
    progress.finish(descriptor.digest, f"{label} done")
