"""`inspect`: all that is known about containers, images, volumes, networks and pods."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag, OperandsError
from argosy.cli.podman import _each
from argosy.errors import ArgosyError, NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from argosy.cli.output import Output
    from argosy.containers.record import ContainerRecord
    from argosy.engine import Engine

    Find = Callable[[str], dict[str, Any]]

_TYPES = ("all", "container", "image", "network", "pod", "volume")


class InspectOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    format: str
    latest: bool
    size: bool
    type: str


def run(options: InspectOptions, engine: Engine, out: Output) -> int:
    """Show each object; a name means a container before an image before a volume, and so on."""
    docker = out.program == "docker"
    types = tuple(kind for kind in _TYPES if kind != "pod" or not docker)
    if options.type not in types:
        choices = ", ".join(f'"{kind}"' for kind in types[1:])
        raise ArgosyError(f'invalid type "{options.type}": must be {choices}, or "all"')
    if options.latest and options.type == "pod":
        from argosy.cli.podman import _pods

        return show([_pods.newest(engine)], lambda name: pod(engine, name), options.format, out)
    if options.latest and options.type not in ("all", "container"):
        raise ArgosyError(f'latest is not supported for type "{options.type}"')
    finders: dict[str, Find] = {
        "all": lambda name: anything(engine, name, size=options.size, docker=docker),
        "container": lambda name: container(engine, name, size=options.size, docker=docker),
        "image": lambda name: image(engine, name, docker=docker),
        "network": lambda name: network(engine, name, docker=docker),
        "pod": lambda name: pod(engine, name),
        "volume": lambda name: volume(engine, name, docker=docker),
    }
    names = chosen(engine, options.operands, latest=options.latest)
    return show(names, finders["container" if options.latest else options.type], options.format, out)


def chosen(engine: Engine, operands: tuple[str, ...], *, latest: bool) -> list[str]:
    """The names that were given, or the id of the container made last."""
    if latest and operands:
        raise ArgosyError("--latest and arguments cannot be used together")
    if not latest:
        if not operands:
            raise OperandsError("no names or ids specified", 1)
        return list(operands)
    return [_each.newest(engine)]


def anything(engine: Engine, name: str, *, size: bool, docker: bool) -> dict[str, Any]:
    """The container, else the image, else the volume, else the network, else the pod with this name."""
    finders: tuple[Find, ...] = (
        lambda name: container(engine, name, size=size, docker=docker),
        lambda name: image(engine, name, docker=docker),
        lambda name: volume(engine, name, docker=docker),
        lambda name: network(engine, name, docker=docker),
        *(() if docker else (lambda name: pod(engine, name),)),
    )
    for find in finders:
        try:
            return find(name)
        except NotFound as missing:
            if missing.kind not in _TYPES:  # it is there, and something that it is made of is not
                raise
    error = NotFound("object", name)
    error.brief = f'no such object: "{name}"'
    raise error


def container(engine: Engine, name: str, *, size: bool, docker: bool) -> dict[str, Any]:
    """The document of a container, in docker's form if that is wanted.  Raises NotFound in podman's words."""
    try:
        container_id = engine.containers.find(name.removeprefix("/") if docker else name)
        document = engine.containers.inspect(container_id, size=size)
        if not docker:
            return document
        from argosy.containers.inspect_docker import docker_form

        record = engine.containers.record(container_id)
        shown = docker_form(document, record, engine.site.conf.default_network, _docker_health(engine, record))
        if record.options.links:
            from argosy.containers import links

            shown["HostConfig"]["Links"] = links.shown(engine.site, record)
        return shown
    except NotFound:
        error = NotFound("container", name)
        error.brief = f"no such container {name}"
        raise error from None


def _docker_health(engine: Engine, record: ContainerRecord) -> dict[str, Any] | None:
    if record.options.health is None or not record.options.health.is_active:
        return None
    from argosy.containers.health import documents, kept

    return documents.docker_results(kept.read(engine.site, record.id))


def image(engine: Engine, name: str, *, docker: bool) -> dict[str, Any]:
    """The document of an image, in docker's form if that is wanted."""
    from argosy.cli.podman import image_inspect

    return image_inspect.document(engine, name, docker=docker)


def network(engine: Engine, name: str, *, docker: bool) -> dict[str, Any]:
    """The document of a network, in docker's form if that is wanted.  Raises NotFound in podman's words."""
    from argosy.containers import inspect_networks, networks

    if docker:
        return inspect_networks.docker_form(engine.site, inspect_networks.find(engine.site, name))
    return inspect_networks.podman_form(engine.site, networks.of(engine.site).get(name))


def pod(engine: Engine, name: str) -> dict[str, Any]:
    """The document of a pod.  Raises NotFound in podman's words."""
    from argosy.cli.podman import pod_inspect

    return pod_inspect.document(engine, name)


def volume(engine: Engine, name: str, *, docker: bool = False) -> dict[str, Any]:
    """The document of a volume, in docker's form if that is wanted.  Raises NotFound in podman's words."""
    from argosy.volumes import inspect

    if not engine.store.volumes.exists(name):
        error = NotFound("volume", name)
        error.brief = f"no such volume {name}"
        raise error
    users = [view for view in engine.containers.list().views if view.run.pid]
    mounted = sum(use["name"] == name for view in users for use in view.record.get("volumes", ()))
    found = inspect.inspect(engine.store, name, mounted=mounted)
    return inspect.docker_form(found) if docker else found


def volume_fields(document: dict[str, Any]) -> dict[str, Any]:
    """A volume's document as templates see it: with Go's zero values for what JSON leaves out."""
    from argosy.cli import templates
    from argosy.cli.documents import with_moments

    zeroes = {"UID": 0, "GID": 0, "Anonymous": False, "NeedsCopyUp": False, "NeedsChown": False, "Timeout": 0}
    fields = templates.with_maps(with_moments(document, ("CreatedAt",)))
    return templates.Struct({**zeroes, **fields}, type_name="*define.VolumeListReport", kept=document)


def show(names: list[str], find: Find, format_: str, out: Output) -> int:
    """Show the documents of all that can be found; what cannot is told afterwards."""
    from argosy.cli.errors import report

    documents, errors = [], []
    for name in names:
        try:
            documents.append(find(name))
        except ArgosyError as error:
            errors.append(error)
    if format_.replace(" ", "") in ("", "json", "{{json}}", "{{json.}}"):
        from argosy.cli.documents import indented

        out.line(indented(documents, 4 if out.program == "docker" else 5))
    elif documents:
        _render(documents, format_, out)
    status = 0
    for failure in errors:
        if out.program != "docker":
            failure.brief = f"inspecting object: {failure.brief}"
        status = report(failure, out)
    return status


def _render(documents: list[dict[str, Any]], format_: str, out: Output) -> None:
    from argosy.cli import templates
    from argosy.cli.documents import with_moments

    rows: list[dict[str, Any]] = []
    docker = out.program == "docker"
    for document in documents:
        if "NamesHistory" in document:
            from argosy.cli.podman import _image_document

            rows.append(_image_document.struct(document))
        elif "HostConfig" in document and not docker:
            from argosy.cli.podman import _container_document

            rows.append(_container_document.struct(document))
        elif "CreateInfra" in document and not docker:
            from argosy.cli.podman import pod_inspect

            rows.append(pod_inspect.struct(document))
        elif "Mountpoint" in document and not docker:
            rows.append(volume_fields(document))
        else:
            rows.append(templates.with_maps(with_moments(document, () if docker else ("CreatedAt",))))
    templates.render(
        out, format_, rows, name="inspect", type_name="interface {}", show_headings=False, ranging=not docker
    )


COMMAND = Command(
    path="inspect",
    summary="Display the configuration of object denoted by ID",
    description="Displays the low-level information on containers, images, volumes, networks and pods.",
    options=InspectOptions,
    run=run,
    usage="{CONTAINER|IMAGE|VOLUME} [...]",
    flags=(
        Flag("format", short="f", kind="string", default="json", help="Format the output to a Go template or json"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
        Flag("size", short="s", help="Display total file size"),
        Flag(
            "type",
            short="t",
            kind="string",
            default="all",
            help='Specify inspect-object type ("all"|"container"|"image"|"network"|"pod"|"volume")',
        ),
    ),
    examples=(
        "argosy inspect web",
        "argosy inspect --type image alpine",
        'argosy inspect --format "{{.State.Status}} {{.State.ExitCode}}" web',
    ),
)
