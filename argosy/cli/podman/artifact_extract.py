"""`artifact extract`: the files of an artifact, into a directory or a file."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class ArtifactExtractOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    digest: str | None
    title: str | None


def run(options: ArtifactExtractOptions, engine: Engine, _out: Output) -> int:
    """Write the files."""
    from argosy.images.artifacts import Artifacts

    if options.digest and options.title:
        raise ArgosyError("cannot specify both digest and title")
    name, target = options.operands
    artifacts = Artifacts(engine.store)
    artifacts.extract(artifacts.find(name), target, digest=options.digest or "", title=options.title or "")
    return 0


COMMAND = Command(
    path="artifact extract",
    summary="Extract an OCI artifact to a local path",
    description=(
        "Writes the files of an artifact of the local store into a directory, each under its title (or its digest, "
        "where it has none), or its only file to PATH."
    ),
    usage="ARTIFACT PATH",
    options=ArtifactExtractOptions,
    run=run,
    min_operands=2,
    max_operands=2,
    flags=(
        Flag("digest", kind="string", help="Only extract blob with the given digest"),
        Flag("title", kind="string", help="Only extract blob with the given title"),
    ),
    examples=("argosy artifact extract registry.example.com/me/model:1 models/",),
)
