"""`network prune`: remove the networks that no container is on."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class NetworkPruneOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    filter: tuple[str, ...]
    force: bool


def run(options: NetworkPruneOptions, engine: Engine, out: Output) -> int:
    """Ask, then remove the networks that are not used and that the filters accept; print their names."""
    from argosy.cli.confirm import confirmed
    from argosy.containers import network_filters, networks

    accepts = network_filters.compiled(engine.site, options.filter, docker=out.program == "docker")
    if not options.force:
        kind = "custom networks" if out.program == "docker" else "networks"
        warning = f"WARNING! This will remove all {kind} not used by at least one container."
        if not confirmed(out, warning):
            return 0
    found = [network for network in networks.unused(engine.site) if accepts(network)]
    removed = networks.prune(engine.site, found)
    docker = out.program == "docker"
    for line in ("Deleted Networks:", *removed, "") if docker and removed else removed:
        out.line(line)
    return 0


COMMAND = Command(
    path="network prune",
    summary="Prune unused networks",
    description="Removes the networks that no container is on, running or not. The default network stays.",
    options=NetworkPruneOptions,
    run=run,
    max_operands=0,
    flags=(
        Flag("filter", kind="list", help="Provide filter values (e.g. 'label=<key>=<value>')"),
        Flag("force", short="f", help="Do not prompt for confirmation"),
    ),
    examples=("argosy network prune", "argosy network prune --force --filter label=scratch"),
)
