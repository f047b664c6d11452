"""`context import`: a context from a tar archive."""

from __future__ import annotations

import os

from argosy.cli.flags import Command
from argosy.config import contexts
from argosy.errors import ArgosyError, Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output

_LIMIT = 1 << 20
_META = "meta.json"


class ContextImportOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: ContextImportOptions, _opener: Opener, out: Output) -> int:
    """Keep the context that the archive has, under another name.  Certificates stay where they are."""
    name, path = options.operands
    contexts.check_name(name)
    if contexts.exists(os.environ, name):
        raise ArgosyError(f'context "{name}" already exists')
    document = contexts.parse(_meta(path), path)
    contexts.check_host(document["Endpoints"]["docker"]["Host"])
    contexts.put(os.environ, {**document, "Name": name})
    out.line(name)
    out.error(f'Successfully imported context "{name}"')
    return 0


def _meta(path: str) -> bytes:
    """The context's document in the archive, which is small enough to be read whole."""
    from argosy.linux import files
    from argosy.transports.archive import Members

    try:
        data = files.read_descriptor(0, "standard input", _LIMIT) if path == "-" else files.read_regular(path, _LIMIT)
    except FileNotFoundError:
        raise ArgosyError(f"open {path}: no such file or directory") from None
    except OSError as error:
        raise ArgosyError(f"cannot read {path}", details=str(error.strerror)) from error
    fd = os.memfd_create("context", os.MFD_CLOEXEC)
    try:
        files.write_all(fd, data)
        members = Members(fd, path)
        if _META not in members:
            raise Invalid("archive", path, "it has no meta.json: `docker context export` makes one that has")
        return members.read(_META, _LIMIT)
    finally:
        os.close(fd)


COMMAND = Command(
    path="context import",
    summary="Import a context from a tar archive",
    description="Keeps the context that `context export` has written, here or by docker's client, under a name.",
    usage="CONTEXT FILE|-",
    options=ContextImportOptions,
    run=run,
    min_operands=2,
    max_operands=2,
    examples=("docker context import build build.dockercontext",),
)
