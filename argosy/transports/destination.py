"""What every place that images are copied to can do.

An *image destination* takes one image: blobs in any order, then the documents that name them, the image's own last.
Life cycle: opened by the transport's own function, used from several threads, `commit` once all is there, `close` in
any case; what was not committed is not there afterwards, as far as the place can help it.
"""

from __future__ import annotations

from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from argosy.oci.descriptor import Descriptor
    from argosy.registry.client import RawManifest
    from argosy.registry.streams import OpenBlob

# What a place does with layers unless it is told otherwise.
KEEP = "keep"
COMPRESS = "compress"


class Abilities(Value):
    """What a place can hold: families of documents ("oci", "v2s2"), indexes, artifacts, layers that are elsewhere.

    `layers` says whether layers without compression stay so (KEEP) or are compressed (COMPRESS).  `keeps` are the
    families whose documents stay as they are where that is asked for.
    """

    families: tuple[str, ...] = ("oci", "v2s2")
    keeps: tuple[str, ...] = ("oci", "v2s2")
    indexes: bool = True
    artifacts: bool = True
    foreign: bool = False
    layers: str = KEEP


if TYPE_CHECKING:

    class ImageDestination(Protocol):
        """One image to write.  Errors are ArgosyError and name the destination."""

        name: str
        abilities: Abilities

        def has_blob(self, descriptor: Descriptor) -> bool:
            """Whether the blob is there already, or was brought there without sending it."""
            ...

        def put_blob(self, descriptor: Descriptor, source: OpenBlob, advance: Callable[[int], None]) -> None:
            """Write a blob; `advance` is told the bytes as they go."""
            ...

        def put_manifest(self, manifest: RawManifest, *, main: bool) -> None:
            """Write a manifest or index, as it is; `main` is the one that the image's name is to mean."""
            ...

        def commit(self) -> None:
            """All is written: make it the image."""
            ...

        def close(self) -> None:
            """Let go of everything.  May be called twice."""
            ...
