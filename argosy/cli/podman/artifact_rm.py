"""`artifact rm`: artifacts out of the store."""

from __future__ import annotations

from argosy.cli.errors import report
from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError, NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class ArtifactRmOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    ignore: bool


def run(options: ArtifactRmOptions, engine: Engine, out: Output) -> int:
    """Remove each, and print its digest.  One that cannot be removed does not keep the others from it."""
    from argosy.images.artifacts import Artifacts
    from argosy.storage import gc

    if options.all and options.operands:
        raise ArgosyError("when using the --all switch, you may not pass any artifact names or digests")
    if not options.all and not options.operands:
        raise ArgosyError("a single artifact name or digest must be specified", hint="or --all")
    artifacts = Artifacts(engine.store)
    status = 0
    if options.all:
        found = list(artifacts.all().artifacts)
    else:
        found = []
        for text in options.operands:
            try:
                found.append(artifacts.find(text))
            except NotFound as error:
                if not options.ignore:
                    status = report(error, out)
    for artifact in found:
        artifacts.remove(artifact)
        out.line(artifact.record.manifest_digest.partition(":")[2])
    if found:
        gc.collect(engine.store)
    return status


COMMAND = Command(
    path="artifact rm",
    summary="Remove an OCI artifact",
    description="Removes artifacts from the local store, by name or digest.",
    usage="[ARTIFACT...]",
    options=ArtifactRmOptions,
    run=run,
    flags=(
        Flag("all", short="a", help="Remove all artifacts"),
        Flag("ignore", short="i", help="Ignore errors when a specified artifact is missing"),
    ),
    examples=("argosy artifact rm registry.example.com/me/model:1", "argosy artifact rm --all"),
)
