"""`volume mount`: where a volume's content is."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class VolumeMountOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: VolumeMountOptions, opener: Opener, out: Output) -> int:
    """Print the directory; that of a plain volume is always there."""
    from argosy.cli.podman.image_mount import open_inside
    from argosy.containers import volume_archives, volumes

    engine = open_inside(opener, "volume mount", out)
    name = volumes.find(engine.site, options.operands[0])
    out.line(volume_archives.mount(engine.store, name))
    return 0


COMMAND = Command(
    path="volume mount",
    summary="Mount volume",
    description=(
        "Prints the directory that holds a volume's content. A volume that is something to be mounted (see volume "
        "create --opt) is, until `volume unmount`. Without root this is for within `argosy unshare`."
    ),
    usage="NAME",
    options=VolumeMountOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    examples=("argosy volume mount data",),
)
