"""`manifest-digest`: the digest of a manifest in a file."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class DigestOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: DigestOptions, _opener: Opener, out: Output) -> int:
    """Print the digest."""
    from argosy.linux import files
    from argosy.oci import digest, manifest

    path = options.operands[0]
    try:
        data = files.read(path, manifest.SIZE_LIMIT)
    except OSError as error:
        reason = str(error.strerror).lower()
        raise ArgosyError(f"Error reading manifest from {path}: open {path}: {reason}") from error
    out.line(digest.of_bytes(data))
    return 0


COMMAND = Command(
    path="manifest-digest",
    summary="Compute a manifest digest of a file",
    description="Prints the sha256 digest of a manifest as it is in the file.",
    usage="MANIFEST-FILE",
    options=DigestOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    examples=("skopeo manifest-digest manifest.json",),
)
