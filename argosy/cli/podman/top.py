"""`top`: the processes of a container."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag, OperandsError
from argosy.cli.podman import _each
from argosy.errors import NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class TopOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    latest: bool
    list_descriptors: bool


def run(options: TopOptions, engine: Engine, out: Output) -> int:
    """Print one line for each process, with the columns that the descriptors name."""
    if options.list_descriptors:
        from argosy.containers.top_columns import descriptors as known

        for name in sorted(known()):
            out.line(name)
        return 0
    words = options.operands
    if options.latest:
        container_id = _each.newest(engine)
    else:
        if not words:
            raise OperandsError("you must provide the name or id of a running container", 1)
        try:
            container_id = _each.find(engine, words[0])
        except NotFound as error:
            error.brief = f"unable to look up requested container: {error.brief}"
            raise
        words = words[1:]
    if out.program == "docker":
        from argosy.cli.podman import _top_docker

        _top_docker.show(engine, container_id, words, out)
        return 0
    descriptors = tuple(name for word in words for name in word.split(",") if name)
    from argosy.containers import top
    from argosy.containers.top_columns import UnknownDescriptor

    try:
        table = engine.containers.top(container_id, descriptors)
    except UnknownDescriptor:
        for line in top.by_ps(engine.site, container_id, words):
            out.line(line)
        return 0
    out.table(table.headings, table.rows)
    return 0


COMMAND = Command(
    path="top",
    summary="Display the running processes of a container",
    description=(
        "Shows the processes of a running container, read from the host's side. The descriptors are args, capamb, "
        "capbnd, capeff, capinh, capprm, comm, etime, group, groups, hgroup, hgroups, hpid, huser, label, nice, pcpu, "
        "pgid, pid, ppid, rgroup, rss, ruser, seccomp, state, stime, time, tty, user and vsz; ps(1) of the container "
        "is run with any other words."
    ),
    options=TopOptions,
    run=run,
    usage="CONTAINER [FORMAT-DESCRIPTORS]",
    flags=(
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
        Flag("list-descriptors", hidden=True, help="Print the descriptors, one a line"),
    ),
    interspersed=False,
    examples=("argosy top web", "argosy top web pid,hpid,args", "argosy top web -- aux"),
)
