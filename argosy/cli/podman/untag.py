"""`untag`: take names from an image."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class UntagOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: UntagOptions, engine: Engine, _out: Output) -> int:
    """Take the names, or all names where none is given, from the image; the image stays."""
    from argosy.images import tag

    source, *names = options.operands
    tag.untag(engine.store, engine.load_registries, source, names)
    return 0


COMMAND = Command(
    path="untag",
    summary="Remove a name from a local image",
    description="Removes names from an image, all of them where none is given.  The image itself stays.",
    usage="IMAGE [NAME...]",
    options=UntagOptions,
    run=run,
    min_operands=1,
    examples=("argosy untag 0e3bbc2", "argosy untag httpd myregistryhost:5000/fedora/httpd:v2"),
)
