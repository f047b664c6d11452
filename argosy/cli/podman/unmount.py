"""`unmount`: the end of `mount`."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _each
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class UnmountOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    force: bool
    latest: bool


def run(options: UnmountOptions, opener: Opener, out: Output) -> int:
    """Unmount each container and print its name; with --all those alone that were mounted and do not run."""
    from argosy.cli.podman.image_mount import open_inside
    from argosy.containers import mounted, state

    engine = open_inside(opener, "unmount", out)
    names = _each.chosen(engine, options.operands, all_=options.all, latest=options.latest)

    def unmount(container_id: str) -> bool:
        was = mounted.unmount(engine.site, container_id, force=options.force)
        return not options.all or (was and state.derive(engine.site, container_id).status not in state.ACTIVE)

    return _each.for_each(engine, names, out, unmount)


COMMAND = Command(
    path="unmount",
    summary="Unmounts working container's root filesystem",
    description=(
        "Undoes `mount`: as often as a container was mounted, or with --force at once. A container that runs keeps its "
        "root file system."
    ),
    usage="CONTAINER [CONTAINER...]",
    options=UnmountOptions,
    run=run,
    flags=(
        Flag("all", short="a", help="Unmount all of the currently mounted containers"),
        Flag("force", short="f", help="Force the complete unmount of the specified mounted containers"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
    ),
    examples=("argosy unmount web", "argosy unmount --all"),
)
