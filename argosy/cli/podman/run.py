"""`run`: create a container, start it, and stay with it unless it is detached."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _container_flags
from argosy.cli.podman._container_table import DOCKER_GLOBALS, FLAGS, CreateFlags
from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.containers.run import Streams
    from argosy.engine import Engine
    from argosy.spec.options import ContainerOptions


_NOT_INVOKED = 126  # podman's status for a container that the runtime does not make, whatever the reason


class RunOptions(CreateFlags):
    """The shared flags, and those about how the caller stays with the container."""

    detach: bool
    detach_keys: str | None
    preserve_fds: int
    rmi: bool
    sig_proxy: bool


def run(options: RunOptions, engine: Engine, out: Output) -> int:
    """Run the container.  The exit status is its own; 125, 126 and 127 say that it could not be started."""
    wanted = _container_flags.container_options(options).replace(create_command=out.command_line)
    _container_flags.tell_what_does_nothing(options, out)
    if options.rmi:
        wanted = _with_image(wanted, options)
    streams = _streams(options, engine.conf.detach_keys)
    _container_flags.check_first(options)
    if options.preserve_fds or options.log_driver:
        from argosy.cli.podman import _container_process

        _container_process.check_descriptors(options.preserve_fds)
        _container_process.check_passthrough(options.log_driver or "")
    image = _container_flags.chosen_image(engine, options)
    if out.program == "docker":
        wanted = _container_flags.as_docker(engine, wanted, options, image[2])
    record = _container_flags.create(engine, options, wanted, image, to_start=True)
    _container_flags.write_cidfile(engine, options.cidfile, record.id)
    out.flush()
    if options.tty and options.interactive and streams is not None and not os.isatty(0):
        out.notice("The input device is not a TTY. The --tty and --interactive flags might not work properly")
    try:
        status = engine.containers.run(record, streams, preserve_fds=options.preserve_fds)
    except ArgosyError as error:
        from argosy.runtime.oci_runtime import Refused

        if isinstance(error, Refused) and out.program != "docker":
            error.exit_code = _NOT_INVOKED
        raise
    if streams is None:
        out.line(record.id)
    return status


def _with_image(wanted: ContainerOptions, options: RunOptions) -> ContainerOptions:
    """--rmi: the container goes as well, since an image stays for as long as one was made from it."""
    if options.rm is False:
        raise ArgosyError("the --rmi option does not work without --rm", hint="leave out --rm=false")
    return wanted.replace(remove=True, remove_image=True)


def _streams(options: RunOptions, keys: str) -> Streams | None:
    """The caller's streams: none when detached, those of --attach, else all."""
    from argosy.containers.run import Streams

    if options.detach:
        if options.attach:
            raise ArgosyError("cannot specify the --attach and --detach options at the same time")
        return None
    wanted = {text.lower() for text in options.attach}
    return Streams(
        stdin=0 if options.interactive and (not wanted or "stdin" in wanted) else None,
        stdout=1 if not wanted or "stdout" in wanted else None,
        stderr=2 if not wanted or "stderr" in wanted else None,
        detach_keys=keys if options.detach_keys is None else options.detach_keys,
        sig_proxy=options.sig_proxy and not options.tty,
    )


COMMAND = Command(
    path="run",
    summary="Run a command in a new container",
    description=(
        "Makes a container from an image, pulling the image first when it is not there, and runs a command in it. The "
        "exit status is the command's; 125 means that argosy failed, 126 that the runtime cannot make the "
        "container or execute the command, 127 that the command was not found."
    ),
    options=RunOptions,
    run=run,
    usage="IMAGE [COMMAND [ARG...]]",
    flags=(
        *FLAGS,
        Flag("detach", short="d", help="Run container in background and print container ID"),
        Flag("detach-keys", kind="string", help="Override the key sequence for detaching a container"),
        Flag("preserve-fds", kind="uint", default=0, help="Pass N more file descriptors to the container, from 3 on"),
        Flag("rmi", help="Remove the image after exit, unless another container uses it; implies --rm"),
        Flag("sig-proxy", default=True, help="Proxy received signals to the process"),
    ),
    min_operands=1,
    interspersed=False,
    docker_globals=DOCKER_GLOBALS,
    examples=(
        "argosy run --rm -it busybox sh",
        "argosy run -d --name web -v ./site:/www:ro busybox httpd -f -h /www",
        "argosy run --rm --network none --read-only --cap-drop all busybox id",
    ),
)
