"""`mount`: the root file systems of containers, to look into."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _each
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output
    from argosy.engine import Engine

_SHORT_ID = 12


class MountOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    format: str | None
    latest: bool
    no_trunc: bool


def run(options: MountOptions, opener: Opener, out: Output) -> int:
    """Mount each container and print where; without containers print what is mounted."""
    from argosy.cli.podman.image_mount import open_inside

    if options.format not in (None, "", "json"):
        raise ArgosyError(f'unknown --format argument: "{options.format}"')
    engine = open_inside(opener, "mount", out)
    if not (options.operands or options.all or options.latest):
        _show(options, engine, out)
        return 0
    from argosy.containers import mounted

    names = _each.chosen(engine, options.operands, all_=options.all, latest=options.latest)
    return _each.for_each(
        engine, names, out, lambda container_id: out.line(mounted.mount(engine.site, container_id)), show=False
    )


def _show(options: MountOptions, engine: Engine, out: Output) -> None:
    from argosy.containers import mounted

    views = sorted(engine.containers.list().views, key=lambda view: view.id)
    found = [(view, place) for view in views if (place := mounted.place(engine.site, view.id))]
    if options.format == "json":
        from argosy.cli.documents import indented

        documents = [{"id": view.id, "Names": [view.name], "mountpoint": place} for view, place in found]
        out.line(indented(documents, 1))
        return
    length = None if options.no_trunc else _SHORT_ID
    out.table((), [(view.id[:length], place) for view, place in found])


COMMAND = Command(
    path="mount",
    summary="Mount a working container's root filesystem",
    description=(
        "Mounts the root file system of containers, running or not, and prints where; it stays mounted until "
        "`unmount`. Without containers it lists those whose root is mounted. A rootless user calls it in the namespace "
        "of the store: argosy unshare argosy mount CONTAINER."
    ),
    usage="[CONTAINER...]",
    options=MountOptions,
    run=run,
    flags=(
        Flag("all", short="a", help="Mount all containers"),
        Flag("format", kind="string", help="Print the mounted containers in specified format (json)"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
        Flag("no-trunc", aliases=("notruncate",), help="Do not truncate output"),
    ),
    examples=("argosy mount web", "argosy mount --format json"),
)
