"""`volume import`: a tar archive put into a volume."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class VolumeImportOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: VolumeImportOptions, engine: Engine, _out: Output) -> int:
    """Merge the archive into the volume."""
    from argosy.cli.podman import _volumes
    from argosy.containers import volume_archives
    from argosy.images.archives import open_archive

    text, source = options.operands
    name = _volumes.exact(engine, text)
    with open_archive(source, engine.store.root, engine.environ) as archive:
        volume_archives.import_archive(engine.store, name, archive)
    return 0


COMMAND = Command(
    path="volume import",
    summary="Import a tarball contents into a volume",
    description=(
        "Merges what is in a tar archive (plain, gzip, zstd, xz or bzip2; `-` is standard input) into a volume that is "
        "there: what has the same name is replaced, all else stays. A broken archive changes nothing."
    ),
    usage="VOLUME SOURCE|-",
    options=VolumeImportOptions,
    run=run,
    min_operands=2,
    max_operands=2,
    examples=("argosy volume import data data.tar", "gzip -dc data.tar.gz | argosy volume import data -"),
)
