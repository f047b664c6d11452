"""A build as lines: podman's words for steps and what becomes of them."""

from __future__ import annotations

import os
import threading

from argosy.build.report import Outlet, Report
from argosy.errors import Invalid, escaped

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

    def output(self, _name: StepName) -> Outlet:
        with self._mutex:
            self._out.flush()
        outlet = Outlet()
        outlet.descriptors = self._streams
        return outlet

    def pause(self) -> None:
        """Lines do not disturb; the shell's output comes behind them."""

    def settle(self) -> None:
        """Nothing was held back."""


def _place(name: StepName) -> str:
    """Which stage speaks, where there are several."""
    return f"[{name.stage}/{name.stages}] " if name.stages > 1 else ""


KINDS = ("auto", "plain", "tty", "quiet", "rawjson")
_PEERS = ("podman", "buildah")  # their builds are lines on terminals as well, which scripts read


def kind(wanted: str | None, program: str, *, quiet: bool, logged: bool) -> str:
    """What --progress (or BUILDKIT_PROGRESS) comes to: plain, tty, quiet or rawjson.

    `auto` draws on a terminal, where nothing else is said.  Raises Invalid.
    """
    wanted = wanted or os.environ.get("BUILDKIT_PROGRESS", "") or "auto"
    if wanted not in KINDS:
        raise Invalid("--progress", wanted, f"choose {', '.join(KINDS)}")
    if quiet:
        return "quiet"
    if logged:
        return "plain"
    if wanted != "auto":
        return wanted
    return "tty" if program not in _PEERS and os.isatty(1) and os.isatty(2) else "plain"
