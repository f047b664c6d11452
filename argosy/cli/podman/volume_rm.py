"""`volume rm`: remove volumes."""

from __future__ import annotations

from argosy.cli.errors import report
from argosy.cli.flags import Command, Flag, OperandsError
from argosy.errors import ArgosyError, NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class VolumeRemoveOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    force: bool
    time: int | None


def run(options: VolumeRemoveOptions, engine: Engine, out: Output) -> int:
    """Remove each volume and print its name as it was given.  The status is that of the last error."""
    from argosy.containers import volumes
    from argosy.volumes import named

    if options.all == bool(options.operands):
        raise OperandsError("choose either one or more volumes or all", 1)
    if options.time is not None and not options.force:
        raise ArgosyError("--force option must be specified to use the --time option")
    status = 0
    for text in options.operands or [volume.name for volume in named.listing(engine.store).volumes]:
        try:
            name = volumes.find(engine.site, text)
            if options.force and engine.store.pods.ids():
                from argosy.pods import remove

                remove.with_infra(engine.site, volumes.users(engine.site).of(name), options.time)
            volumes.remove(engine.site, name, force=options.force, timeout_s=options.time)
        except NotFound as error:
            if not options.force:
                status = report(error, out)
                status = 1 if status == 125 else status
            continue
        except ArgosyError as error:
            status = report(error, out)
            continue
        out.line(text)
    return status


COMMAND = Command(
    path="volume rm",
    summary="Remove one or more volumes",
    description=(
        "Removes volumes with all that is in them. One that a container uses stays, unless --force removes that "
        "container as well."
    ),
    usage="VOLUME [VOLUME...]",
    options=VolumeRemoveOptions,
    run=run,
    flags=(
        Flag("all", short="a", help="Remove all volumes"),
        Flag("force", short="f", help="Remove a volume by force, even if it is being used by a container"),
        Flag("time", short="t", kind="uint", help="Seconds to wait for running containers to stop before killing them"),
    ),
    examples=("argosy volume rm data", "argosy volume rm --all --force"),
)
