"""`container restore`: containers whose processes were written down go on."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError, NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.containers.checkpoint.statistics import Statistics
    from argosy.containers.checkpoint.take_in import ImportOptions
    from argosy.engine import Engine
    from argosy.images.resolve import Resolved


class RestoreFlags(Value):
    """What was asked for.  `import_` is --import."""

    operands: tuple[str, ...]
    all: bool
    file_locks: bool
    ignore_rootfs: bool
    ignore_static_ip: bool
    ignore_static_mac: bool
    ignore_volumes: bool
    import_: str | None
    import_previous: str | None
    keep: bool
    latest: bool
    name: str | None
    pod: str | None
    print_stats: bool
    publish: tuple[str, ...]
    tcp_established: bool


def run(options: RestoreFlags, engine: Engine, out: Output) -> int:
    """Restore each container, or make it from a checkpoint and restore that; print its name, or the new one's id."""
    from argosy.cli.podman import _checkpointing, _each
    from argosy.containers.checkpoint import restore

    _check(options, rootless=engine.site.namespace.rootless)
    wanted = restore.RestoreOptions(
        file_locks=options.file_locks,
        ignore_static_ip=options.ignore_static_ip,
        ignore_static_mac=options.ignore_static_mac,
        keep=options.keep,
        tcp_established=options.tcp_established,
    )
    if options.import_ is not None:
        names = [_imported(options, engine)]
    else:
        names = _each.chosen(engine, options.operands, all_=options.all, latest=options.latest)
        names = [name for name in names if not options.all or _has_checkpoint(engine, name)]

    def work(name: str) -> Statistics:
        container_id, is_new = (name, True) if options.import_ is not None else _found(options, engine, name)
        try:
            return restore.restore(engine.site, container_id, wanted)
        except BaseException:
            if is_new:
                engine.containers.remove(container_id, force=True, volumes=True)
            raise

    return _checkpointing.each(names, out, work, "restore", print_stats=options.print_stats)


def _check(options: RestoreFlags, *, rootless: bool) -> None:
    """Raise ArgosyError, in podman's words, for what does not go together."""
    if rootless:
        raise ArgosyError("restoring a container requires root", hint="CRIU works for root alone")
    if options.import_previous is not None and options.import_ is None:
        raise ArgosyError("--import-previous can only be used with image or --import")
    if options.import_ is not None and (options.all or options.latest):
        raise ArgosyError("cannot use --import with --all or --latest")
    if options.import_ is not None and options.operands:
        raise ArgosyError("cannot use --import with positional arguments")
    if options.name and options.tcp_established:
        raise ArgosyError("--tcp-established cannot be used with --name")


def _has_checkpoint(engine: Engine, container_id: str) -> bool:
    import os

    from argosy.containers import state
    from argosy.containers.checkpoint import criu

    runs = state.derive(engine.site, container_id).status in state.ACTIVE
    return not runs and os.path.isdir(f"{engine.site.state_directory(container_id)}/{criu.IMAGES}")


def _found(options: RestoreFlags, engine: Engine, name: str) -> tuple[str, bool]:
    """The container of this name, or a new one from the checkpoint image of this name, and whether it is that."""
    from argosy.images import resolve

    try:
        container_id = engine.containers.find(name)
    except NotFound:
        try:
            image = resolve.resolve(engine.store, engine.load_registries, name)
        except NotFound:
            error = NotFound("container", name)
            error.brief = f"no such container or image: {name}"
            raise error from None
        return _from_image(options, engine, image, name), True
    for flag in ("ignore_rootfs", "ignore_volumes", "name", "pod"):
        if getattr(options, flag):
            raise ArgosyError(f"--{flag.replace('_', '-')} can only be used with image or --import")
    if options.publish:
        raise ArgosyError("--publish can only be used with image or --import")
    return container_id, False


def _from_image(options: RestoreFlags, engine: Engine, image: Resolved, name: str) -> str:
    from argosy.containers.checkpoint import carry, take_in

    try:
        directory = carry.layer_of(engine.site, image.record)
    except NotFound as error:
        error.brief = f"image {name} is no checkpoint"
        raise
    return take_in.take_in(
        *(engine.site, directory, name, _import_options(options, engine, "")),
        lambda text: _image(engine, text),
        engine.containers.create,
    )


def _imported(options: RestoreFlags, engine: Engine) -> str:
    """The container from the archive."""
    import os

    from argosy.containers.checkpoint import bundle, carry, take_in
    from argosy.records.scratch import Scratch

    assert options.import_ is not None
    with Scratch(engine.store.tmp) as scratch:
        directory, earlier = f"{scratch.path}/bundle", ""
        os.mkdir(directory, 0o700)
        carry.receive(engine.site, options.import_, directory)
        if options.import_previous is not None:
            earlier = f"{scratch.path}/earlier"
            os.mkdir(earlier, 0o700)
            carry.receive(engine.site, options.import_previous, earlier)
            bundle.read(earlier, options.import_previous)
        return take_in.take_in(
            *(engine.site, directory, options.import_, _import_options(options, engine, earlier)),
            lambda text: _image(engine, text),
            engine.containers.create,
        )


def _import_options(options: RestoreFlags, engine: Engine, earlier: str) -> ImportOptions:
    from argosy.containers import pod as pods
    from argosy.containers.checkpoint.take_in import ImportOptions
    from argosy.spec import parseports

    return ImportOptions(
        name=options.name or "",
        earlier=earlier,
        pod=pods.find(engine.site, options.pod) if options.pod else "",
        ignore_rootfs=options.ignore_rootfs,
        ignore_volumes=options.ignore_volumes,
        ports=parseports.parse_published(options.publish) if options.publish else None,
    )


def _image(engine: Engine, text: str) -> Resolved:
    from argosy.images import pull

    return pull.pull_text(engine.puller(), text, "missing")


COMMAND = Command(
    path="container restore",
    summary="Restores one or more containers from a checkpoint",
    description=(
        "Lets the processes of containers that `container checkpoint` ended go on. With --import, or the name of a "
        "checkpoint image, a new container is made first: from the image that the old one was made from, which must be "
        "the same, and with what that one was asked for. What this gives it of this host (mounts, devices, privileges) "
        "is told; the specification in it is not used, and paths of files that would be written or executed "
        "(--pidfile, the log's, the runtime's) are dropped. Needs root, CRIU, and an OCI runtime that uses it."
    ),
    usage="CONTAINER|IMAGE [CONTAINER|IMAGE...]",
    options=RestoreFlags,
    run=run,
    flags=(
        Flag("all", short="a", help="Restore all checkpointed containers"),
        Flag("file-locks", help="Restore a container with file locks"),
        Flag("ignore-rootfs", help="Do not apply root file-system changes when importing from exported checkpoint"),
        Flag("ignore-static-ip", help="Ignore IP address set via --static-ip"),
        Flag("ignore-static-mac", help="Ignore MAC address set via --mac-address"),
        Flag("ignore-volumes", help="Do not restore volumes associated with container"),
        Flag("import", short="i", kind="string", help="Restore from exported checkpoint archive"),
        Flag("import-previous", kind="string", help="Restore from exported pre-checkpoint archive"),
        Flag("keep", short="k", help="Keep the checkpoint, and CRIU's logs and statistics"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
        Flag("name", short="n", kind="string", help="Name of the new container (with an image or --import)"),
        Flag("pod", kind="string", help="Restore container into existing Pod (with an image or --import)"),
        Flag("print-stats", help="Display restore statistics"),
        Flag("publish", short="p", kind="list", help="Publish a container's port, or a range of ports, to the host"),
        Flag("tcp-established", help="Restore a container with established TCP connections"),
    ),
    examples=("argosy container restore web", "argosy container restore --import web.tar.zst --name web2"),
)
