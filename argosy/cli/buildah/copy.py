"""`copy`: files into a working container."""

from __future__ import annotations

from argosy.cli.buildah import _copying
from argosy.cli.flags import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


def run(flags: _copying.CopyFlags, engine: Engine, out: Output) -> int:
    """As `_copying.run`."""
    return _copying.run(flags, engine, out, adds=False)


COMMAND = Command(
    path="copy",
    summary="Copy content into a working container",
    description=(
        "Copies files and directories, patterns among them, into a working container. Without a "
        "destination they go to its working directory. They belong to root unless --chown is given."
    ),
    usage="CONTAINER SOURCE [SOURCE...] [DESTINATION]",
    options=_copying.CopyFlags,
    run=run,
    flags=_copying.FLAGS,
    examples=(
        "argosy copy web index.html /srv/",
        "argosy copy --from build --chown 1000 web /out /app",
    ),
)
