"""`container checkpoint`: the processes of containers are written down, to go on later or elsewhere."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.containers.checkpoint.dump import DumpOptions
    from argosy.containers.checkpoint.statistics import Statistics
    from argosy.engine import Engine

_COMPRESSIONS = ("gzip", "none", "zstd")


class CheckpointOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    compress: str | None
    create_image: str | None
    export: str | None
    file_locks: bool
    ignore_rootfs: bool
    ignore_volumes: bool
    keep: bool
    latest: bool
    leave_running: bool
    pre_checkpoint: bool
    print_stats: bool
    tcp_established: bool
    with_previous: bool


def run(options: CheckpointOptions, engine: Engine, out: Output) -> int:
    """Checkpoint each container, and print its name."""
    from argosy.cli.podman import _checkpointing, _each
    from argosy.containers import state
    from argosy.containers.checkpoint import dump

    _check(options, rootless=engine.site.namespace.rootless)
    names = _each.chosen(engine, options.operands, all_=options.all, latest=options.latest)
    if options.all:
        running = (view for view in engine.containers.list().views if view.run.status == state.RUNNING)
        names = [view.id for view in running]
    if len(names) > 1 and (options.export or options.create_image):
        raise ArgosyError("--export and --create-image are for one container", hint="name it")
    wanted = _wanted(options)

    def work(name: str) -> Statistics:
        return dump.checkpoint(engine.site, _each.find(engine, name), wanted)

    return _checkpointing.each(names, out, work, "checkpoint", print_stats=options.print_stats)


def _check(options: CheckpointOptions, *, rootless: bool) -> None:
    """Raise ArgosyError, in podman's words, for what does not go together."""
    if options.compress is not None and options.compress not in _COMPRESSIONS:
        known = ", ".join(_COMPRESSIONS)
        raise ArgosyError(
            f'selected compression algorithm ("{options.compress}") not supported. Please select one from: {known}'
        )
    if rootless:
        raise ArgosyError("checkpointing a container requires root", hint="CRIU works for root alone")
    exported = options.export or options.create_image
    for flag, given in (
        ("compress", options.compress is not None and not options.export),
        ("ignore-rootfs", options.ignore_rootfs and not exported),
        ("ignore-volumes", options.ignore_volumes and not exported),
    ):
        if given:
            raise ArgosyError(f"--{flag} can only be used with --export")
    if options.pre_checkpoint and options.with_previous:
        raise ArgosyError("--with-previous can not be used with --pre-checkpoint")
    if options.pre_checkpoint or options.with_previous:
        from argosy.containers.checkpoint import criu

        criu.check_memory_tracking()


def _wanted(options: CheckpointOptions) -> DumpOptions:
    from argosy.containers.checkpoint.dump import DumpOptions
    from argosy.images import naming

    return DumpOptions(
        export=options.export or "",
        compression=options.compress or "zstd",
        image=naming.local_name(options.create_image) if options.create_image else None,
        file_locks=options.file_locks,
        ignore_rootfs=options.ignore_rootfs,
        ignore_volumes=options.ignore_volumes,
        keep=options.keep,
        leave_running=options.leave_running,
        pre_checkpoint=options.pre_checkpoint,
        tcp_established=options.tcp_established,
        with_previous=options.with_previous,
    )


COMMAND = Command(
    path="container checkpoint",
    summary="Checkpoints one or more containers",
    description=(
        "Writes down the processes of containers with all that they have in memory, and ends them, so that `container "
        "restore` lets them go on, here or with --export or --create-image on another host. The OCI runtime does it by "
        "CRIU: both must be there, and it needs root. Debian's crun is built without; install criu and runc, and run "
        "the container with --runtime runc. The archive of --export has argosy's own form, which podman does not read."
    ),
    usage="CONTAINER [CONTAINER...]",
    options=CheckpointOptions,
    run=run,
    flags=(
        Flag("all", short="a", help="Checkpoint all running containers"),
        Flag("compress", short="c", kind="string", help="Compression of the archive (gzip, none, zstd; default zstd)"),
        Flag("create-image", kind="string", help="Create checkpoint image with specified name"),
        Flag("export", short="e", kind="string", help="Export the checkpoint to an archive"),
        Flag("file-locks", help="Checkpoint a container with file locks"),
        Flag("ignore-rootfs", help="Do not include root file-system changes when exporting"),
        Flag("ignore-volumes", help="Do not export volumes associated with container"),
        Flag("keep", short="k", help="Keep CRIU's logs and statistics"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
        Flag("leave-running", short="R", help="Leave the container running after writing checkpoint to disk"),
        Flag("pre-checkpoint", short="P", help="Dump container's memory information only, leave the container running"),
        Flag("print-stats", help="Display checkpoint statistics"),
        Flag("tcp-established", help="Checkpoint a container with established TCP connections"),
        Flag("with-previous", help="Checkpoint container with pre-checkpoint images"),
    ),
    examples=("argosy container checkpoint web", "argosy container checkpoint --export web.tar.zst web"),
)
