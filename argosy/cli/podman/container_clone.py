"""`container clone`: a new container with the options of another one."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _limit_flags
from argosy.cli.podman._limit_flags import LimitOptions
from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.containers.clone import Image
    from argosy.containers.record import ContainerRecord
    from argosy.engine import Engine


class CloneOptions(LimitOptions):
    """The limits of the new container, and what becomes of the old one."""

    destroy: bool
    force: bool
    name: str | None
    pod: str | None
    run: bool


def run(options: CloneOptions, engine: Engine, out: Output) -> int:
    """Make the new container, take the old one away and start the new one where asked; print its id."""
    from argosy.cli.podman import _each
    from argosy.containers import clone, remove, state

    if options.force and not options.destroy:
        raise ArgosyError("cannot set --force without --destroy: invalid argument")
    container_id = _each.find(engine, options.operands[0])
    if options.destroy and not options.force:
        remove.check_idle(container_id, state.derive(engine.site, container_id))
    name = options.name or (options.operands[1] if options.operands[1:] else "")
    image = _image(engine, options.operands[2]) if options.operands[2:] else None
    record = engine.containers.record(container_id)
    changes = {**_limit_flags.changes(options), **({"pod": options.pod} if options.pod else {})}
    made: ContainerRecord = clone.clone(engine.site, record, name, changes, image, engine.containers.create)
    if options.destroy:
        engine.containers.remove(container_id, force=options.force)
    if options.run:
        engine.containers.start(made.id)
    out.line(made.id)
    return 0


def _image(engine: Engine, text: str) -> Image:
    """Another image than the container's, pulled where it is not there."""
    from argosy.containers.clone import Image
    from argosy.images import pull, resolve

    found = pull.pull_text(engine.puller(), text, "missing")
    return Image(found.record, found.shown, resolve.config(engine.store, found.record).config)


COMMAND = Command(
    path="container clone",
    summary="Clone an existing container",
    description=(
        "Makes a new container with all options of another one, but for its name (NAME-clone unless NAME is given) and "
        "what is said otherwise; named volumes are shared, anonymous ones are its own. IMAGE is the image to make it "
        "from, in place of the other one's."
    ),
    usage="CONTAINER [NAME] [IMAGE]",
    options=CloneOptions,
    run=run,
    min_operands=1,
    max_operands=3,
    flags=(
        *_limit_flags.flags("device-read-iops", "device-write-iops", "pids-limit", "restart"),
        Flag("destroy", help="Remove the original container, once the new one is there"),
        Flag("force", short="f", help="Force the existing container to be destroyed, although it runs"),
        Flag("name", kind="string", help="Assign a name to the container"),
        Flag("pod", kind="string", help="Pod that the new container is in, in place of the other one's"),
        Flag("run", help="Run the new container"),
    ),
    examples=("argosy container clone web", "argosy container clone --destroy --memory 1g --run web web2"),
)
