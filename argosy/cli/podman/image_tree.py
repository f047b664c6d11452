"""`image tree`: the layers of an image as a tree."""

from __future__ import annotations

from argosy import human
from argosy.cli.flags import Command, Flag
from argosy.errors import escaped
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.images.tree import Layer

_SHORT_ID = 12
_SIZE_WIDTH = 7
_ONE_OF = "\u251c\u2500\u2500 "
_LAST = "\u2514\u2500\u2500 "
_BESIDE = "\u2502   "


class ImageTreeOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    whatrequires: bool


def run(options: ImageTreeOptions, engine: Engine, out: Output) -> int:
    """Show the layers, or with --whatrequires the images that need this one."""
    from argosy.images import inventory, resolve, tree

    record = resolve.resolve(engine.store, engine.load_registries, options.operands[0]).record
    image = inventory.image_of(engine.store, record)
    out.line(f"Image ID: {image.id[:_SHORT_ID]}")
    out.line(f"Tags:     [{' '.join(map(str, image.names))}]")
    out.line(f"Size:     {human.close_size(record.size_bytes)}")
    find = tree.dependents if options.whatrequires else tree.layers
    found = find(engine.store, record)
    if not found:
        out.line("No Image Layers")
        return 0
    out.line("Image Layers")
    for line in lines(found):
        out.line(line)
    out.line()
    return 0


def lines(layers: Sequence[Layer]) -> Iterator[str]:
    """The layers with what lies above them, branches drawn in front."""
    pending = [(layer, "", at == 0) for at, layer in enumerate(reversed(layers))]
    while pending:
        layer, before, is_last = pending.pop()
        yield before + (_LAST if is_last else _ONE_OF) + _shown(layer)
        inner = before + ("    " if is_last else _BESIDE)
        pending += [(above, inner, at == 0) for at, above in enumerate(reversed(layer.above))]


def _shown(layer: Layer) -> str:
    digits = layer.diff_id.partition(":")[2][:_SHORT_ID]
    text = f"ID: {digits} Size: {human.close_size(layer.size_bytes).rjust(_SIZE_WIDTH)}"
    return f"{text} Top Layer of: [{escaped(' '.join(layer.names))}]" if layer.names else text


COMMAND = Command(
    path="image tree",
    summary="Print layer hierarchy of an image in a tree format",
    description="Shows the layers of an image, the lowest first, and the images whose topmost layer each is.",
    options=ImageTreeOptions,
    run=run,
    usage="IMAGE",
    min_operands=1,
    max_operands=1,
    flags=(Flag("whatrequires", help="Show all child images and layers of the specified image"),),
    examples=("argosy image tree alpine", "argosy image tree --whatrequires alpine"),
)
