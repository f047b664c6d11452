"""`system prune`: everything that nobody uses, removed."""

from __future__ import annotations

from argosy.cli.errors import report
from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from argosy.cli.output import Output
    from argosy.engine import Engine


class SystemPruneOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    filter: tuple[str, ...]
    force: bool
    volumes: bool


def run(options: SystemPruneOptions, engine: Engine, out: Output) -> int:
    """Remove, in this order, pods, containers that do not run, networks, volumes, images and what they have left."""
    from argosy.images import prune
    from argosy.storage import gc

    if options.volumes and options.filter:
        raise ArgosyError("--filter and --volumes cannot be used together: volumes would be removed unfiltered")
    if not options.force and not _confirmed(options, out):
        return 0
    prune.candidates(engine.store, engine.load_registries, options.filter)  # a wrong filter must not remove anything
    status = 0 if options.filter else _pods(engine, out)
    failed, containers = _containers(options, engine, out)
    status = failed or status
    _show(out, "Deleted Containers", containers)
    _show(out, "Deleted Networks", _networks(options, engine))
    if options.volumes:
        _show(out, "Deleted Volumes", _volumes(engine))
    images = prune.prune(engine.store, engine.load_registries, options.filter, everything=options.all)
    _show(out, "Deleted Images", images)
    if not options.filter:
        engine.build().prune_cache()
    garbage = gc.collect(engine.store, downloads=True)
    from argosy import human

    out.line(f"Total reclaimed space: {human.size(garbage.size_bytes).replace(' ', '')}")
    return status


def _confirmed(options: SystemPruneOptions, out: Output) -> bool:
    from argosy.cli.confirm import confirmed

    what = ["all stopped containers", "all networks not used by at least one container"]
    if options.volumes:
        what.append("all volumes not used by at least one container")
    what.append(
        "all images without at least one container associated to them" if options.all else "all dangling images"
    )
    what.append("all dangling build cache")
    return confirmed(out, "WARNING! This command removes:\n" + "".join(f"\t- {one}\n" for one in what))


def _pods(engine: Engine, out: Output) -> int:
    """Remove the pods that have stopped; a filter by label or time chooses none."""
    if not engine.store.pods.ids():
        return 0
    from argosy.pods import remove

    pruned = remove.prune(engine.site)
    _show(out, "Deleted Pods", pruned.removed)
    return max((report(error, out) for error in pruned.failures), default=0)


def _containers(options: SystemPruneOptions, engine: Engine, out: Output) -> tuple[int, tuple[str, ...]]:
    from argosy.containers.filters import PRUNING, Filters

    accepted = Filters(engine.site, engine.load_registries, options.filter, PRUNING)
    pruned = engine.containers.prune(accepted.accepts)
    return max((report(error, out) for error in pruned.failures), default=0), pruned.removed


def _networks(options: SystemPruneOptions, engine: Engine) -> list[str]:
    """Remove the networks that no container is on."""
    from argosy.containers import network_filters, networks

    accepts = network_filters.compiled(engine.site, options.filter)
    return networks.prune(engine.site, [network for network in networks.unused(engine.site) if accepts(network)])


def _volumes(engine: Engine) -> list[str]:
    """Remove the volumes that no container's record names."""
    from argosy.containers import volumes

    return volumes.prune(engine.site, volumes.unused(engine.site))


def _show(out: Output, title: str, names: Iterable[str]) -> None:
    lines = list(names)
    if lines:
        out.line(title)
        for name in lines:
            out.line(name)


COMMAND = Command(
    path="system prune",
    summary="Remove unused data",
    description=(
        "Removes all containers that do not run, all networks that no container is on, all images without a name, and\n"
        "everything in the store that nothing refers to.  Volumes are kept unless asked for, since what is in them\n"
        "exists nowhere else."
    ),
    options=SystemPruneOptions,
    run=run,
    max_operands=0,
    flags=(
        Flag("all", short="a", help="Remove all images that no container uses, not just those without a name"),
        Flag("filter", kind="list", help="Provide filter values (e.g. 'label=<key>=<value>', 'until=24h')"),
        Flag("force", short="f", help="Do not prompt for confirmation"),
        Flag("volumes", help="Remove the volumes that no container uses"),
    ),
    examples=("argosy system prune", "argosy system prune --all --force --filter until=24h"),
)
