"""`artifact inspect`: the manifest and the name of an artifact of the store."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.images.artifacts import Artifact


class ArtifactInspectOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    format: str | None


def run(options: ArtifactInspectOptions, engine: Engine, out: Output) -> int:
    """Print the document."""
    from argosy.cli import templates
    from argosy.cli.documents import indented
    from argosy.images.artifacts import Artifacts

    document = _document(engine, Artifacts(engine.store).find(options.operands[0]))
    if options.format and not templates.is_json(options.format):
        fields = {**document, "TotalSizeBytes": sum(layer["size"] for layer in document["Manifest"]["layers"])}
        templates.render(out, options.format, [fields], name="inspect", type_name="entities.ArtifactInspectReport")
    else:
        out.line(indented(document, 5))
    return 0


def _document(engine: Engine, artifact: Artifact) -> dict[str, Any]:
    from argosy import jsontext

    manifest = jsontext.decode(engine.store.blobs.read(artifact.record.manifest_digest))
    return {"Manifest": manifest, "Name": artifact.name, "Digest": artifact.record.manifest_digest}


COMMAND = Command(
    path="artifact inspect",
    summary="Inspect an OCI artifact",
    description="Shows the manifest of an artifact of the local store, which is named by name or digest.",
    usage="ARTIFACT",
    options=ArtifactInspectOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    flags=(Flag("format", short="f", kind="string", help="Format the output using the given Go template"),),
    examples=("argosy artifact inspect registry.example.com/me/model:1",),
)
