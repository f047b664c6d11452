"""`system import-store`: the images and volumes of podman or docker, into the store."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError, Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.images.migrate import Item

_ENGINES = ("podman", "docker")


class ImportStoreOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    dry_run: bool
    from_: str | None
    host: str | None
    quiet: bool
    store: str | None


def run(options: ImportStoreOptions, engine: Engine, out: Output) -> int:
    """Take over what is there, one by one; what cannot be taken does not keep the rest."""
    from argosy.cli import progress
    from argosy.cli.errors import report
    from argosy.images import migrate

    status = 0
    door = engine.doors.images_door()
    with progress.shown(quiet=options.quiet or options.dry_run) as shown:
        for item in _items(options, engine):
            if options.dry_run:
                out.line(f"{item.kind} {item.name}")
                continue
            try:
                taken = migrate.take(engine.store, item, shown, engine.site.notice, door)
            except ArgosyError as error:
                out.error(f"{item.kind} {item.name} was not imported:")
                status = report(error, out)
                continue
            out.line(f"{item.kind} {item.name}{'' if taken else ' (already here)'}")
            out.flush()
    return status


def _items(options: ImportStoreOptions, engine: Engine) -> Iterator[Item]:
    from argosy.images import migrate

    if options.from_ not in _ENGINES:
        raise Invalid("engine", options.from_ or "", "--from takes podman or docker")
    if options.from_ == "docker":
        if options.store:
            raise ArgosyError("--store is for podman: docker is asked through its socket (--host)")
        from argosy.registry.daemon import Daemon

        return migrate.from_docker(Daemon(options.host or ""))
    if options.host:
        raise ArgosyError("--host is for docker: the store of podman is read where it is (--store)")
    return migrate.from_podman(options.store or _podman_root(engine))


def _podman_root(engine: Engine) -> str:
    """Where podman keeps the store of this user, unless it was told otherwise."""
    from argosy.config.locations import home_directory

    if not engine.namespace.rootless:
        return "/var/lib/containers/storage"
    data = engine.environ.get("XDG_DATA_HOME") or f"{home_directory(engine.environ, engine.namespace.uid)}/.local/share"
    return f"{data}/containers/storage"


COMMAND = Command(
    path="system import-store",
    summary="Import the images and volumes of podman or docker",
    description=(
        "Copies the images and named volumes of podman's store, or of a docker daemon, into the store. What is there "
        "stays there, and what is here already stays as it is, so that the command can be repeated."
    ),
    options=ImportStoreOptions,
    run=run,
    max_operands=0,
    flags=(
        Flag("dry-run", help="Print what would be imported"),
        Flag("from", kind="string", help='Whose store is imported ("podman"|"docker")'),
        Flag("host", kind="string", help="Address of the docker daemon (default unix:///var/run/docker.sock)"),
        Flag("quiet", short="q", help="Suppress the progress"),
        Flag("store", kind="string", help="Directory of podman's store (default: the one of this user)"),
    ),
    examples=("argosy system import-store --from podman", "argosy system import-store --from docker --dry-run"),
)
