"""New signatures of images: by a GnuPG key (simple signing), by a sigstore key, or both."""

from __future__ import annotations

import time

from argosy.errors import ArgosyError, Invalid
from argosy.oci import reference as references
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from argosy.images.guard import Maker
    from argosy.oci.reference import Reference
    from argosy.signatures.blob import Signature
    from argosy.transports.source import RawManifest

_KEY_LIMIT = 1 << 20


class SignOptions(Value):
    """Who signs.  `gpg_key` is a fingerprint or address, `sigstore_key` the path of a private key.

    `passphrase` opens the key; None lets gpg ask for it.  `identity` is signed in place of the destination's name.
    """

    gpg_key: str = ""
    sigstore_key: str = ""
    passphrase: str | None = None
    identity: str = ""

    def __repr__(self) -> str:
        """Without the passphrase: values end up in tracebacks and debug lines."""
        return f"SignOptions(gpg_key={self.gpg_key!r}, sigstore_key={self.sigstore_key!r})"


def makers(
    options: SignOptions, destination: str, reference: Reference | None, environ: Mapping[str, str]
) -> tuple[Maker, ...]:
    """What makes the signatures that `options` asks for, of an image that will be `reference` at `destination`.

    The sigstore key is opened now.  Raises Invalid for a name that cannot be signed, ArgosyError for a wrong
    passphrase.
    """
    if not (options.gpg_key or options.sigstore_key):
        return ()
    name = _identity(options.identity, destination, reference)
    found: list[Maker] = []
    if options.gpg_key:
        found.append(lambda raw: by_gpg(raw, name, options.gpg_key, environ, options.passphrase))
    if options.sigstore_key:
        from argosy.linux import files
        from argosy.signatures import sigstorekeys

        try:
            data = files.read_regular(options.sigstore_key, _KEY_LIMIT)
        except OSError as error:
            raise ArgosyError(f"cannot read {options.sigstore_key}: {str(error.strerror).lower()}") from error
        key = sigstorekeys.private(data, (options.passphrase or "").encode())
        found.append(lambda raw: _by_sigstore(raw, name, key))
    return tuple(found)


def _identity(given: str, destination: str, reference: Reference | None) -> str:
    """The name that is signed: in full, with a tag or digest."""
    if given:
        reference = references.parse(given, default_tag="")
        if not reference.selector:
            raise Invalid("sign identity", given, "it must be a fully specified reference, with a tag or digest")
    if reference is None:
        raise ArgosyError(
            f"{destination} has no name that a signature could be for",
            hint="name the image with --sign-identity, where the command has it, or sign at a registry",
        )
    return str(reference.replace(tag="") if reference.digest else reference)


def by_gpg(
    raw: RawManifest, name: str, key: str, environ: Mapping[str, str], passphrase: str | None = None
) -> Signature:
    """The signature by which the holder of `key` says that the manifest is `name`."""
    from argosy.signatures import gpg, payload
    from argosy.signatures.blob import Simple

    text = payload.make(payload.SIMPLE, raw.digest, name, int(time.time()))
    return Simple(gpg.sign(text, key, environ, passphrase))


def _by_sigstore(raw: RawManifest, name: str, key: object) -> Signature:
    from argosy.signatures import payload, sigstore

    text = payload.make(payload.SIGSTORE, raw.digest, name, int(time.time()))
    return sigstore.sign(text, key)  # type: ignore[arg-type]  # an opened key, whose library is imported lazily
