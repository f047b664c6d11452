"""`version`: what this program is made of, under buildah's names."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output

# buildah's keys, with the words that stand for them in its table.
_LABELS = {
    "version": "Version",
    "goVersion": "Go Version",
    "imageSpec": "Image Spec",
    "runtimeSpec": "Runtime Spec",
    "cniSpec": "CNI Spec",
    "libcniVersion": "libcni Version",
    "imageVersion": "image Version",
    "gitCommit": "Git Commit",
    "built": "Built",
    "osArch": "OS/Arch",
    "buildPlatform": "BuildPlatform",
    "argosyVersion": "Argosy Version",
}
_WIDTH = 17


class VersionFlags(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    json: bool


def run(flags: VersionFlags, _opener: Opener, out: Output) -> int:
    """Print the versions."""
    found = _document()
    if flags.json:
        from argosy.cli.documents import html_safe, indented

        out.line(html_safe(indented(found, 4)))
        return 0
    for key, value in found.items():
        out.line(f"{_LABELS[key]}:".ljust(_WIDTH) + value)
    return 0


def _document() -> dict[str, str]:
    """What buildah tells.  The program is neither built nor in Go, and has no libcni: that stays empty."""
    from argosy.cli.podman import _versions
    from argosy.version import OCI_IMAGE_SPEC, OCI_RUNTIME_SPEC, SPOKEN, VERSION

    host = f"linux/{_versions.architecture()}"
    known = {
        "version": SPOKEN["buildah"],
        "imageSpec": OCI_IMAGE_SPEC,
        "runtimeSpec": OCI_RUNTIME_SPEC,
        "osArch": host,
        "buildPlatform": host,
        "argosyVersion": VERSION,
    }
    return {key: known.get(key, "") for key in _LABELS}


COMMAND = Command(
    path="version",
    summary="Display the version information",
    description="Shows the versions of Argosy and of the formats that it writes.",
    options=VersionFlags,
    run=run,
    max_operands=0,
    flags=(Flag("json", help="Output in JSON format"),),
    examples=("argosy version --json",),
)
