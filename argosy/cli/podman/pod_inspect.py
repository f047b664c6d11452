"""`pod inspect`: all that is known about a pod."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.containers import pod as pods
from argosy.errors import ArgosyError, NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.output import Output
    from argosy.engine import Engine

_TYPE = "*define.InspectPodData"
# What JSON leaves out has Go's zero value in templates.
_ZEROES: dict[str, Any] = {
    "Namespace": "",
    "Labels": {},
    "CgroupPath": "",
    "InfraContainerID": "",
    "InfraConfig": None,
    "SharedNamespaces": [],
    "Containers": [],
}
_NAMES = {
    "cpu_period": "CPUPeriod",
    "cpu_quota": "CPUQuota",
    "cpu_shares": "CPUShares",
    "cpuset_cpus": "CPUSetCPUs",
    "cpuset_mems": "CPUSetMems",
    "blkio_weight": "BlkioWeight",
    "mounts": "Mounts",
    "devices": "Devices",
    "device_read_bps": "BlkioDeviceReadBps",
    "device_write_bps": "BlkioDeviceWriteBps",
    "volumes_from": "VolumesFrom",
    "security_opt": "SecurityOpts",
    "memory_limit": "MemoryLimit",
    "memory_swap": "MemorySwap",
    "pid_ns": "PidNS",
    "userns": "UserNS",
    "uts_ns": "UtsNS",
}


class PodInspectOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    format: str
    latest: bool


def run(options: PodInspectOptions, engine: Engine, out: Output) -> int:
    """Show the pods; those that cannot be shown are told afterwards.  One alone is no array."""
    from argosy.cli import documents
    from argosy.cli.errors import report
    from argosy.cli.podman import _pods

    if options.latest and options.operands:
        raise ArgosyError("--latest and pods cannot be used together")
    if not options.latest and not options.operands:
        raise ArgosyError("no names or ids specified")
    found, errors = [], []
    for name in [_pods.newest(engine)] if options.latest else options.operands:
        try:
            found.append(document(engine, name))
        except ArgosyError as error:
            error.brief = f"inspecting object: {error.brief}"
            errors.append(error)
    if options.format in ("", "json"):
        out.line(documents.indented(found[0] if len(found) == 1 else found, 5))
    elif found:
        render(found, options.format, out)
    return max([report(error, out) for error in errors], default=0)


def document(engine: Engine, name: str) -> dict[str, Any]:
    """The document of a pod.  Raises NotFound in podman's words."""
    from argosy.pods import inspect

    try:
        return inspect.inspect(engine.site, pods.find(engine.site, name))
    except NotFound as error:
        error.brief = f"no such pod {name}"
        raise


def struct(found: dict[str, Any]) -> dict[str, Any]:
    """The document as templates see it: with podman's names of the fields."""
    from argosy.cli import templates
    from argosy.cli.documents import with_moments

    shown = {_NAMES.get(key, key): value for key, value in {**_ZEROES, **found}.items()}
    if shown["InfraConfig"]:
        shown["InfraConfig"] = {_NAMES.get(key, key): value for key, value in shown["InfraConfig"].items()}
    fields = templates.with_maps(with_moments(shown, ("Created",)))
    return templates.Struct(fields, type_name=_TYPE, kept=found)


def render(found: list[dict[str, Any]], format_: str, out: Output) -> None:
    """Show pods through a template."""
    from argosy.cli import templates

    rows = [struct(one) for one in found]
    templates.render(out, format_, rows, name="inspect", type_name=_TYPE, show_headings=False, ranging=True)


COMMAND = Command(
    path="pod inspect",
    summary="Displays a pod configuration",
    description="Displays all that is known about a pod, as JSON or through a Go template.",
    options=PodInspectOptions,
    run=run,
    usage="POD [POD...]",
    flags=(
        Flag("format", short="f", kind="string", default="json", help="Format the output to a Go template or json"),
        Flag("latest", short="l", help="Act on the latest pod argosy is aware of"),
    ),
    examples=("argosy pod inspect web", 'argosy pod inspect --format "{{.State}}" web'),
)
