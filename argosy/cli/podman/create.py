"""`create`: a container that is ready to be started."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.cli.podman import _container_flags
from argosy.cli.podman._container_table import DOCKER_GLOBALS, FLAGS, CreateFlags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


def run(options: CreateFlags, engine: Engine, out: Output) -> int:
    """Create the container and print its id."""
    wanted = _container_flags.container_options(options).replace(create_command=out.command_line)
    _container_flags.tell_what_does_nothing(options, out)
    _container_flags.check_first(options)
    image = _container_flags.chosen_image(engine, options)
    if out.program == "docker":
        wanted = _container_flags.as_docker(engine, wanted, options, image[2])
    record = _container_flags.create(engine, options, wanted, image)
    _container_flags.write_cidfile(engine, options.cidfile, record.id)
    out.line(record.id)
    return 0


COMMAND = Command(
    path="create",
    summary="Create but do not start a container",
    description="Creates a container from an image and prints its id; `start` runs it.",
    options=CreateFlags,
    run=run,
    usage="IMAGE [COMMAND [ARG...]]",
    flags=FLAGS,
    min_operands=1,
    interspersed=False,
    docker_globals=DOCKER_GLOBALS,
    examples=("argosy create --name web busybox httpd -f", "argosy create -v data:/data busybox ls /data"),
)
