"""A build as lines: podman's words for steps and what becomes of them."""

from __future__ import annotations

import threading

from argosy.build.report import Report
from argosy.errors import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.build.report import StepName
    from argosy.cli.output import Output

_SHORT = 11


class Lines(Report):
    """Writes to `out`; `quiet` leaves the steps out, `explains` says why they are not taken from the cache."""

    def __init__(self, out: Output, *, quiet: bool, explains: bool, streams: tuple[int, int] = (1, 2)) -> None:
        self._out = out
        self._quiet = quiet
        self._explains = explains
        self._streams = streams
        self._mutex = threading.Lock()
        self._warned: set[str] = set()

    def _line(self, text: str) -> None:
        with self._mutex:
            self._out.line(escaped(text, "\t"))
            self._out.flush()

    def step(self, name: StepName) -> None:
        if not self._quiet:
            self._line(f"{_place(name)}STEP {name.number}/{name.numbers}: {name.text}")

    def cached(self, name: StepName, key: str) -> None:
        if not self._quiet:
            self._line(f"{_place(name)}--> Using cache {key}")

    def done(self, name: StepName, key: str) -> None:
        if not self._quiet:
            self._line(f"{_place(name)}--> {key[:_SHORT]}")

    def explain(self, name: StepName, reason: str) -> None:
        if self._explains:
            self._line(f"{_place(name)}not cached: {reason}")

    def warn(self, text: str) -> None:
        with self._mutex:
            if text not in self._warned:
                self._warned.add(text)
                self._out.notice(text)

    def output(self) -> tuple[int, int]:
        with self._mutex:
            self._out.flush()
        return self._streams


def _place(name: StepName) -> str:
    """Which stage speaks, where there are several."""
    return f"[{name.stage}/{name.stages}] " if name.stages > 1 else ""
