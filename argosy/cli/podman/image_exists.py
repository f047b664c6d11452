"""`image exists`: whether an image is in the store, told by the exit status."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class ImageExistsOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: ImageExistsOptions, engine: Engine, _out: Output) -> int:
    """0 when the image is there, 1 when it is not."""
    from argosy.images.resolve import ImageNotKnown, resolve

    try:
        resolve(engine.store, engine.load_registries, options.operands[0])
    except ImageNotKnown:
        return 1
    return 0


COMMAND = Command(
    path="image exists",
    summary="Check if an image exists in local storage",
    description="Ends with status 0 if the image is in local storage, else with 1.",
    usage="IMAGE",
    options=ImageExistsOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    examples=("argosy image exists ID", "argosy image exists IMAGE || argosy pull IMAGE"),
)
