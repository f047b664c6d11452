"""Where the signatures of images are: at a registry as registries.d says, or in the files of a directory (dir:).

A *signature store* reads and writes those of one image's manifests, by digest.  Signatures are sealed by their makers,
so nothing here is verified.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Unsupported
from argosy.linux import files
from argosy.oci import digest as digests
from argosy.oci import manifest as manifests
from argosy.signatures import blob
from argosy.signatures.blob import Signature, Sigstore, Simple
from argosy.transports import attachments, directory, layout
from argosy.transports.lookaside import Lookaside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Protocol

    from argosy.config.registriesd import SignaturePlaces
    from argosy.oci.reference import Reference
    from argosy.storage.store import Store
    from argosy.transports.attachments import OpenDestination, OpenSource

    class SignatureStore(Protocol):
        """The signatures of one image (and of the manifests that its index names).  Errors are ArgosyError."""

        def read(self, digest: str) -> list[Signature]:
            """All signatures of the manifest with this digest."""
            ...

        def check(self, signatures: Sequence[Signature]) -> None:
            """Raise Unsupported when the place has no room for these."""
            ...

        def write(self, digest: str, signatures: Sequence[Signature]) -> None:
            """Keep these for the manifest, which is there."""
            ...


class RegistrySignatures:
    """A `SignatureStore` for a repository at a registry."""

    def __init__(
        self,
        reference: Reference,
        places: SignaturePlaces,
        environ: Mapping[str, str],
        open_source: OpenSource,
        open_destination: OpenDestination | None = None,
    ) -> None:
        self._reference = reference
        self._places = places
        self._environ = environ
        self._open_source = open_source
        self._open_destination = open_destination

    def read(self, digest: str) -> list[Signature]:
        """Those of the lookaside, then those beside the image where registries.d turns that on."""
        base = self._places.lookaside(self._reference)
        found = [blob.decode(data) for data in self._lookaside(base).read(digest)]
        if self._places.attachments(self._reference):
            found += attachments.read(self._reference, digest, self._open_source)
        return found

    def check(self, signatures: Sequence[Signature]) -> None:
        """A web server takes none, and sigstore's go beside the image only where registries.d turns that on."""
        if any(isinstance(signature, Simple) for signature in signatures):
            self._staging().check_writable()
        attached = any(isinstance(signature, Sigstore) for signature in signatures)
        if attached and not self._places.attachments(self._reference):
            raise Unsupported(
                f"registries.d does not say that sigstore signatures are kept at {self._reference.registry}",
                hint=f"write `use-sigstore-attachments: true` for it into a file in {self._places.directory}",
            )

    def write(self, digest: str, signatures: Sequence[Signature]) -> None:
        """Simple signatures replace those of the lookaside; sigstore's join those beside the image."""
        simple = [blob.encode(signature) for signature in signatures if isinstance(signature, Simple)]
        sigstore = [signature for signature in signatures if isinstance(signature, Sigstore)]
        self.check(signatures)
        if simple:
            self._staging().write(digest, simple)
        if sigstore:
            assert self._open_destination is not None, "this store was opened for reading"
            attachments.write(self._reference, digest, sigstore, self._open_source, self._open_destination)

    def _staging(self) -> Lookaside:
        return self._lookaside(self._places.lookaside(self._reference, write=True))

    def _lookaside(self, base: str) -> Lookaside:
        return Lookaside(base, self._reference.repository, self._environ)


class DirectorySignatures:
    """A `SignatureStore` in an image directory: `signature-N`, or `HEX-signature-N` for a manifest of an index.

    Links are not followed: the directory may be anybody's, and what is read as a signature goes on with the image.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def read(self, digest: str) -> list[Signature]:
        """The files, from the first on."""
        opened = layout.Directory(self._path)
        try:
            prefix = self._prefix(digest, opened)
            found: list[Signature] = []
            for number in range(1, blob.COUNT_LIMIT + 1):
                name = f"{prefix}signature-{number}"
                if not opened.has(name):
                    break
                found.append(blob.decode(opened.read(name, blob.SIZE_LIMIT)))
            return found
        finally:
            opened.close()

    def check(self, _signatures: Sequence[Signature]) -> None:
        """There is room for all."""

    def write(self, digest: str, signatures: Sequence[Signature]) -> None:
        """One file each."""
        opened = layout.Directory(self._path)
        try:
            prefix = self._prefix(digest, opened)
        finally:
            opened.close()
        for number, signature in enumerate(signatures, 1):
            path = os.path.join(self._path, f"{prefix}signature-{number}")
            try:
                files.write_atomic(path, blob.encode(signature), mode=0o644)
            except OSError as error:
                raise ArgosyError(f"cannot write the signature {path}: {str(error.strerror).lower()}") from error

    def _prefix(self, digest: str, opened: layout.Directory) -> str:
        """What the names begin with: nothing for the directory's own manifest."""
        main = digests.of_bytes(opened.read(directory.MANIFEST_FILE, manifests.SIZE_LIMIT))
        return "" if digest == main else f"{digest.partition(':')[2]}-"


class KeptSignatures:
    """A `SignatureStore` for an image of the store, which keeps those that it came with."""

    def __init__(self, store: Store, manifest_digest: str) -> None:
        self._store = store
        self._digest = manifest_digest

    def read(self, digest: str) -> list[Signature]:
        """Those of the image's own manifest."""
        return [blob.decode(data) for data in self._store.images.signatures(digest)] if digest == self._digest else []

    def check(self, _signatures: Sequence[Signature]) -> None:
        """There is room for all."""

    def write(self, digest: str, signatures: Sequence[Signature]) -> None:
        """Add them to the image's."""
        self._store.images.add_signatures(digest, tuple(blob.encode(signature) for signature in signatures))


class CollectedSignatures:
    """A `SignatureStore` for an image on its way into the store, whose signatures come with it."""

    def read(self, _digest: str) -> list[Signature]:
        """None are there yet."""
        return []

    def check(self, _signatures: Sequence[Signature]) -> None:
        """There is room for all."""

    def write(self, _digest: str, _signatures: Sequence[Signature]) -> None:
        """They are there already."""


class NoSignatures:
    """A `SignatureStore` for places that have none: archives and layouts.  `name` is the transport's."""

    def __init__(self, name: str) -> None:
        self._name = name

    def read(self, _digest: str) -> list[Signature]:
        """None."""
        return []

    def write(self, _digest: str, signatures: Sequence[Signature]) -> None:
        """Write none."""
        self.check(signatures)

    def check(self, signatures: Sequence[Signature]) -> None:
        """Raise Unsupported if there are any."""
        if signatures:
            raise Unsupported(
                f"signatures cannot be kept in {self._name}:",
                hint="leave them out with --remove-signatures, and sign at a registry or in dir:",
            )
