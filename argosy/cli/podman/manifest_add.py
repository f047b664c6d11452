"""`manifest add`: images into a manifest list."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _manifest
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class ManifestAddOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    annotation: tuple[str, ...]
    arch: str | None
    authfile: str | None
    cert_dir: str | None
    creds: str | None
    features: tuple[str, ...]
    os: str | None
    os_features: tuple[str, ...]
    os_version: str | None
    tls_verify: bool | None
    variant: str | None


def run(options: ManifestAddOptions, engine: Engine, out: Output) -> int:
    """Add each image, and print the list's id."""
    from argosy.images.manifestlist import Changes, Lists

    name, *images = options.operands
    list_id = Lists(engine.store).find(name)
    changes = Changes(
        architecture=options.arch,
        os=options.os,
        variant=options.variant,
        os_version=options.os_version,
        features=options.features,
        os_features=options.os_features,
        annotations=options.annotation,
    )
    registry = _manifest.registry_options(
        authfile=options.authfile, cert_dir=options.cert_dir, creds=options.creds, tls_verify=options.tls_verify
    )
    for text in images:
        _manifest.add(engine, list_id, text, registry, every=options.all, changes=changes)
    out.line(list_id)
    return 0


COMMAND = Command(
    path="manifest add",
    summary="Add images to a manifest list or image index",
    description="Adds images of the store or at registries to a list; of an index the one for this host, or --all.",
    usage="LIST IMAGE [IMAGE...]",
    options=ManifestAddOptions,
    run=run,
    min_operands=2,
    flags=(
        Flag("all", help="Add all of the list's images if the image is a list"),
        _manifest.AUTHFILE,
        _manifest.CERT_DIR,
        _manifest.CREDS,
        _manifest.TLS_VERIFY,
        *_manifest.ENTRY_FLAGS,
        _manifest.OS_FEATURES,
    ),
    examples=("argosy manifest add mylist:v1 docker://registry.example.com/app:arm64",),
)
