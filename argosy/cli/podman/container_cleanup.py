"""`container cleanup`: take down what ended containers have left; conmon's exit command."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _each
from argosy.containers import state
from argosy.errors import ArgosyError
from argosy.linux import process
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine

_FULL_ID = 64


class CleanupOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    latest: bool
    rm: bool
    rmi: bool
    session: str | None


def run(options: CleanupOptions, engine: Engine, out: Output) -> int:
    """Clean up each container and print its name.  conmon gives a full id: that one may be gone already."""
    plain = not (options.rm or options.rmi or options.session)
    process.close_inherited()  # conmon's, the sockets on published ports among them
    if plain and len(options.operands) == 1 and len(options.operands[0]) == _FULL_ID:
        engine.containers.cleanup(options.operands[0])
        engine.containers.prune_exits()
        out.line(options.operands[0])
        return 0
    if options.session and (options.all or options.rmi or len(options.operands) > 1):
        raise ArgosyError("--exec cleans up one session of one container: leave out --all, --rmi and other containers")
    names = _each.chosen(engine, options.operands, all_=options.all, latest=options.latest)

    def clean(container_id: str) -> None:
        if options.session:
            from argosy.containers import exec as execs

            execs.cleanup_session(engine.site, container_id, options.session)
            return
        if engine.containers.view(container_id).run.status in state.ACTIVE:
            raise ArgosyError(
                f"container {container_id} is running or paused, refusing to clean up: container state improper",
                hint=f"argosy stop {container_id[:12]}",
            )
        image = engine.containers.record(container_id).image if options.rmi else None
        engine.containers.cleanup(container_id)
        if options.rm:
            try:
                engine.containers.remove(container_id)
            except ArgosyError as error:
                raise ArgosyError(f"cannot remove container {container_id[:12]}", details=str(error)) from error
        if image is not None:
            _remove_image(engine, image.id)

    return _each.for_each(engine, names, out, clean)


def _remove_image(engine: Engine, image_id: str) -> None:
    """Remove the image that a container was made from.  Raises ArgosyError when a container uses it."""
    from argosy.images import remove
    from argosy.storage import gc

    remover = remove.Remover(
        engine.store, engine.load_registries, remove.RemoveOptions(), lambda name: engine.containers.remove(name)
    )
    try:
        remover.remove(image_id)
    except ArgosyError as error:
        error.exit_code = ArgosyError.default_exit_code
        raise
    gc.collect(engine.store)


COMMAND = Command(
    path="container cleanup",
    summary="Clean up network and mountpoints of one or more containers",
    description="Takes down mounts, networks and control groups of containers that have ended. Running ones are left.",
    options=CleanupOptions,
    run=run,
    usage="CONTAINER [CONTAINER...]",
    flags=(
        Flag("all", short="a", help="Clean up all containers"),
        Flag(
            "exec",
            kind="string",
            field="session",
            metavar="SESSION",
            help="Clean up the given exec session instead of the container",
        ),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
        Flag("rm", help="After cleanup, remove the container entirely"),
        Flag("rmi", help="After cleanup, remove the image entirely"),
    ),
    examples=("argosy container cleanup --all",),
)
