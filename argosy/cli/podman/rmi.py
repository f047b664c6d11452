"""`rmi`: remove images, or names of them."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag, OperandsError
from argosy.errors import ArgosyError, NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.images.remove import Removed, Remover


class RmiOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    force: bool
    ignore: bool
    no_prune: bool
    prune: bool


def run(options: RmiOptions, engine: Engine, out: Output) -> int:
    """Remove each image, or the name by which it was given when it has others.

    The status is 1 when images did not exist, 2 when one is in use, 125 when anything else went wrong.
    """
    from argosy.cli.podman._images_docker import familiar
    from argosy.images import remove
    from argosy.storage import gc

    docker = out.program == "docker"
    _check(options)
    if options.prune:
        return _prune(engine, out)

    wanted = remove.RemoveOptions(force=options.force, prune=not options.no_prune)
    remover = remove.Remover(engine.store, engine.load_registries, wanted, engine.remove_user)
    errors: list[ArgosyError] = []
    deleted = False
    for removed in _all(engine, remover, errors) if options.all else _named(options, remover, errors):
        for name in removed.untagged:
            out.line(f"Untagged: {familiar(name) if docker else name}")
        if removed.deleted:
            out.line(f"Deleted: {'sha256:' if docker else ''}{removed.deleted}")
            deleted = True
    if deleted:
        gc.collect(engine.store)
    _report(errors, out)
    return remove.exit_code(errors)


def _check(options: RmiOptions) -> None:
    for flag, given in (("all", options.all), ("prune", options.prune)):
        if given and options.operands:
            raise ArgosyError(f"when using the --{flag} switch, you may not pass any images names or IDs")
    if not (options.all or options.prune or options.operands):
        raise OperandsError("image name or ID must be specified", 1)


def _prune(engine: Engine, out: Output) -> int:
    """--prune: the images without a name that no container uses."""
    from argosy.cli import flags as grammar
    from argosy.cli.podman import image_prune

    command = image_prune.COMMAND
    parsed = grammar.Parsed({"force": True}, ())
    return command.run(grammar.build_options(command, parsed, command.path), engine, out)


def _named(options: RmiOptions, remover: Remover, errors: list[ArgosyError]) -> Iterator[Removed]:
    for text in options.operands:
        try:
            yield from remover.remove(text)
        except NotFound as error:
            if not (options.ignore or options.force):
                errors.append(error)
        except ArgosyError as error:
            errors.append(error)


def _all(engine: Engine, remover: Remover, errors: list[ArgosyError]) -> Iterator[Removed]:
    from argosy.images.inventory import inventory
    from argosy.images.listimages import listed

    own = [image for image in inventory(engine.store).images if not image.lender]
    for image in sorted((*own, *listed(engine.store)), key=lambda image: image.created_ns, reverse=True):
        try:
            yield from remover.remove_image(image)
        except ArgosyError as error:
            errors.append(error)


def _report(errors: list[ArgosyError], out: Output) -> None:
    from argosy.cli.errors import report

    if len(errors) < 2 or out.program == "docker":
        for error in errors:
            report(error, out)
        return
    out.error("\n".join([f"Error: {len(errors)} errors occurred:", *(f"\t* {error}" for error in errors)]))
    for hint in dict.fromkeys(error.hint for error in errors if error.hint):
        out.error(hint)


COMMAND = Command(
    path="rmi",
    summary="Removes one or more images from local storage",
    description="Removes images that were pulled, imported or built.  An image given by one of several names loses "
    "that name only.  A manifest list is removed alone: the images in it stay.",
    usage="IMAGE [IMAGE...]",
    options=RmiOptions,
    run=run,
    flags=(
        Flag("all", short="a", help="Remove all images"),
        Flag("force", short="f", help="Force Removal of the image"),
        Flag("ignore", short="i", help="Ignore errors if a specified image does not exist"),
        Flag("no-prune", help="Do not remove dangling images"),
        Flag("prune", short="p", only="buildah", help="Remove all dangling images"),
    ),
    examples=("argosy rmi imageID", "argosy rmi --force alpine", "argosy rmi c4dfb1609ee2 93fd78260bd1 c0ed59d05ff7"),
)
