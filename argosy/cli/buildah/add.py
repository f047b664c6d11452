"""`add`: files, archives, URLs and repositories into a working container."""

from __future__ import annotations

from argosy.cli.buildah import _copying
from argosy.cli.flags import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


def run(flags: _copying.CopyFlags, engine: Engine, out: Output) -> int:
    """As `_copying.run`, with archives unpacked."""
    return _copying.run(flags, engine, out, adds=True)


COMMAND = Command(
    path="add",
    summary="Add content into a working container",
    description=(
        "Adds files and directories, the content of archives and of git repositories, and what is behind URLs, to a "
        "working container. Without a destination they go to its working directory. They belong to root unless --chown "
        "is given."
    ),
    usage="CONTAINER SOURCE [SOURCE...] [DESTINATION]",
    options=_copying.CopyFlags,
    run=run,
    flags=_copying.FLAGS,
    examples=("argosy add web site.tar.gz /srv", "argosy add web https://example.com/app.conf /etc/"),
)
