"""`attach`: join a running container."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _each
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class AttachOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    detach_keys: str | None
    latest: bool
    no_stdin: bool
    sig_proxy: bool


def run(options: AttachOptions, engine: Engine, out: Output) -> int:
    """Stay with the container until it ends; the exit status is its own."""
    from argosy.containers.run import Streams

    nothing = f'"{out.program} attach" requires a name, id, or the "--latest" flag'
    if len(options.operands) > 1:
        raise ArgosyError(f"`{out.program} attach` accepts at most one argument")
    names = _each.chosen(engine, options.operands, latest=options.latest, nothing=nothing)
    container_id = _each.find(engine, names[0])
    record = engine.containers.record(container_id)
    streams = Streams(
        stdin=None if options.no_stdin else 0,
        detach_keys=engine.conf.detach_keys if options.detach_keys is None else options.detach_keys,
        sig_proxy=options.sig_proxy and not record.options.tty,
    )
    return engine.containers.attach(container_id, streams)


COMMAND = Command(
    path="attach",
    summary="Attach to a running container",
    description="Connects the terminal or the standard streams to a running container until it ends.",
    options=AttachOptions,
    run=run,
    usage="CONTAINER",
    flags=(
        Flag("detach-keys", kind="string", help="Select the key sequence for detaching a container"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
        Flag("no-stdin", help="Do not attach STDIN"),
        Flag("sig-proxy", default=True, help="Proxy received signals to the process"),
    ),
    examples=("argosy attach web",),
)
