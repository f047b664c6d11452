"""What `pause` and `unpause` have in common: how containers are chosen, and which of --all are passed over."""

from __future__ import annotations

from argosy.cli.flags import Flag
from argosy.cli.podman import _each
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.cli.output import Output
    from argosy.engine import Engine


class PausingOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    cidfile: tuple[str, ...]
    filter: tuple[str, ...]
    latest: bool


def flags(all_help: str) -> tuple[Flag, ...]:
    """The flags of both, with the help of --all."""
    return (
        Flag("all", short="a", help=all_help),
        Flag("cidfile", kind="list", help="Read the container ID from the file"),
        Flag("filter", short="f", kind="list", help="Choose containers by what they are (as `ps --filter`)"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
    )


def each(options: PausingOptions, engine: Engine, out: Output, work: Callable[[str], None], status: str) -> int:
    """Do `work` with each container; with --all, with those alone whose status is `status`."""
    names = _each.chosen(
        engine,
        options.operands,
        all_=options.all,
        latest=options.latest,
        cidfiles=options.cidfile,
        filters=options.filter,
    )

    def act(container_id: str) -> bool:
        if options.all and engine.containers.view(container_id).run.status != status:
            return False
        work(container_id)
        return True

    return _each.for_each(engine, names, out, act)
