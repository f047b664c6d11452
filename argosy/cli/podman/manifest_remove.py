"""`manifest remove`: an image out of a manifest list."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class ManifestRemoveOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: ManifestRemoveOptions, engine: Engine, out: Output) -> int:
    """Take the entry out, and print the list's id."""
    from argosy.images.manifestlist import Lists, ManifestList, entry_at

    name, digest = options.operands
    lists = Lists(engine.store)
    list_id = lists.find(name)

    def without(old: ManifestList) -> ManifestList:
        position = entry_at(old, name, digest)
        return old.replace(entries=(*old.entries[:position], *old.entries[position + 1 :]))

    lists.change(list_id, without)
    out.line(list_id)
    return 0


COMMAND = Command(
    path="manifest remove",
    summary="Remove an entry from a manifest list or image index",
    description="Takes the image with a digest out of a list; the image stays where it is.",
    usage="LIST IMAGE",
    options=ManifestRemoveOptions,
    run=run,
    min_operands=2,
    max_operands=2,
    examples=("argosy manifest remove mylist:v1 sha256:...",),
)
