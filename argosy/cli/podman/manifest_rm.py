"""`manifest rm`: remove manifest lists."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class ManifestRmOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: ManifestRmOptions, engine: Engine, out: Output) -> int:
    """Remove each list; one that is not there does not keep the others.  The status is 1 then, as of rmi."""
    from argosy.cli.errors import report
    from argosy.images.manifestlist import Lists

    lists = Lists(engine.store)
    status = 0
    for text in options.operands:
        try:
            names, gone = lists.drop(text, engine.load_registries)
        except ArgosyError as error:
            report(error, out)
            status = 1
            continue
        for name in names:
            out.line(f"Untagged: {name}")
        if gone:
            out.line(f"Deleted: {gone}")
    return status


COMMAND = Command(
    path="manifest rm",
    summary="Remove manifest list or image index from local storage",
    description="Removes lists; their images stay where they are.",
    usage="LIST [LIST...]",
    options=ManifestRmOptions,
    run=run,
    min_operands=1,
    examples=("argosy manifest rm mylist:v1",),
)
