"""`mount`: the trees of working containers, to change them by hand."""

from __future__ import annotations

from argosy.cli.buildah import _containers
from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class MountOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    json: bool


def run(options: MountOptions, opener: Opener, out: Output) -> int:
    """Mount each and print where; without containers print what is mounted."""
    from argosy.cli.errors import report

    engine = _containers.open_inside(opener, "mount", out)
    containers = _containers.known(engine)
    status = 0
    rows = []
    if not options.operands:
        rows = [(one.name, place) for one in containers.all() if (place := containers.mount_point(one.id))]
    for text in options.operands:
        try:
            found = _containers.find(containers, text)
            rows.append((found.name, containers.mount(found.id)))
        except ArgosyError as error:
            status = report(error, out)
    if options.json:
        from argosy.cli.documents import indented

        if rows:
            out.line(indented([{"container": name, "mountPoint": place} for name, place in rows], 4))
        return status
    for name, place in rows:
        out.line(place if len(options.operands) == 1 else f"{name} {place}")
    return status


COMMAND = Command(
    path="mount",
    summary="Mount a working container's root filesystem",
    description=(
        "Mounts the trees of working containers and prints where; without containers it lists those that are mounted. "
        "A rootless user calls it in the namespace of the store, in a script that `unshare` runs."
    ),
    usage="[CONTAINER...]",
    options=MountOptions,
    run=run,
    flags=(Flag("json", help="Output in JSON format"),),
    examples=("argosy mount working-container", "argosy unshare ./build.sh"),
)
