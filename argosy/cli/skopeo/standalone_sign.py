"""`standalone-sign`: a simple-signing signature of a manifest in a file."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output
    from argosy.transports.source import RawManifest


class SignOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    output: str | None
    passphrase_file: str | None


def run(options: SignOptions, _opener: Opener, _out: Output) -> int:
    """Sign the manifest under the reference, and write the signature."""
    from argosy.cli import signing
    from argosy.images import sign
    from argosy.oci import reference as references
    from argosy.signatures import blob

    if not options.output:
        raise ArgosyError(
            "no file for the signature was given",
            hint="skopeo standalone-sign MANIFEST DOCKER-REFERENCE KEY-FINGERPRINT --output SIGNATURE",
        )
    path, name, key = options.operands
    raw = read_manifest(path)
    reference = references.parse(name, default_tag="")
    passphrase = signing.read_passphrase(options.passphrase_file) if options.passphrase_file else None
    made = sign.by_gpg(raw, str(reference), key, os.environ, passphrase)
    try:
        with open(options.output, "wb") as file:
            file.write(blob.encode(made))
    except OSError as error:
        reason = str(error.strerror).lower()
        raise ArgosyError(f"Error writing signature to {options.output}: {reason}") from error
    return 0


def read_manifest(path: str) -> RawManifest:
    """The manifest in a file, with its digest."""
    from argosy.linux import files
    from argosy.oci import digest, manifest
    from argosy.transports.source import RawManifest

    try:
        data = files.read(path, manifest.SIZE_LIMIT)
    except OSError as error:
        raise ArgosyError(f"Error reading {path}: open {path}: {str(error.strerror).lower()}") from error
    return RawManifest(data, "", digest.of_bytes(data))


COMMAND = Command(
    path="standalone-sign",
    summary="Create a signature using local files",
    description=(
        "Signs a manifest in a file as the image DOCKER-REFERENCE, with the secret GnuPG key KEY-FINGERPRINT. The "
        "signature is what a lookaside storage keeps as signature-1."
    ),
    usage="MANIFEST DOCKER-REFERENCE KEY-FINGERPRINT --output|-o SIGNATURE",
    options=SignOptions,
    run=run,
    min_operands=3,
    max_operands=3,
    flags=(
        Flag("output", short="o", kind="string", help="Output the signature to SIGNATURE"),
        Flag("passphrase-file", kind="string", help="File with the passphrase of the key in its first line"),
    ),
    examples=("skopeo standalone-sign manifest.json registry.example.com/busybox:1 1D8230F6 -o busybox.signature",),
)
