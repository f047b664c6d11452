"""A build as lines of JSON on standard error: the SolveStatus of buildx (moby/buildkit, client/graph.go).

Each line has `vertexes` (a step: begun, completed, cached, failed), `logs` (what it writes, in base64) or `warnings`.
"""

from __future__ import annotations

import base64
import os
import threading
import time

from argosy import jsontext
from argosy.build.report import Report
from argosy.cli.podman._build_capture import Captured
from argosy.images import timestamps
from argosy.oci import digest as digests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.build.report import Outlet, StepName

_ERROR_FD = 2


class RawJson(Report):
    """Writes the lines; `settle` it at the end."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._open: dict[int, dict[str, Any]] = {}

    def step(self, name: StepName) -> None:
        with self._mutex:
            self._over(name.stage)
            vertex = {"digest": _digest(name), "name": _title(name), "started": _now()}
            self._open[name.stage] = vertex
            _write({"vertexes": [vertex]})

    def cached(self, name: StepName, _key: str) -> None:
        with self._mutex:
            self._over(name.stage, cached=True)

    def done(self, name: StepName, _key: str) -> None:
        with self._mutex:
            self._over(name.stage)

    def failed(self, name: StepName, why: str) -> None:
        with self._mutex:
            self._over(name.stage, error=why)

    def explain(self, name: StepName, reason: str) -> None:
        """No such thing is known to buildx."""

    def warn(self, text: str) -> None:
        with self._mutex:
            _write({"warnings": [{"level": 1, "short": base64.b64encode(text.encode()).decode()}]})

    def output(self, name: StepName) -> Outlet:
        vertex = _digest(name)

        def take(stream: int, data: bytes) -> None:
            log = {"vertex": vertex, "stream": stream, "data": base64.b64encode(data).decode(), "timestamp": _now()}
            with self._mutex:
                _write({"logs": [log]})

        return Captured(take)

    def settle(self) -> None:
        """The build is over, and so are the steps that are under way."""
        with self._mutex:
            for stage in tuple(self._open):
                self._over(stage)

    def _over(self, stage: int, **more: Any) -> None:
        vertex = self._open.pop(stage, None)
        if vertex is not None:
            _write({"vertexes": [{**vertex, "completed": _now(), **more}]})


def _digest(name: StepName) -> str:
    return str(digests.of_bytes(f"{name.stage}/{name.number}/{name.text}".encode("utf-8", "surrogateescape")))


def _title(name: StepName) -> str:
    stage = f"{name.stage}/{name.stages} " if name.stages > 1 else ""
    return f"[{stage}{name.number}/{name.numbers}] {name.text}"


def _now() -> str:
    return timestamps.show(time.time_ns())


def _write(status: dict[str, Any]) -> None:
    """Nobody who reads it is no reason to end a build."""
    try:
        os.write(_ERROR_FD, jsontext.encode(status) + b"\n")
    except OSError:
        return
