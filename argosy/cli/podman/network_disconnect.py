"""`network disconnect`: one network less for a container."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class NetworkDisconnectOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    force: bool


def run(options: NetworkDisconnectOptions, engine: Engine, out: Output) -> int:
    """Take the container off the network; with --force it is no error when it is not on it."""
    from argosy.cli.podman import _each
    from argosy.containers import inspect_networks, network_changes

    name, container = options.operands
    if out.program == "docker":
        name = inspect_networks.named_by_docker(engine.site, name)
    try:
        network_changes.disconnect(engine.site, _each.find(engine, container), name)
    except NotFound:
        if not options.force:
            raise
    return 0


COMMAND = Command(
    path="network disconnect",
    summary="Disconnect a container from a network",
    description="Takes a container off a network: at once if it runs, and for every later start.",
    usage="NETWORK CONTAINER",
    options=NetworkDisconnectOptions,
    run=run,
    min_operands=2,
    max_operands=2,
    flags=(Flag("force", short="f", help="Do not complain when the container or the network is not there"),),
    examples=("argosy network disconnect backend web",),
)
