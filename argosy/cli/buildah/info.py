"""`info`: the host and the store, in the form of buildah's document."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.output import Output
    from argosy.engine import Engine


class InfoFlags(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    debug: bool
    format: str | None


def run(flags: InfoFlags, engine: Engine, out: Output) -> int:
    """Show the facts as JSON, or through a template."""
    found = _document(engine, debug=flags.debug)
    if flags.format is None:
        from argosy.cli.documents import html_safe, indented

        out.line(html_safe(indented(found, 4)))
        return 0
    from argosy.cli import templates

    templates.render(out, flags.format, [templates.with_maps(found)], name="info", type_name="map[string]interface {}")
    return 0


def _document(engine: Engine, *, debug: bool) -> dict[str, Any]:
    """buildah's keys, in their order; with `debug`, what the program itself is made of comes first."""
    from argosy.cli.podman import _info_document

    known = _info_document.document(engine, "buildah")
    host, store = known["host"], known["store"]
    version = known["version"]
    own = {
        "argosy version": version["ArgosyVersion"],
        "buildah version": version["Version"],
        "compiler": "",
        "git commit": version["GitCommit"],
        "go version": version["GoVersion"],
        "python version": version["PythonVersion"],
    }
    runtime = host["ociRuntime"]
    return {
        **({"debug": own} if debug else {}),
        "host": {
            "CgroupVersion": host["cgroupVersion"],
            "Distribution": host["distribution"],
            "MemFree": host["memFree"],
            "MemTotal": host["memTotal"],
            "OCIRuntime": runtime.get("name", "") if isinstance(runtime, dict) else "",
            "SwapFree": host["swapFree"],
            "SwapTotal": host["swapTotal"],
            "arch": host["arch"],
            "cpus": host["cpus"],
            "hostname": host["hostname"],
            "kernel": host["kernel"],
            "os": host["os"],
            "rootless": engine.namespace.rootless,
            "uptime": host["uptime"],
            "variant": "",
        },
        "store": {
            "ContainerStore": {"number": len(engine.build().containers.all())},
            "GraphDriverName": store["graphDriverName"],
            "GraphOptions": [f"{name}={value}" for name, value in store["graphOptions"].items()],
            "GraphRoot": store["graphRoot"],
            "GraphStatus": store["graphStatus"],
            "ImageStore": store["imageStore"],
            "RunRoot": store["runRoot"],
        },
    }


COMMAND = Command(
    path="info",
    summary="Display system information",
    description="Shows the host and the store, as JSON or through a template.",
    options=InfoFlags,
    run=run,
    max_operands=0,
    flags=(
        Flag("debug", short="d", help="Show what the program itself is made of as well"),
        Flag("format", kind="string", help="Change the output with a Go template"),
    ),
    examples=("argosy info --format '{{.store.GraphRoot}}'",),
)
