"""`manifest annotate`: what a manifest list says about one of its images."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.cli.podman import _manifest
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class ManifestAnnotateOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    annotation: tuple[str, ...]
    arch: str | None
    features: tuple[str, ...]
    os: str | None
    os_features: tuple[str, ...]
    os_version: str | None
    variant: str | None


def run(options: ManifestAnnotateOptions, engine: Engine, out: Output) -> int:
    """Change the entry, and print the list's id."""
    from argosy.images.manifestlist import Changes, Lists, ManifestList, entry_at

    name, digest = options.operands
    if out.program == "docker":
        digest = _manifest.digest_of(engine, digest, _manifest.registry_options(tls_verify=None))
    lists = Lists(engine.store)
    list_id = lists.find(name)
    changes = Changes(
        architecture=options.arch,
        os=options.os,
        variant=options.variant,
        os_version=options.os_version,
        features=options.features,
        os_features=options.os_features,
        annotations=options.annotation,
    )

    def changed(old: ManifestList) -> ManifestList:
        entries = list(old.entries)
        position = entry_at(old, name, digest)
        entries[position] = changes.apply(entries[position])
        return old.replace(entries=tuple(entries))

    lists.change(list_id, changed)
    out.line(list_id)
    return 0


COMMAND = Command(
    path="manifest annotate",
    summary="Add or update information about an entry in a manifest list or image index",
    description="Changes the platform or the annotations of the entry with a digest.",
    usage="LIST IMAGE",
    options=ManifestAnnotateOptions,
    run=run,
    min_operands=2,
    max_operands=2,
    flags=(*_manifest.ENTRY_FLAGS, _manifest.OS_FEATURES),
    examples=("argosy manifest annotate --annotation left=right mylist:v1 sha256:...",),
)
