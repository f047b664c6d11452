"""`context inspect`: all that is known of contexts."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.config import contexts
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.main import Opener
    from argosy.cli.output import Output
    from argosy.config.contexts import Context


class ContextInspectOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    format: str


def run(options: ContextInspectOptions, _opener: Opener, out: Output) -> int:
    """Show the contexts that are named, or the current one."""
    from argosy.cli.podman import inspect

    names = list(options.operands) or [contexts.current(os.environ)[0]]
    return inspect.show(names, lambda name: _document(contexts.get(os.environ, name)), options.format, out)


def _document(context: Context) -> dict[str, Any]:
    tls = _files(f"{context.tls}/docker")
    return {
        "Name": context.name,
        "Metadata": dict(context.document.get("Metadata") or {}),
        "Endpoints": context.document["Endpoints"],
        "TLSMaterial": {"docker": tls} if tls else {},
        "Storage": {"MetadataPath": context.meta, "TLSPath": context.tls},
    }


def _files(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return []


COMMAND = Command(
    path="context inspect",
    summary="Display detailed information on one or more contexts",
    description="Shows the contexts that are named, or the current one, as JSON or by a Go template.",
    usage="[CONTEXT] [CONTEXT...]",
    options=ContextInspectOptions,
    run=run,
    flags=(Flag("format", short="f", kind="string", default="json", help="Format the output using a Go template"),),
    examples=("docker context inspect --format '{{.Endpoints.docker.Host}}' build",),
)
