"""`version`: what this program is made of."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _versions
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class VersionOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    format: str | None


def run(options: VersionOptions, _opener: Opener, out: Output) -> int:
    """Print the versions.  There is no server: the fields of the peers' `Server` are the client's."""
    if out.program == "docker":
        return _docker(options, out)
    fields = _versions.fields(out.program)
    if options.format:
        _podman_formatted(options.format, fields, out)
        return 0
    for label, value in (
        ("Client:", "Argosy"),
        ("Version:", fields["Version"]),
        ("API Version:", fields["APIVersion"]),
        ("Argosy Version:", fields["ArgosyVersion"]),
        ("Python Version:", fields["PythonVersion"]),
        ("Runtime Spec:", fields["RuntimeSpec"]),
        ("Store Format:", fields["StoreFormat"]),
        ("OS/Arch:", fields["OsArch"]),
    ):
        out.line(f"{label.ljust(16)}{value}")
    return 0


def _podman_formatted(text: str, fields: dict[str, Any], out: Output) -> None:
    """As podman: a template that fails is tried on the client's fields, since old scripts say {{.Version}}."""
    from argosy.cli.templates import TemplateError

    data = {"Client": fields, "Server": fields}
    try:
        _formatted(text, {"Client": fields}, data, out)
    except TemplateError as error:
        try:
            _formatted(text.replace(".Server.", "."), {}, fields, out)
        except TemplateError:
            raise error from None


def _formatted(text: str, document: dict[str, Any], data: dict[str, Any], out: Output) -> None:
    from argosy.cli import documents, templates

    if templates.is_json(text):
        out.line(documents.compact(document))
        return
    templates.render(out, text, [data], name="version", type_name="*define.Version")


def _docker(options: VersionOptions, out: Output) -> int:
    document = _versions.docker()
    if options.format:
        _formatted(options.format, document, document, out)
        return 0
    client, server = document["Client"], document["Server"]
    out.line(f"Client: {client['Platform']['Name']}")
    for line in _docker_lines(client, 1):
        out.line(line)
    out.line(f" {'Context:'.ljust(19)}{client['Context']}")
    out.line(f"\nServer: {server['Platform']['Name']}\n Engine:")
    for line in _docker_lines(server, 2):
        out.line(line)
    return 0


def _docker_lines(fields: dict[str, Any], indent: int) -> list[str]:
    shown = (
        ("Version:", fields["Version"]),
        ("API version:", fields["ApiVersion"]),
        ("OS/Arch:", f"{fields['Os']}/{fields['Arch']}"),
    )
    return [f"{' ' * indent}{label.ljust(20 - indent)}{value}" for label, value in shown]


COMMAND = Command(
    path="version",
    summary="Display version information",
    description="Shows the versions of Argosy, of the interpreter that runs it, and of the formats that it writes.",
    options=VersionOptions,
    run=run,
    max_operands=0,
    flags=(Flag("format", short="f", kind="string", help="Format the output with a Go template, or `json`"),),
    examples=("argosy version", "argosy version --format '{{.Client.Version}}'"),
)
