"""`manifest create`: a new manifest list."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _manifest
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class ManifestCreateOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    amend: bool
    insecure: bool
    tls_verify: bool | None


def run(options: ManifestCreateOptions, engine: Engine, out: Output) -> int:
    """Make the list, add the images, and print its id; one that cannot get its images is not left."""
    from argosy.images.manifestlist import Lists

    lists = Lists(engine.store)
    name, *images = options.operands
    known = set(engine.store.shelf("manifests").ids())
    list_id = lists.create(name, amend=options.amend)
    registry = _manifest.registry_options(
        tls_verify=_manifest.verification(tls_verify=options.tls_verify, insecure=options.insecure)
    )
    try:
        for text in images:
            _manifest.add(engine, list_id, text, registry, every=options.all)
    except BaseException:
        if list_id not in known:
            lists.remove(list_id)
        raise
    out.line(list_id)
    return 0


COMMAND = Command(
    path="manifest create",
    summary="Create manifest list or image index",
    description="Makes a list of images, to which `manifest add` adds, and which `manifest push` sends to a registry.",
    usage="LIST [IMAGE...]",
    options=ManifestCreateOptions,
    run=run,
    min_operands=1,
    flags=(
        Flag("all", help="Add all of the lists' images if the images to add are lists"),
        Flag("amend", short="a", help="Modify an existing list if one with the desired name already exists"),
        _manifest.INSECURE,
        _manifest.TLS_VERIFY,
    ),
    examples=("argosy manifest create mylist:v1 app:amd64 docker://registry.example.com/app:arm64",),
)
