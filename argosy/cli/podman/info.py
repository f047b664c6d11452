"""`info`: what Argosy is working with on this host."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from argosy.cli.output import Output
    from argosy.engine import Engine

_PLAIN_FIRST = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_")
_NOT_PLAIN = ("true", "false", "null", "yes", "no", "on", "off", "~", "")


class InfoOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    debug: bool
    format: str | None


def run(options: InfoOptions, engine: Engine, out: Output) -> int:
    """Show the facts as YAML, as JSON, or through a template."""
    from argosy.cli import templates
    from argosy.cli.podman import _info_document

    if out.program == "docker":
        from argosy.cli.podman import _docker_info

        return _docker_info.show(engine, options.format, out)
    document = _info_document.document(engine, out.program)
    if options.format is None:
        for line in yaml_lines(_sorted(document)):
            out.line(line)
        return 0
    if templates.is_json(options.format):
        from argosy.cli.documents import html_safe, indented

        out.line(html_safe(indented(document, 2)))
        return 0
    fields = templates.with_maps(_go_fields(document))
    templates.render(out, options.format, [fields], name="info", type_name="*define.Info")
    return 0


def _go_fields(document: dict[str, Any]) -> dict[str, Any]:
    """The document for templates: with the fields that podman names otherwise in JSON, or leaves out there."""
    host = document["host"]
    maps = {name: ranges or [] for name, ranges in host["idMappings"].items()}
    system = host["distribution"]
    security = {**host["security"], "DefaultCapabilities": host["security"]["capabilities"]}
    return {
        **document,
        "host": {
            **host,
            "CgroupsVersion": host["cgroupVersion"],
            "distribution": {"distribution": system["distribution"], "variant": "", **system},
            "idMappings": maps,
            "remoteSocket": {"exists": False, **host["remoteSocket"]},
            "security": security,
        },
    }


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return value


def yaml_lines(value: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """A document of mappings, lists of scalars and scalars as YAML."""
    for key, item in value.items():
        if isinstance(item, dict) and item:
            yield f"{indent}{key}:"
            yield from yaml_lines(item, indent + "  ")
        elif isinstance(item, list) and item:
            yield f"{indent}{key}:"
            for one in item:
                if isinstance(one, dict):
                    first, *more = yaml_lines(one, indent + "  ")
                    yield f"{indent}- {first.strip()}"
                    yield from more
                else:
                    yield f"{indent}- {yaml_scalar(one)}"
        elif isinstance(item, str) and "\n" in item:
            yield f"{indent}{key}: |-"
            yield from (f"{indent}  {line}" for line in item.splitlines())
        else:
            yield f"{indent}{key}: {yaml_scalar(item)}"


def yaml_scalar(value: object) -> str:
    """One value; a string is quoted where YAML would read it as something else."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return "[]" if isinstance(value, list) else "{}"
    if not isinstance(value, str):
        return str(value)
    numeric = value.replace(".", "").replace("e", "").replace("_", "").isdigit()
    plain = value[:1] in _PLAIN_FIRST and not numeric and value.isprintable() and not value.endswith((" ", ":"))
    if value.lower() in _NOT_PLAIN or not plain or ": " in value or " #" in value:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return value


COMMAND = Command(
    path="info",
    summary="Display system information",
    description="Shows the host, the programs that Argosy drives, the registries and the store.",
    options=InfoOptions,
    run=run,
    max_operands=0,
    flags=(
        Flag("debug", short="D", hidden=True, help="Ignored: all is shown"),
        Flag("format", short="f", kind="string", help="Change the output format to JSON or a Go template"),
    ),
    examples=("argosy info", "argosy info --format '{{.Host.OCIRuntime.Name}}'"),
)
