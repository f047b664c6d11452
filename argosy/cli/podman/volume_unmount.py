"""`volume unmount`: the end of `volume mount`."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class VolumeUnmountOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: VolumeUnmountOptions, opener: Opener, out: Output) -> int:
    """Undo one mount, and print the name."""
    from argosy.cli.podman.image_mount import open_inside
    from argosy.containers import volume_archives, volumes

    engine = open_inside(opener, "volume unmount", out)
    name = volumes.find(engine.site, options.operands[0])
    volume_archives.unmount(engine.store, name)
    out.line(name)
    return 0


COMMAND = Command(
    path="volume unmount",
    summary="Unmount volume",
    description="Undoes `volume mount`, as often as that was called. A plain volume needs no mounting, and stays.",
    usage="NAME",
    options=VolumeUnmountOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    examples=("argosy volume unmount data",),
)
