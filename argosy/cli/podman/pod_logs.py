"""`pod logs`: what the containers of a pod wrote to their standard output and error."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _pods, logs
from argosy.containers import pod as pods
from argosy.errors import ArgosyError
from argosy.pods import listing
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine

_FLAGS = ("color", "follow", "names", "since", "tail", "timestamps", "until")


class PodLogsOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    color: bool
    container: str | None
    follow: bool
    latest: bool
    names: bool
    since: str | None
    tail: int
    timestamps: bool
    until: str | None


def run(options: PodLogsOptions, engine: Engine, out: Output) -> int:
    """Show the logs, and with --follow what is added to them until the containers end."""
    if options.latest and options.operands:
        raise ArgosyError("--latest and pods cannot be used together")
    if not options.latest and not options.operands:
        raise ArgosyError("specify at least one pod name or ID to log")
    name = _pods.newest(engine) if options.latest else options.operands[0]
    view = listing.view(engine.site, pods.find(engine.site, name))
    ids = [one.id for one in view.containers]
    if options.container is not None:
        ids = [_within(engine, view, options.container, name)]
    shared = {key: getattr(options, key) for key in _FLAGS}
    logs.show(logs.LogsOptions(operands=(), details=False, docker_tail="", latest=False, **shared), ids, engine, out)
    return 0


def _within(engine: Engine, view: listing.PodView, container: str, name: str) -> str:
    """The id of one container of the pod.  Raises ArgosyError, in podman's words, where it is in none or another."""
    try:
        container_id = engine.containers.find(container)
    except ArgosyError:
        container_id = ""
    if container_id not in {one.id for one in view.containers}:
        raise ArgosyError(f"container {container} is not in pod {name}: no such container")
    return container_id


COMMAND = Command(
    path="pod logs",
    summary="Fetch logs for pod with one or more containers",
    description=(
        "Shows what the containers of a pod wrote, their standard error on standard error; each line begins with the "
        "container's ID. TIMESTAMP is as with `logs`."
    ),
    options=PodLogsOptions,
    run=run,
    usage="POD",
    max_operands=1,
    flags=(
        *(flag for flag in logs.COMMAND.flags if flag.name in _FLAGS and not flag.only),
        Flag("container", short="c", kind="string", help="Show the log of this container of the pod alone"),
        Flag("latest", short="l", help="Act on the latest pod argosy is aware of"),
    ),
    examples=("argosy pod logs web", "argosy pod logs --container db --follow web"),
)
