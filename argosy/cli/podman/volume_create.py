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
    opt: tuple[str, ...]


def run(options: VolumeCreateOptions, engine: Engine, out: Output) -> int:
    """Make the volume, under a random name where none is given, and print its name."""
    import os

    from argosy.spec import parse
    from argosy.volumes import named
    from argosy.volumes import options as of_volumes

    name = options.operands[0] if options.operands else os.urandom(32).hex()
    if options.driver != "local":
        why = f"no volume plugin with name {options.driver} available: required plugin missing"
        raise ArgosyError(
            f"volume {name} uses volume plugin {options.driver} but it could not be retrieved: {why}",
            hint="there are no volume plugins; the driver `local` mounts what --opt says",
        )
    given = of_volumes.parse(options.opt)
    try:
        named.create(engine.store, name, labels=parse.parse_labels(options.label), options=given)
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
        "with what its image has there. With --opt it is something to be mounted, from its first user on until the "
        "last: a tmpfs, a directory (type=bind), an NFS share, or whatever mount(8) knows."
    ),
    usage="[NAME]",
    options=VolumeCreateOptions,
    run=run,
    max_operands=1,
    flags=(
        Flag("driver", short="d", kind="string", default="local", help="Volume driver: local"),
        Flag("label", short="l", kind="list", help="Set metadata for the volume"),
        Flag(
            "opt",
            short="o",
            kind="list",
            help="Set driver specific options: type=, device= and o=, as mount(8) takes them, with uid=, gid= and "
            "nocopy among those of o",
        ),
    ),
    examples=("argosy volume create data", "argosy volume create --opt type=tmpfs --opt o=size=64m,uid=1000 cache"),
)
