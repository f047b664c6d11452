"""A build on a terminal: the steps that run with their time and the last lines of their output, those done in one line.

It is drawn below what scrolls away, on standard error, together with the bars of pulls: `cli.progress` does both.
"""

from __future__ import annotations

import threading
import time

from argosy.build.report import Report
from argosy.cli import progress
from argosy.cli.podman._build_capture import Captured, plain
from argosy.errors import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.build.report import Outlet, StepName

_REDRAW_S = 0.1
_TAIL = 4


class _Running:
    """A step that is under way."""

    def __init__(self, name: StepName) -> None:
        self.name = name
        self.began = time.monotonic()
        self.tail: list[str] = []
        self.rest = b""

    def take(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        self.tail = [*self.tail, *map(plain, lines[-_TAIL:])][-_TAIL:]


class Live(progress.Bars, Report):
    """The view; `close` it at the end, and `settle` it after each build.  `explains` tells why steps are made anew."""

    def __init__(self, *, explains: bool = False) -> None:
        super().__init__()
        self._explains = explains
        self._steps: dict[int, _Running] = {}
        self._warned: set[str] = set()
        self._ended = threading.Event()
        self._clock = threading.Thread(target=self._tick, daemon=True)
        self._clock.start()

    def _tick(self) -> None:
        while not self._ended.wait(_REDRAW_S):
            with self._lock:
                if self._steps and not self._ended.is_set():
                    self._draw("")

    def _block(self, now: float) -> list[str]:
        lines = []
        for step in self._steps.values():
            lines.append(f" => {_title(step.name)}  {now - step.began:.1f}s")
            lines += [f"    | {line}" for line in step.tail]
        return [*lines, *super()._block(now)]

    def step(self, name: StepName) -> None:
        with self._lock:
            self._over(name.stage, "")
            self._steps[name.stage] = _Running(name)
            self._draw("")

    def cached(self, name: StepName, _key: str) -> None:
        with self._lock:
            self._over(name.stage, "CACHED ")

    def done(self, name: StepName, _key: str) -> None:
        with self._lock:
            self._over(name.stage, "")

    def failed(self, name: StepName, _why: str) -> None:
        with self._lock:
            self._over(name.stage, "ERROR ")

    def explain(self, name: StepName, reason: str) -> None:
        if self._explains:
            with self._lock:
                self._draw(f" => {_title(name)}: not cached: {escaped(reason)}\n")

    def warn(self, text: str) -> None:
        with self._lock:
            if text not in self._warned:
                self._warned.add(text)
                self._draw(f"Note: {escaped(text)}\n")

    def output(self, name: StepName) -> Outlet:
        def take(_stream: int, data: bytes) -> None:
            with self._lock:
                step = self._steps.get(name.stage)
                if step is not None:
                    step.take(data)

        return Captured(take)

    def pause(self) -> None:
        self.close()

    def settle(self) -> None:
        """One build of perhaps several is over."""
        with self._lock:
            for stage in tuple(self._steps):
                self._over(stage, "")

    def close(self) -> None:
        self._ended.set()
        self.settle()
        super().close()

    def _over(self, stage: int, mark: str) -> None:
        """The step of the stage is over: it becomes a line that stays.  The caller holds the lock."""
        step = self._steps.pop(stage, None)
        if step is not None:
            took = "" if mark == "CACHED " else f"  {time.monotonic() - step.began:.1f}s"
            self._draw(f" => {mark}{_title(step.name)}{took}\n")


def _title(name: StepName) -> str:
    stage = f"{name.stage}/{name.stages} " if name.stages > 1 else ""
    return f"[{stage}{name.number}/{name.numbers}] {escaped(name.text)}"
