"""`load`: images from an archive into the store."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.images.load import Loaded


class LoadOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    input: str | None
    quiet: bool
    signature_policy: str | None


def run(options: LoadOptions, engine: Engine, out: Output) -> int:
    """Load all images of the archive, and print their names, or the ids of those that have none."""
    from argosy.cli import progress
    from argosy.images import archives, load, naming

    if options.input is None and os.isatty(0):
        raise ArgosyError("cannot read from terminal, use command-line redirection or the --input flag")
    text = options.input or "-"
    door = engine.doors.images_door(options.signature_policy or "")
    docker = out.program == "docker"
    home = naming.home(out.program)
    with progress.shown(quiet=options.quiet or docker) as shown:
        if os.path.isdir(text):
            loaded = load.load_directory(engine.store, text, shown, engine.site.notice, door, home)
        else:
            with archives.open_archive(text, engine.store.root, engine.environ) as archive:
                loaded = load.load_archive(engine.store, archive, shown, engine.site.notice, door, home)
    for image in loaded:
        for line in _docker_lines(image) if docker else image.names or (image.record.config_digest,):
            out.line(f"Loaded image{line}" if docker else f"Loaded image: {line}")
    return 0


def _docker_lines(image: Loaded) -> list[str]:
    """docker shows names as its users write them, and calls an id one."""
    from argosy.cli.podman._images_docker import familiar

    return [f": {familiar(str(name))}" for name in image.names] or [f" ID: {image.record.config_digest}"]


COMMAND = Command(
    path="load",
    summary="Load image(s) from a tar archive",
    description=(
        "Loads the images of an archive that `save` or a peer has written (docker-archive or oci-archive, compressed "
        "or not), or of a directory with an OCI layout, under the names that it gives them."
    ),
    options=LoadOptions,
    run=run,
    max_operands=0,
    flags=(
        Flag("input", short="i", kind="string", help="Read from specified archive file (default: stdin)"),
        Flag("quiet", short="q", help="Suppress the output"),
        Flag("signature-policy", kind="string", hidden=True, help="Path of a policy.json in place of the usual one"),
    ),
    examples=("argosy load -i images.tar", "ssh host docker save app | argosy load"),
)
