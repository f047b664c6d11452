"""`version`: what this program is made of."""

from __future__ import annotations

import os
import sys

from argosy.cli.flags import Command, Flag
from argosy.values import Value
from argosy.version import OCI_RUNTIME_SPEC, STORE_FORMAT, VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class VersionOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    format: str | None


def run(options: VersionOptions, _opener: Opener, out: Output) -> int:
    """Print the versions.  There is no server: the fields of the peers' `Server` are the client's."""
    fields = _fields()
    if options.format:
        from argosy.cli import templates

        document = {"Client": fields, "Server": fields}
        if templates.is_json(options.format):
            options = options.replace(format="{{json .}}")
        templates.render(out, options.format or "", [document], name="version", type_name="*define.Version")
        return 0
    for label, key in (
        ("Client:", "Client"),
        ("Version:", "Version"),
        ("API Version:", "APIVersion"),
        ("Python Version:", "PythonVersion"),
        ("Runtime Spec:", "RuntimeSpec"),
        ("Store Format:", "StoreFormat"),
        ("OS/Arch:", "OsArch"),
    ):
        out.line(f"{label.ljust(16)}{fields[key]}")
    return 0


def _fields() -> dict[str, object]:
    from argosy.oci import platform

    host = platform.host()
    system = f"{host.os}/{host.architecture}"
    return {
        "Client": "Argosy",
        "Version": VERSION,
        "APIVersion": VERSION,
        "PythonVersion": ".".join(map(str, sys.version_info[:3])),
        "RuntimeSpec": OCI_RUNTIME_SPEC,
        "StoreFormat": STORE_FORMAT,
        "Os": host.os,
        "Arch": host.architecture,
        "OsArch": system,
        "Kernel": os.uname().release,
    }


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
