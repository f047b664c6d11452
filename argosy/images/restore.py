"""Layers that cannot be relied on any more (after a power cut, or damage) applied again from their blobs."""

from __future__ import annotations

from argosy.errors import ArgosyError, NotFound, Unsupported
from argosy.images.resolve import ImageNotKnown
from argosy.oci import mediatypes
from argosy.oci.descriptor import Descriptor
from argosy.oci.digest import parse as parse_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.images.transfer import LayerJob
    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store


class LayersLost(ArgosyError):
    """Layers that are gone or not to be trusted, and that nothing in the store can bring back."""

    def __init__(self, image: str, why: str) -> None:
        super().__init__(
            f"image {image} has lost a layer",
            details=why,
            hint="pull, import or build the image again; `argosy system check` tells what else is damaged",
        )


def restore(store: Store, record: ImageRecord) -> None:
    """Have all layers of the image in the store, verified; nothing is fetched from anywhere else.

    Returns at once when all is well.  Raises LayersLost when a blob is missing or not what its digest says,
    ImageNotKnown when the image was removed meanwhile.
    """
    from argosy.images.transfer import Transfer

    with store.work((record.manifest_digest, record.config_digest, *record.diff_ids)) as work:
        wanted = store.layers.untrusted(record.diff_ids)
        if not wanted:
            return
        jobs = tuple(_jobs(record, frozenset(wanted)))
        work.pin(*(str(job.blob.digest) for job in jobs))
        try:
            Transfer(store, None).run(jobs)
        except NotFound as error:
            if not store.images.exists(record.manifest_digest):
                raise ImageNotKnown(record.config_digest) from None  # removed meanwhile, with all it was made of
            raise LayersLost(record.config_digest, str(error)) from error


def _jobs(record: ImageRecord, wanted: frozenset[str]) -> Iterator[LayerJob]:
    from argosy.images.transfer import LayerJob

    seen = set()
    for layer in record.layers:
        if layer.diff_id not in wanted or layer.diff_id in seen:
            continue
        seen.add(layer.diff_id)
        if not layer.blob:
            raise LayersLost(record.config_digest, f"layer {layer.diff_id} was made here and has no blob")
        compression = mediatypes.LAYER_COMPRESSION.get(layer.media_type)
        if compression is None:
            raise Unsupported(f"layer {layer.diff_id} has the media type {layer.media_type}")
        yield LayerJob(layer.diff_id, Descriptor(layer.media_type, parse_digest(layer.blob), layer.size), compression)
