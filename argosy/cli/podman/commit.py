"""`commit`: an image from a container and what it changed."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class CommitOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    author: str | None
    change: tuple[str, ...]
    format: str
    iidfile: str | None
    include_volumes: bool
    message: str | None
    pause: bool | None
    quiet: bool
    squash: bool


def run(options: CommitOptions, engine: Engine, out: Output) -> int:
    """Make the image and print its id."""
    from argosy.cli import progress
    from argosy.cli.podman import _each
    from argosy.containers import commit
    from argosy.images import naming

    is_docker = out.program == "docker"
    form = "docker" if is_docker else options.format
    if form not in ("oci", "docker"):
        raise ArgosyError(f'unrecognized image format "{form}"', hint="--format oci or docker")
    if options.message and form != "docker":
        raise ArgosyError("messages are only compatible with the docker image format (-f docker)")
    container_id = _each.find(engine, options.operands[0])
    named = "".join(options.operands[1:])
    name = naming.local_name(named, naming.home(out.program)) if named else None
    wanted = commit.CommitOptions(
        author=options.author or "",
        changes=options.change,
        format=form,
        include_volumes=options.include_volumes,
        message=options.message or "",
        pause=_pauses(engine) if options.pause is None and is_docker else bool(options.pause),
        squash=options.squash,
    )
    with progress.shown(quiet=options.quiet or is_docker) as shown:
        record = commit.commit(engine.site, container_id, name, wanted, shown.line, out.notice)
    image_id = record.config_digest.partition(":")[2]
    if options.iidfile:
        _write(options.iidfile, image_id)
    out.line(record.config_digest if is_docker else image_id)
    return 0


def _pauses(engine: Engine) -> bool:
    """Whether containers can be paused here, which docker does unless told otherwise."""
    from argosy.containers import groups

    return not engine.namespace.rootless or groups.detect(engine.site).mode == "v2"


def _write(path: str, image_id: str) -> None:
    from argosy.linux import files

    try:
        files.write_atomic(path, image_id.encode(), mode=0o644)
    except OSError as error:
        raise ArgosyError(f"failed to write image ID: open {path}: {str(error.strerror).lower()}") from error


COMMAND = Command(
    path="commit",
    summary="Create new image based on the changed container",
    description="Makes an image of a container, running or not: the layers of its image, a layer of what it changed "
    "(without what is mounted in it), and its configuration. Prints the image's id.",
    usage="CONTAINER [IMAGE]",
    options=CommitOptions,
    run=run,
    min_operands=1,
    max_operands=2,
    flags=(
        Flag("author", short="a", kind="string", help="Set the author for the image committed"),
        Flag(
            "change",
            short="c",
            kind="list",
            help="Apply the following possible instructions to the created image: CMD | ENTRYPOINT | ENV | EXPOSE | "
            "LABEL | ONBUILD | STOPSIGNAL | USER | VOLUME | WORKDIR",
        ),
        Flag(
            "format",
            short="f",
            kind="string",
            default="oci",
            help="Format of the image manifest and metadata: oci or docker",
        ),
        Flag("iidfile", kind="string", help="Write the image's id to this file"),
        Flag("include-volumes", help="Include the container's volumes as volumes of the image"),
        Flag("message", short="m", kind="string", help="Set commit message for the image (with --format docker)"),
        Flag("pause", short="p", kind="optbool", help="Pause the container during the commit"),
        Flag("quiet", short="q", help="Suppress output"),
        Flag("squash", short="s", help="Make one layer of everything that the container shows"),
    ),
    examples=(
        "argosy commit web web:changed",
        "argosy commit --change CMD=/bin/bash --change 'LABEL blue=image' web image-committed",
        'argosy commit -q --format docker --message "committing container to image" web',
    ),
)
