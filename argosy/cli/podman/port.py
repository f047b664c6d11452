"""`port`: which ports of the host lead to which ports of a container."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag, UsageError, quoted
from argosy.cli.podman import _each
from argosy.containers import ports
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine

_SHORT_ID = 12
_LARGEST_PORT = 65535


class PortOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    latest: bool


def run(options: PortOptions, engine: Engine, out: Output) -> int:
    """Print the ports of one container, or of all that run; of a port that was named only the host's side."""
    words = list(options.operands)
    _check(options)
    if options.all:
        for view in engine.containers.list(under_way=True).views:
            if view.run.pid:
                for inside, protocol, address, outside in ports.published(view.options):
                    out.line(f"{view.id[:_SHORT_ID]}\t{inside}/{protocol} -> {address}:{outside}")
        return 0
    container_id = _each.newest(engine) if options.latest else _each.find(engine, words.pop(0))
    wanted = _port(words[0]) if words else None
    found = list(ports.published(engine.containers.view(container_id).options))
    for inside, protocol, address, outside in found:
        if wanted is None:
            out.line(f"{inside}/{protocol} -> {address}:{outside}")
        elif wanted == (inside, protocol):
            out.line(f"{address}:{outside}")
    if found and wanted is not None and not any(wanted == port[:2] for port in found):
        if out.program == "docker":
            raise UsageError(f"Error: No public port '{words[0]}' published for {options.operands[0]}", exit_code=1)
        raise ArgosyError(f"failed to find published port {quoted(words[0])}")
    return 0


def _check(options: PortOptions) -> None:
    count = len(options.operands)
    if options.all and options.latest:
        raise ArgosyError("--all and --latest cannot be used together")
    if options.all and count:
        raise ArgosyError("no arguments are needed with --all")
    if options.latest and count > 1:
        raise ArgosyError("`port` takes no container with --latest, and one port at most")
    if not count and not options.latest and not options.all:
        raise ArgosyError("you must supply a running container name or id")


def _port(text: str) -> tuple[int, str]:
    number, slash, protocol = text.partition("/")
    if not (number.isascii() and number.isdecimal()):
        raise ArgosyError(f"strconv.ParseUint: parsing {quoted(number)}: invalid syntax", hint="give PORT[/PROTOCOL]")
    if int(number[:6]) > _LARGEST_PORT:
        raise ArgosyError(f"strconv.ParseUint: parsing {quoted(number)}: value out of range")
    return int(number), protocol if slash else "tcp"


COMMAND = Command(
    path="port",
    summary="List port mappings or a specific mapping for the container",
    description="Lists the ports that a container publishes, or where on the host one of them is found.",
    options=PortOptions,
    run=run,
    usage="CONTAINER [PORT[/PROTOCOL]]",
    flags=(
        Flag("all", short="a", help="Display port information for all containers that run"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
    ),
    max_operands=2,
    examples=("argosy port web", "argosy port web 80/tcp", "argosy port --all"),
)
