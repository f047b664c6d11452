"""`image unmount`: undo `image mount`."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class ImageUnmountOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    force: bool


def run(options: ImageUnmountOptions, opener: Opener, out: Output) -> int:
    """Unmount each image and print its id."""
    from argosy.cli.errors import report
    from argosy.cli.podman.image_mount import open_inside
    from argosy.images import mount, resolve

    engine = open_inside(opener, "image unmount", out)
    if options.all and options.operands:
        raise ArgosyError("when using the --all switch, you may not pass any image names or IDs")
    if not options.all and not options.operands:
        raise ArgosyError("image name or ID must be specified")
    texts = options.operands or tuple(mount.mounted(engine.store))
    status = 0
    for text in texts:
        try:
            image_id = text
            if not options.all:
                image_id = resolve.resolve(engine.store, engine.load_registries, text).record.config_digest
            if mount.unmount(engine.store, image_id, force=options.force):  # podman says nothing of one that is not
                out.line(image_id.partition(":")[2])
        except ArgosyError as error:
            status = report(error, out)
    return status


COMMAND = Command(
    path="image unmount",
    summary="Unmount an image's root filesystem",
    description="Unmounts images that `image mount` has mounted, each after as many calls as it was mounted by.",
    usage="[IMAGE...]",
    options=ImageUnmountOptions,
    run=run,
    flags=(
        Flag("all", short="a", help="Unmount all of the currently mounted images"),
        Flag("force", short="f", help="Force the complete unmount of the specified mounted images"),
    ),
    examples=("argosy image unmount imgID", "argosy image unmount --all"),
)
