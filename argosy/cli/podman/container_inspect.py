"""`container inspect`: all that is known about containers."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.cli.podman import inspect
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class ContainerInspectOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    format: str
    latest: bool
    size: bool


def run(options: ContainerInspectOptions, engine: Engine, out: Output) -> int:
    """Show each container; those that do not exist are told afterwards."""
    docker = out.program == "docker"
    names = inspect.chosen(engine, options.operands, latest=options.latest)
    return inspect.show(
        names, lambda name: inspect.container(engine, name, size=options.size, docker=docker), options.format, out
    )


COMMAND = Command(
    path="container inspect",
    summary="Display the configuration of a container",
    description="Displays the low-level information on containers, named or given by id.",
    options=ContainerInspectOptions,
    run=run,
    usage="CONTAINER [CONTAINER...]",
    flags=tuple(flag for flag in inspect.COMMAND.flags if flag.name != "type"),
    examples=("argosy container inspect web", 'argosy container inspect --format "{{.Name}}" --latest'),
)
