"""`docker top`: the lines of the host's ps(1) that are about the processes of a container."""

from __future__ import annotations

from argosy.containers import top
from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from argosy.cli.output import Output
    from argosy.engine import Engine

_WIDTH, _GAP = 20, 3  # of docker's tabwriter
_USUAL = ("-ef",)
_PID = "PID"


def show(engine: Engine, container_id: str, words: Sequence[str], out: Output) -> None:
    """Print ps's headings and the lines about the container.  Raises ArgosyError where ps fails, or shows no PID."""
    from argosy.cli.output import aligned
    from argosy.linux import process

    run = engine.containers.view(container_id).run
    if not run.pid:
        raise ArgosyError(f"container {container_id} is not running")
    pids = {str(pid) for pid in top.pids(run.pid)}
    done = process.run(["ps", *(words or _USUAL)], check=False)
    if done.returncode:
        raise ArgosyError(f"ps: {done.stderr.decode(errors='replace').strip()}")
    headings, *lines = done.stdout.decode(errors="surrogateescape").splitlines()
    columns = headings.split()
    if _PID not in columns:
        raise ArgosyError("Couldn't find PID field in ps output")
    at = columns.index(_PID)
    rows = [line.split(maxsplit=len(columns) - 1) for line in lines]
    kept = [cells for cells in rows if len(cells) > at and cells[at] in pids]
    for text in aligned([columns, *kept], width=_WIDTH, gap=_GAP):
        out.line(text)
