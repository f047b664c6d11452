"""What every place that images come from can do.

An *image source* is one image somewhere: at a registry, in an archive, in a directory.  Its vocabulary is the image
specification's: a raw manifest (or index) and blobs, by digest.  Life cycle: opened by the transport's own function,
used from as many threads as one likes, closed once.  Every source passes the same conformance tests.
"""

from __future__ import annotations

from argosy.registry.client import RawManifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from argosy.oci.descriptor import Descriptor
    from argosy.oci.reference import Reference
    from argosy.registry.streams import BlobStream

    class ImageSource(Protocol):
        """One image to read.  Errors are ArgosyError and name the image."""

        reference: Reference

        def manifest(self, digest: str | None = None) -> RawManifest:
            """The image's manifest or index, or the one with this digest; its bytes are verified when it is given."""
            ...

        def read_blob(self, descriptor: Descriptor, offset: int = 0) -> BlobStream:
            """The blob from `offset` on.  Exactly as many bytes as the descriptor says; not hashed: the reader does."""
            ...

        def fetch(self, descriptor: Descriptor, limit: int) -> bytes:
            """A small blob (a config) as a whole, verified; an error when it is longer than `limit` bytes."""
            ...

        def tags(self) -> list[str]:
            """The names that the image's repository has here."""
            ...

        def close(self) -> None:
            """Let go of everything.  May be called twice."""
            ...


__all__ = ["RawManifest"]
