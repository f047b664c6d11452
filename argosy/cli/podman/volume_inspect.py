"""`volume inspect`: all that is known about volumes."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class VolumeInspectOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    format: str


def run(options: VolumeInspectOptions, engine: Engine, out: Output) -> int:
    """Show the volumes; those that cannot be found are told afterwards."""
    from argosy.cli.podman import inspect
    from argosy.containers import volumes
    from argosy.volumes import named

    if options.all == bool(options.operands):
        raise ArgosyError("provide one or more volume names or use --all to inspect all volumes")
    names = list(options.operands)
    if options.all:
        names = [volume.name for volume in named.listing(engine.store).volumes]
    docker = out.program == "docker"
    return inspect.show(
        names, lambda name: inspect.volume(engine, volumes.find(engine.site, name), docker=docker), options.format, out
    )


COMMAND = Command(
    path="volume inspect",
    summary="Display detailed information on one or more volumes",
    description="Displays the low-level information on volumes, as JSON or by a Go template.",
    usage="VOLUME [VOLUME...]",
    options=VolumeInspectOptions,
    run=run,
    flags=(
        Flag("all", short="a", help="Inspect all volumes"),
        Flag("format", short="f", kind="string", default="json", help="Format volume output using Go template"),
    ),
    examples=("argosy volume inspect data", "argosy volume inspect --format '{{.Mountpoint}}' data"),
)
