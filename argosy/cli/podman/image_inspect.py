"""`image inspect`: all that is known about images."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.output import Output
    from argosy.engine import Engine


class ImageInspectOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    format: str


def run(options: ImageInspectOptions, engine: Engine, out: Output) -> int:
    """Show each image; those that do not exist are told afterwards."""
    from argosy.cli.podman import inspect

    docker = out.program == "docker"
    return inspect.show(list(options.operands), lambda name: document(engine, name, docker=docker), options.format, out)


def document(engine: Engine, text: str, *, docker: bool = False) -> dict[str, Any]:
    """The image that `text` means, in podman's form or docker's.  Raises ImageNotKnown."""
    from argosy.images import inspect, inventory, resolve

    record = resolve.resolve(engine.store, engine.load_registries, text).record
    found = inspect.inspect(engine.store, inventory.image_of(engine.store, record), record)
    if not docker:
        return found
    from argosy.cli.podman._images_docker import familiar
    from argosy.images.inspect_docker import docker_form

    shown = docker_form(engine.store, found, record)
    return {**shown, **{key: [familiar(name) for name in shown[key]] for key in ("RepoTags", "RepoDigests")}}


COMMAND = Command(
    path="image inspect",
    summary="Display the configuration of an image",
    description="Displays the low-level information of images, named or given by id.",
    usage="IMAGE [IMAGE...]",
    options=ImageInspectOptions,
    run=run,
    min_operands=1,
    missing="no names or ids specified",
    flags=(
        Flag("format", short="f", kind="string", default="json", help="Format the output to a Go template or json"),
    ),
    examples=(
        "argosy image inspect alpine",
        'argosy image inspect --format "imageId: {{.Id}} size: {{.Size}}" alpine',
    ),
)
