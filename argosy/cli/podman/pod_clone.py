"""`pod clone`: a new pod with the options and the containers of another one."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _container_flags, pod_create
from argosy.cli.podman._container_table import FLAGS
from argosy.cli.podman.pod_create import INFRA_FLAGS, SHARED, PodFlags
from argosy.containers import pod as pods
from argosy.errors import ArgosyError
from argosy.spec.options import ContainerOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.output import Output
    from argosy.engine import Engine


class PodCloneOptions(PodFlags):
    """What was asked for."""

    destroy: bool
    start: bool


def run(options: PodCloneOptions, engine: Engine, out: Output) -> int:
    """Make the new pod, take the old one away and start the new one where asked; print its id."""
    from argosy.pods import clone, life, remove

    if options.name and options.operands[1:]:
        raise ArgosyError("cannot specify --name and NAME at the same time")
    name = options.name or (options.operands[1] if options.operands[1:] else "")
    pod_id = pods.find(engine.site, options.operands[0])
    infra = pod_create.asked_infra(options)
    changes = {**_changes(options), "create_command": out.command_line}
    made = clone.clone(engine.site, pod_id, name, changes, infra, engine.containers.create)
    if options.destroy:
        remove.remove(engine.site, pod_id, force=True)
    if options.start:
        life.start(engine.site, made.id)
    out.line(made.id)
    return 0


def _changes(options: PodCloneOptions) -> dict[str, Any]:
    """The fields of ContainerOptions that flags were given for."""
    asked, empty = _container_flags.container_options(pod_create.create_flags(options)), ContainerOptions("")
    return {
        field: value
        for field in ContainerOptions._fields
        if (value := getattr(asked, field)) != getattr(empty, field) and value != ()
    }


COMMAND = Command(
    path="pod clone",
    summary="Clone an existing pod",
    description=(
        "Makes a new pod with all options of another one, but for its name (NAME-clone unless NAME is given) and what "
        "is said otherwise, and clones of its containers."
    ),
    options=PodCloneOptions,
    run=run,
    usage="POD [NAME]",
    min_operands=1,
    max_operands=2,
    flags=(
        *(flag for flag in FLAGS if flag.name in SHARED),
        *INFRA_FLAGS,
        Flag("destroy", help="Remove the original pod, once the new one is there"),
        Flag("name", short="n", kind="string", help="Assign a name to the new pod"),
        Flag("start", help="Start the new pod"),
    ),
    examples=("argosy pod clone web", "argosy pod clone --destroy --memory 2g --start web web2"),
)
