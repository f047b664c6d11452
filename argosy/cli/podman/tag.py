"""`tag`: give an image more names."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class TagOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: TagOptions, engine: Engine, out: Output) -> int:
    """Give the image the names; a name that another image had goes over to it."""
    from argosy.images import naming, tag

    source, *targets = options.operands
    tag.tag(engine.store, engine.load_registries, source, targets, naming.home(out.program))
    return 0


COMMAND = Command(
    path="tag",
    summary="Add an additional name to a local image",
    description="Adds one or more names to an image.  A name without a registry is put under localhost/.",
    usage="IMAGE TARGET_NAME [TARGET_NAME...]",
    options=TagOptions,
    run=run,
    min_operands=2,
    examples=("argosy tag 0e3bbc2 fedora:latest", "argosy tag httpd myregistryhost:5000/fedora/httpd:v2"),
)
