"""`artifact ls`: the artifacts of the store, or what refers to an image at a registry."""

from __future__ import annotations

from argosy import human
from argosy.cli.flags import Command, Flag
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.images.artifacts import Artifact

_SHORT_DIGEST = 12
_TABLE = "table {{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.Created}}\t{{.Size}}"


class ArtifactLsOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    format: str | None
    no_trunc: bool
    noheading: bool
    referrers: str | None
    tls_verify: bool | None


def run(options: ArtifactLsOptions, engine: Engine, out: Output) -> int:
    """List them by name."""
    from argosy.cli import templates
    from argosy.images.artifacts import Artifacts

    if options.referrers:
        _list_referrers(options, engine, out)
        return 0
    found = Artifacts(engine.store).all()
    for error in found.damaged:
        out.error(f"Error: {error}")
    rows = [_fields(artifact, options) for artifact in found.artifacts]
    if templates.is_json(options.format or ""):
        from argosy.cli.documents import indented

        out.line(indented(rows, 4))
        return 0
    templates.render(
        out,
        options.format or _TABLE,
        rows,
        name="ls",
        type_name="artifacts.artifactListOutput",
        show_headings=not options.noheading,
        ranging=True,
    )
    return 0


def _fields(artifact: Artifact, options: ArtifactLsOptions) -> dict[str, Any]:
    from argosy.oci import reference as references

    name = references.parse(artifact.name, default_tag="")
    digits = artifact.record.manifest_digest.partition(":")[2]
    return {
        "Created": human.ago(artifact.created_ns),
        "CreatedAt": human.moment(artifact.created_ns),
        "Digest": digits if options.no_trunc else digits[:_SHORT_DIGEST],
        "Repository": name.name,
        "Size": human.tight_size(artifact.size_bytes),
        "Tag": name.tag,
        "VirtualSize": artifact.size_bytes,
    }


def _list_referrers(options: ArtifactLsOptions, engine: Engine, out: Output) -> None:
    """What refers to an image or artifact at a registry."""
    from argosy.oci import reference as references
    from argosy.registry import referrers
    from argosy.transports.access import RegistryOptions

    reference = references.parse((options.referrers or "").removeprefix("docker://"))
    source = engine.open_source(reference, RegistryOptions(tls_verify=options.tls_verify))
    try:
        found = referrers.find(source.client(), source.manifest().digest)
    finally:
        source.close()
    rows = [
        [str(entry.digest), entry.artifact_type or entry.media_type, human.tight_size(entry.size)] for entry in found
    ]
    out.table(() if options.noheading else ("DIGEST", "TYPE", "SIZE"), rows)


COMMAND = Command(
    path="artifact ls",
    summary="List OCI artifacts",
    description=(
        "Lists the artifacts of the local store; with --referrers, the artifacts that an image's registry knows to be "
        "about it."
    ),
    options=ArtifactLsOptions,
    run=run,
    max_operands=0,
    flags=(
        Flag("format", kind="string", help="Format artifact output using JSON or a Go template"),
        Flag("no-trunc", help="Do not truncate output"),
        Flag("noheading", short="n", help="Do not print column headings"),
        Flag("referrers", kind="string", help="List what refers to this image or artifact at its registry"),
        Flag("tls-verify", kind="optbool", help="Require HTTPS and verify certificates of that registry"),
    ),
    examples=("argosy artifact ls", "argosy artifact ls --referrers registry.example.com/app:1"),
)
