"""What `container checkpoint` and `container restore` have in common."""

from __future__ import annotations

import time

from argosy.cli.errors import report
from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from argosy.cli.output import Output
    from argosy.containers.checkpoint.statistics import Statistics


def each(names: Iterable[str], out: Output, work: Callable[[str], Statistics], what: str, *, print_stats: bool) -> int:
    """Do `work` with each, and print the name, or at the end what was counted; the status is the last error's."""
    began = time.monotonic()
    status, found = 0, []
    for name in names:
        try:
            statistics = work(name)
        except ArgosyError as error:
            status = report(error, out)
            continue
        found.append(statistics)
        if not print_stats:
            out.line(name)
    if print_stats:
        from argosy.cli.documents import indented

        took_us = round((time.monotonic() - began) * 1e6)
        rows = [_row(statistics, what) for statistics in found]
        out.line(indented({f"podman_{what}_duration": took_us, "container_statistics": rows or None}, 4))
    return status


def _row(statistics: Statistics, what: str) -> dict[str, Any]:
    return {
        "Id": statistics.id,
        f"runtime_{what}_duration": statistics.runtime_us,
        "criu_statistics": dict(statistics.counts) or None,
    }
