"""`standalone-verify`: whether a signature in a file is that of a manifest in a file."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output
    from argosy.signatures.gpg import Verified

_ANY = "any"


class VerifyOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    public_key_file: str | None


def run(options: VerifyOptions, _opener: Opener, out: Output) -> int:
    """Print the key and the digest of a good signature; an error otherwise."""
    from argosy.cli.skopeo.standalone_sign import read_manifest
    from argosy.linux import files
    from argosy.oci import reference as references
    from argosy.signatures import blob, payload

    manifest_path, name, key, path = options.operands
    raw = read_manifest(manifest_path)
    try:
        data = files.read(path, blob.SIZE_LIMIT)
    except OSError as error:
        reason = str(error.strerror).lower()
        raise ArgosyError(f"Error reading signature from {path}: open {path}: {reason}") from error
    found = _verified(data, key, options.public_key_file)
    claim = payload.read(payload.SIMPLE, found.payload)
    expected = references.parse(name, default_tag="")
    if claim.reference != expected:
        raise _refusal(f"Docker reference {claim.reference} does not match {expected}")
    if claim.digest != raw.digest:
        raise _refusal(f"Signature for docker digest {claim.digest} does not match {raw.digest}")
    out.line(f"Signature verified using fingerprint {found.fingerprints[0]}, digest {raw.digest}")
    return 0


def _verified(message: bytes, wanted: str, keyring: str | None) -> Verified:
    """What the message says, made by one of the wanted keys (fingerprints with commas between, or `any`)."""
    from argosy.config.policy import Key
    from argosy.signatures import gpg

    if wanted == _ANY and keyring is None:
        raise ArgosyError("Cannot use any fingerprint without a public key file", hint="see --public-key-file")
    try:
        found = gpg.verify(message, [Key(keyring).read() if keyring else gpg.export(os.environ)])
    except gpg.BadSignature as error:
        raise _refusal(str(error)) from error
    if wanted != _ANY and set(wanted.upper().split(",")).isdisjoint(found.fingerprints):
        raise _refusal(f"Signature by {found.fingerprints[0]} does not match expected fingerprint {wanted}")
    return found


def _refusal(why: str) -> ArgosyError:
    return ArgosyError(f"Error verifying signature: {why}")


COMMAND = Command(
    path="standalone-verify",
    summary="Verify a signature using local files",
    description=(
        "Says whether SIGNATURE is a signature of the manifest as the image DOCKER-REFERENCE, made by the GnuPG key "
        "KEY-FINGERPRINT (in full; several with commas between, or `any`). Public keys come from the user's keyring, "
        "or from --public-key-file alone."
    ),
    usage="MANIFEST DOCKER-REFERENCE KEY-FINGERPRINTS SIGNATURE",
    options=VerifyOptions,
    run=run,
    min_operands=4,
    max_operands=4,
    flags=(Flag("public-key-file", kind="string", help="File with the public keys to use, in place of the keyring"),),
    examples=("skopeo standalone-verify manifest.json registry.example.com/busybox:1 1D8230F6... busybox.signature",),
)
