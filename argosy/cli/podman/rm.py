"""`rm`: remove containers."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _each
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class RmOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    cidfile: tuple[str, ...]
    force: bool
    ignore: bool
    latest: bool
    time: int | None
    volumes: bool


def run(options: RmOptions, engine: Engine, out: Output) -> int:
    """Remove each container.  One that does not exist gives status 1, or is no error with --force or --ignore."""
    ignore = options.ignore or options.force
    names = _each.chosen(
        engine,
        options.operands,
        all_=options.all,
        latest=options.latest,
        cidfiles=options.cidfile,
        ignore=ignore,
    )
    if options.all:
        names += [container_id for container_id, _ in engine.containers.list().damaged]

    def remove(container_id: str) -> None:
        engine.containers.remove(container_id, force=options.force, volumes=options.volumes, timeout_s=options.time)

    return _each.for_each(engine, names, out, remove, ignore=ignore, missing_status=1)


COMMAND = Command(
    path="rm",
    summary="Remove one or more containers",
    description="Removes containers with their writable layers. A running one is stopped first when --force is given.",
    options=RmOptions,
    run=run,
    usage="CONTAINER [CONTAINER...]",
    flags=(
        Flag("all", short="a", help="Remove all containers"),
        Flag("cidfile", kind="list", help="Read the container ID from the file"),
        Flag("force", short="f", help="Force removal of a running or damaged container"),
        Flag("ignore", short="i", help="Ignore errors when a specified container is missing"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
        Flag("time", short="t", kind="int", help="Seconds to wait for stop before killing the container"),
        Flag("volumes", short="v", help="Remove anonymous volumes associated with the container"),
    ),
    examples=("argosy rm web", "argosy rm --force --all"),
)
