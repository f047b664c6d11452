"""`start`: run containers that were created, or have ended."""

from __future__ import annotations

from argosy.cli.errors import report
from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class StartOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    attach: bool
    detach_keys: str | None
    interactive: bool
    sig_proxy: bool


def run(options: StartOptions, engine: Engine, out: Output) -> int:
    """Start each container and print the name it was given by; with --attach stay with the one there is."""
    if options.attach or options.interactive:
        return _attached(options, engine)
    status = 0
    for name in options.operands:
        try:
            engine.containers.start(engine.containers.find(name))
        except ArgosyError as error:
            status = report(error, out)
            continue
        out.line(name)
    return status


def _attached(options: StartOptions, engine: Engine) -> int:
    from argosy.containers.run import Streams

    if len(options.operands) > 1:
        raise ArgosyError("you cannot start and attach multiple containers at once: invalid argument")
    container_id = engine.containers.find(options.operands[0])
    record = engine.containers.record(container_id)
    keys = engine.conf.detach_keys if options.detach_keys is None else options.detach_keys
    streams = Streams(
        stdin=0 if options.interactive or (options.attach and record.options.interactive) else None,
        detach_keys=keys,
        sig_proxy=options.sig_proxy and not record.options.tty,
    )
    return engine.containers.start_attached(container_id, streams)


COMMAND = Command(
    path="start",
    summary="Start one or more containers",
    description="Starts containers and prints the name or id that each was given by. One that runs is left as it is.",
    options=StartOptions,
    run=run,
    usage="CONTAINER [CONTAINER...]",
    flags=(
        Flag("attach", short="a", help="Attach container's STDOUT and STDERR"),
        Flag("detach-keys", kind="string", help="Select the key sequence for detaching a container"),
        Flag("interactive", short="i", help="Make STDIN available to the contained process"),
        Flag("sig-proxy", default=True, help="Proxy received signals to the process"),
    ),
    min_operands=1,
    missing="start requires at least one argument",
    examples=("argosy start web", "argosy start -ai shell"),
)
