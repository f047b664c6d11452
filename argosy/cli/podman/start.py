"""`start`: run containers that were created, or have ended."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _each
from argosy.containers import state
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine

_NOTHING_NAMED = "start requires at least one argument"
_FAILED = 125  # whatever the reason, as with podman: 126 and 127 are `run`'s


class StartOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    attach: bool
    detach_keys: str | None
    filter: tuple[str, ...]
    interactive: bool
    latest: bool
    sig_proxy: bool


def run(options: StartOptions, engine: Engine, out: Output) -> int:
    """Start each container and print the name it was given by; with --attach stay with the one there is.

    Of all containers, or those that filters choose, the ones that run are passed over.
    """
    if options.all and options.operands:
        raise ArgosyError("either start all containers or the container(s) provided in the arguments")
    if options.attach and options.all:
        raise ArgosyError("you cannot start and attach all containers at once")
    names = _each.chosen(
        engine,
        options.operands,
        all_=options.all,
        latest=options.latest,
        filters=options.filter,
        nothing=_NOTHING_NAMED,
    )
    if options.attach or options.interactive:
        return _attached(options, engine, names)
    for name in options.operands:
        _each.find(engine, name)

    def start(container_id: str) -> bool:
        if not options.operands and engine.containers.view(container_id).run.status == state.RUNNING:
            return False
        try:
            engine.containers.start(container_id)
        except ArgosyError as error:
            error.brief = f'unable to start container "{container_id}": {error.brief}'
            error.exit_code = _FAILED
            raise
        return True

    return _each.for_each(engine, names, out, start)


def _attached(options: StartOptions, engine: Engine, names: list[str]) -> int:
    from argosy.containers.run import Streams

    if len(names) > 1:
        raise ArgosyError("you cannot start and attach multiple containers at once")
    if not names:
        return 0
    container_id = _each.find(engine, names[0])
    record = engine.containers.record(container_id)
    keys = engine.conf.detach_keys if options.detach_keys is None else options.detach_keys
    streams = Streams(
        stdin=0 if options.interactive or (options.attach and record.options.interactive) else None,
        detach_keys=keys,
        sig_proxy=options.sig_proxy and not record.options.tty,
    )
    try:
        return engine.containers.start_attached(container_id, streams)
    except ArgosyError as error:
        error.brief = f"unable to start container {container_id}: {error.brief}"
        error.exit_code = _FAILED
        raise


COMMAND = Command(
    path="start",
    summary="Start one or more containers",
    description="Starts containers and prints the name or id that each was given by. One that runs is left as it is.",
    options=StartOptions,
    run=run,
    usage="CONTAINER [CONTAINER...]",
    flags=(
        Flag("all", help="Start all containers"),
        Flag("attach", short="a", help="Attach container's STDOUT and STDERR"),
        Flag("detach-keys", kind="string", help="Select the key sequence for detaching a container"),
        Flag("filter", short="f", kind="csv", help="Start the containers that meet the conditions given"),
        Flag("interactive", short="i", help="Make STDIN available to the contained process"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
        Flag("sig-proxy", default=True, help="Proxy received signals to the process"),
    ),
    examples=("argosy start web", "argosy start -ai shell", "argosy start --filter status=exited"),
)
