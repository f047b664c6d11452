"""Blobs that are kept outside of registries: the `urls` of a descriptor (image-spec, descriptor.md).

An image names them, so that anybody may: they are asked for without credentials or certificates of ours, by HTTPS, and
what comes is compared with the digest like everything else.
"""

from __future__ import annotations

from argosy.errors import shown
from argosy.registry.blob import BlobReader
from argosy.registry.faults import Untrue
from argosy.registry.session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.oci.descriptor import Descriptor
    from argosy.registry.http import Connection


def open_blob(
    url: str,
    descriptor: Descriptor,
    offset: int,
    connection: Connection,
    notice: Callable[[str], None] | None = None,
) -> BlobReader:
    """The blob at `url`, from `offset` on, asked for already.  Raises RegistryError."""
    import urllib.parse

    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" or not parts.netloc or "@" in parts.netloc:
        raise Untrue(f"{shown(url)} is not a URL that layers are fetched from", details="it must be https://HOST/PATH")
    session = Session(parts.netloc, connection=connection, notice=notice)
    path = parts.path or "/"
    return BlobReader(session, f"{path}?{parts.query}" if parts.query else path, "", descriptor, offset).open()
