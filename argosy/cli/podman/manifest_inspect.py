"""`manifest inspect`: a manifest list of the store, or the manifest at a registry."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _manifest
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class ManifestInspectOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    authfile: str | None
    tls_verify: bool | None
    verbose: bool  # docker's; what it adds there is always shown here


def run(options: ManifestInspectOptions, engine: Engine, out: Output) -> int:
    """Print the document."""
    from argosy import jsontext
    from argosy.cli.documents import indented
    from argosy.images.manifestlist import Lists
    from argosy.images.resolve import ImageNotKnown

    text = options.operands[0]
    lists = Lists(engine.store)
    try:
        out.line(indented(lists.get(lists.find(text)).document(), 4))
        return 0
    except ImageNotKnown:
        pass
    registry = _manifest.registry_options(authfile=options.authfile, tls_verify=options.tls_verify)
    source, _ = _manifest.open_image(engine, text, registry)
    try:
        out.line(indented(jsontext.decode(source.manifest().data, "manifest"), 4))
    finally:
        source.close()
    return 0


COMMAND = Command(
    path="manifest inspect",
    summary="Display the contents of a manifest list or image index",
    description="Shows a list of the store, or the manifest of an image in the store or at its registry, as JSON.",
    usage="IMAGE",
    options=ManifestInspectOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    flags=(
        _manifest.AUTHFILE,
        _manifest.TLS_VERIFY,
        Flag("verbose", short="v", hidden=True, help="Added compatibility with docker: no effect"),
    ),
    examples=("argosy manifest inspect mylist:v1",),
)
