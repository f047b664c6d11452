"""`rm`: remove containers."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _each
from argosy.containers import dependents, remove
from argosy.errors import ArgosyError, NotFound, Unsupported
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class RmOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    cidfile: tuple[str, ...]
    depend: bool
    filter: tuple[str, ...]
    force: bool
    ignore: bool
    latest: bool
    link: bool
    time: int | None
    volumes: bool


def run(options: RmOptions, engine: Engine, out: Output) -> int:
    """Remove each container.  One that does not exist gives status 1, or is no error with --force or --ignore."""
    if options.link:
        raise Unsupported(
            "--link removes docker's legacy links, and argosy's stay with their container",
            hint="containers on one network find each other by name",
        )
    ignore = options.ignore or options.force
    names = _each.chosen(
        engine,
        options.operands,
        all_=options.all,
        latest=options.latest,
        cidfiles=options.cidfile,
        filters=options.filter,
        ignore=ignore,
    )
    if options.all and not options.filter:
        names += [container_id for container_id, _ in engine.containers.list().damaged]
    graph = dependents.dependents(engine.site)
    if graph and (options.all or options.filter or options.depend):
        names = _in_order(names, graph, engine, depend=options.depend)
    removed: set[str] = set()
    pods = engine.store.pods.ids()

    def remove_one(container_id: str) -> None:
        others = [other for other in graph.get(container_id, ()) if other not in removed]
        if pods and _with_pod(engine, container_id, others, options):
            return
        if others:
            if not options.force:
                remove.check_idle(container_id, engine.containers.view(container_id).run)
            raise ArgosyError(
                f"container {container_id} has dependent containers which must be removed before it: "
                f"{', '.join(others)}: container already exists",
                hint="--depend removes them as well",
            )
        try:
            engine.containers.remove(container_id, force=options.force, volumes=options.volumes, timeout_s=options.time)
        except NotFound:
            removed.add(container_id)
            raise
        removed.add(container_id)

    return _each.for_each(engine, names, out, remove_one, ignore=ignore, missing_status=1)


def _with_pod(engine: Engine, container_id: str, others: list[str], options: RmOptions) -> bool:
    """Remove the pod whose infra container this is, with --all or --depend; whether it was done.

    Raises ArgosyError, in podman's words, for an infra container that others rely on, or that was named alone.
    """
    from argosy.containers import pod
    from argosy.pods import remove as removal

    record = engine.containers.record(container_id)
    if not record.options.infra or not engine.store.pods.exists(record.options.pod):
        return False
    if others or not (options.all or options.depend):
        pod.check_removable(engine.site, record)
    removal.remove(engine.site, record.options.pod, force=options.force, timeout_s=options.time)
    return True


def _in_order(names: list[str], graph: dict[str, list[str]], engine: Engine, *, depend: bool) -> list[str]:
    """The containers, behind those that rely on them; with `depend` also all that rely on one of them."""
    ordered: dict[str, None] = {}
    for name in names:
        try:
            family = dependents.with_dependents(graph, engine.containers.find(name))
        except ArgosyError:
            family = [name]  # for_each says what is wrong with it
        ordered.update(dict.fromkeys(one for one in family if depend or one in names))
    return list(ordered)


COMMAND = Command(
    path="rm",
    summary="Remove one or more containers",
    description="Removes containers with their writable layers. A running one is stopped first when --force is given.",
    options=RmOptions,
    run=run,
    usage="CONTAINER [CONTAINER...]",
    flags=(
        Flag("all", short="a", help="Remove all containers"),
        Flag("cidfile", kind="list", help="Read the container ID from the file"),
        Flag("depend", help="Remove the containers as well that join a namespace of one of them, or require it"),
        Flag("filter", kind="csv", help="Remove the containers that meet the conditions given"),
        Flag("force", short="f", help="Force removal of a running or damaged container"),
        Flag("ignore", short="i", help="Ignore errors when a specified container is missing"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
        Flag("link", short="l", only="docker", help="Remove the specified link (refused: there are none)"),
        Flag("time", short="t", kind="int", help="Seconds to wait for stop before killing the container"),
        Flag("volumes", short="v", help="Remove anonymous volumes associated with the container"),
    ),
    examples=("argosy rm web", "argosy rm --force --all", "argosy rm --filter status=exited"),
)
