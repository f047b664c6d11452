"""`container prune`: remove all containers that do not run."""

from __future__ import annotations

from argosy.cli.errors import report
from argosy.cli.flags import Command, Flag
from argosy.containers.filters import PRUNING, Filters
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine

_WARNING = "WARNING! This will remove all non running containers."


class PruneOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    filter: tuple[str, ...]
    force: bool


def run(options: PruneOptions, engine: Engine, out: Output) -> int:
    """Ask, then remove each container that was created or has ended and that the filters accept; print its id."""
    from argosy.cli.podman import _prune_docker

    accepted = _filters(options, engine)
    if not options.force:
        from argosy.cli.confirm import confirmed

        if not confirmed(out, _WARNING):
            return 0
    docker = out.program == "docker"
    sizes = _prune_docker.container_bytes(engine, engine.containers.list().views) if docker else {}
    pruned = engine.containers.prune(accepted.accepts)
    if docker:
        _prune_docker.show(out, "Deleted Containers", pruned.removed, _prune_docker.total(sizes, pruned.removed))
    else:
        for container_id in pruned.removed:
            out.line(container_id)
    return max((report(error, out) for error in pruned.failures), default=0)


def _filters(options: PruneOptions, engine: Engine) -> Filters:
    for text in options.filter:
        if "=" not in text:
            raise ArgosyError(f"filter input must be in the form of filter=value: {text} is invalid")
    return Filters(engine.site, engine.load_registries, options.filter, PRUNING)


COMMAND = Command(
    path="container prune",
    summary="Remove all non running containers",
    description=(
        "Removes every container that does not run, or of those the ones that the filters (label, label!, until) "
        "accept, and prints the ids."
    ),
    options=PruneOptions,
    run=run,
    flags=(
        Flag("filter", kind="list", help="Provide filter values (e.g. 'label=<key>=<value>', 'until=24h')"),
        Flag("force", short="f", help="Do not prompt for confirmation"),
    ),
    max_operands=0,
    examples=("argosy container prune --force", "argosy container prune --filter until=24h"),
)
