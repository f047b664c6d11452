"""`volume create`: a named volume."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError, Exists
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class VolumeCreateOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    driver: str
    label: tuple[str, ...]


def run(options: VolumeCreateOptions, engine: Engine, out: Output) -> int:
    """Make the volume, under a random name where none is given, and print its name."""
    import os

    from argosy.spec import parse
    from argosy.volumes import named

    if options.driver != "local":
        raise ArgosyError(
            f"volume plugin {options.driver} is not available: required plugin missing",
            hint="the driver `local` is the only one",
        )
    name = options.operands[0] if options.operands else os.urandom(32).hex()
    try:
        named.create(engine.store, name, labels=parse.parse_labels(options.label))
    except Exists as error:
        if out.program != "docker":  # docker gives the one that is there
            error.brief = f"volume with name {name} already exists: volume already exists"
            raise
    out.line(name)
    return 0


COMMAND = Command(
    path="volume create",
    summary="Create a new volume",
    description=(
        "Creates a volume that containers use by its name. It is empty: the first container that mounts it fills it "
        "with what its image has there."
    ),
    usage="[NAME]",
    options=VolumeCreateOptions,
    run=run,
    max_operands=1,
    flags=(
        Flag("driver", short="d", kind="string", default="local", help="Volume driver: local"),
        Flag("label", short="l", kind="list", help="Set metadata for the volume"),
    ),
    examples=("argosy volume create data", "argosy volume create --label app=db"),
)
