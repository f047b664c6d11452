"""`network inspect`: all that is known about networks."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class NetworkInspectOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    format: str
    verbose: bool = False


def run(options: NetworkInspectOptions, engine: Engine, out: Output) -> int:
    """Show the networks; those that cannot be found are told afterwards."""
    from argosy.cli.podman import inspect

    docker = out.program == "docker"
    names = list(options.operands)
    return inspect.show(names, lambda name: inspect.network(engine, name, docker=docker), options.format, out)


COMMAND = Command(
    path="network inspect",
    summary="Displays the network configuration for one or more networks",
    description="Displays the low-level information on networks, as JSON or by a Go template.",
    usage="NETWORK [NETWORK...]",
    options=NetworkInspectOptions,
    run=run,
    min_operands=1,
    flags=(
        Flag(
            "format",
            short="f",
            kind="string",
            default="json",
            help="Pretty-print network to JSON or using a Go template",
        ),
        Flag("verbose", short="v", only="docker", help="Show a swarm's services as well, which there are none of"),
    ),
    examples=("argosy network inspect podman", "argosy network inspect --format '{{.Driver}}' podman"),
)
