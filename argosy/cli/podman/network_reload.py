"""`network reload`: the firewall's rules once more, for containers that run."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _each
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class NetworkReloadOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    latest: bool


def run(options: NetworkReloadOptions, engine: Engine, out: Output) -> int:
    """Make the table of rules again from what is written down, and print the ids of the containers that were named."""
    from argosy.containers import state
    from argosy.network import attach, bridged

    _each.check(options.operands, all_=options.all, latest=options.latest)
    names = _each.chosen(engine, options.operands, all_=options.all, latest=options.latest)
    site = engine.site

    def reload(container_id: str) -> bool:
        connected = attach.read(site.run_directory(container_id))
        if state.derive(site, container_id).pid == 0 or connected is None or not connected.shared:
            if options.all:
                return False
            raise ArgosyError(
                f"container {container_id} network is not configured, refusing to reload: container state improper",
                hint="only containers that run, on bridge networks, have rules",
            )
        bridged.restore(site.store.run, connected, site.conf, out.notice)
        out.line(container_id)
        return False

    return _each.for_each(engine, names, out, reload)


COMMAND = Command(
    path="network reload",
    summary="Reload firewall rules for one or more containers",
    description=(
        "Makes argosy's table of the firewall again after somebody flushed all rules, and starts the server of names "
        "where it has ended. The next container that starts does the same where the table or its rules are gone."
    ),
    usage="[CONTAINER...]",
    options=NetworkReloadOptions,
    run=run,
    flags=(
        Flag("all", short="a", help="Reload network configuration of all containers"),
        Flag("latest", short="l", help="Act on the latest container"),
    ),
    examples=("argosy network reload --all",),
)
