"""`image sign`: signatures for images at registries, into the signature storage."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _registry
from argosy.errors import ArgosyError, Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output
    from argosy.config.registries import Registries
    from argosy.oci.reference import Reference
    from argosy.transports.source import ImageSource, RawManifest


class ImageSignOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    authfile: str | None
    cert_dir: str | None
    directory: str | None
    sign_by: str | None


def run(options: ImageSignOptions, opener: Opener, _out: Output) -> int:
    """Sign each image."""
    if not options.sign_by:
        raise ArgosyError("please provide an identity", hint="name a GnuPG key with --sign-by")
    if options.directory and not os.path.isdir(options.directory):
        raise Invalid("directory", options.directory, "it is not a directory")
    registries = _registry.load(opener)
    for text in options.operands:
        _sign(options, _reference(text, registries), registries)
    return 0


def _reference(text: str, registries: Registries) -> Reference:
    from argosy.images.pull import without_transport

    return registries.candidates(without_transport(text))[0]


def _sign(options: ImageSignOptions, reference: Reference, registries: Registries) -> None:
    from argosy.config import registriesd
    from argosy.images import sign
    from argosy.linux import userns
    from argosy.signatures import blob
    from argosy.transports import docker
    from argosy.transports.access import RegistryOptions
    from argosy.transports.lookaside import Lookaside

    base = f"file://{os.path.abspath(options.directory)}" if options.directory else ""
    if not base:
        places = registriesd.load(os.environ, rootless=userns.needed())
        base = places.lookaside(reference, write=True)
    lookaside = Lookaside(base, reference.repository, os.environ)
    lookaside.check_writable()
    source = docker.open_source(
        reference,
        registries=registries,
        environ=os.environ,
        uid=userns.outer_uid(),
        options=RegistryOptions(authfile=options.authfile or "", cert_dir=options.cert_dir or ""),
    )
    try:
        for raw in _manifests(source, everything=options.all):
            made = sign.by_gpg(raw, str(reference), options.sign_by or "", os.environ)
            lookaside.add(raw.digest, blob.encode(made))
    finally:
        source.close()


def _manifests(source: ImageSource, *, everything: bool) -> list[RawManifest]:
    """The image's manifest or index, and with `everything` each that the index names."""
    from argosy.oci import manifest as manifests
    from argosy.oci.manifest import Index

    raw = source.manifest()
    document = manifests.parse(raw.data, raw.media_type, artifact=True)
    if not everything or not isinstance(document, Index):
        return [raw]
    return [raw, *(source.manifest(entry.digest) for entry in document.manifests)]


COMMAND = Command(
    path="image sign",
    summary="Sign an image",
    description=(
        "Signs images at registries with a GnuPG key of the user's and writes the signatures where registries.d says "
        "that they are kept, by default /var/lib/containers/sigstore for root and ~/.local/share/containers/sigstore "
        "for other users."
    ),
    usage="IMAGE [IMAGE...]",
    options=ImageSignOptions,
    run=run,
    min_operands=1,
    flags=(
        Flag("all", short="a", help="Sign all the manifests of the multi-architecture image"),
        Flag("authfile", kind="string", help="Path of the authentication file"),
        Flag("cert-dir", kind="string", help="Pathname of a directory containing TLS certificates and keys"),
        Flag("directory", short="d", kind="string", help="Define an alternate directory to store signatures"),
        Flag("sign-by", kind="string", help="Name of the signing key"),
    ),
    examples=("argosy image sign --sign-by me@example.com docker://registry.example.com/me/app:1",),
)
