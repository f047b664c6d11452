"""Applies a layer as a pull does, in the helper process, and tells what became of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass

from argosy import jsontext, version
from argosy.archive.apply_process import spawn_apply
from argosy.linux import process
from tests.rig.host import is_root
from tests.rig.program import CHECKOUT

MEMORY_KIB = 150 * 1024


@dataclass(frozen=True)
class Outcome:
    """`error` is "" when the layer was applied.  `memory_kib`: the largest resident set that the process had."""

    status: int
    applied: dict[str, object]
    error: str
    hint: str
    memory_kib: int
    written: int


def apply_layer(root: str, pieces: Iterable[bytes], *, flavour: str = "user", marker_required: bool = True) -> Outcome:
    """Feed the archive to the helper process until it has had enough."""
    pid, archive, result, meter = _spawn(root, flavour, marker_required=marker_required)
    written = 0
    try:
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                count = os.write(archive, rest)
                rest = rest[count:]
                written += count
    except BrokenPipeError:
        pass
    finally:
        os.close(archive)
    with open(result, "rb") as stream:
        answer = jsontext.decode(stream.read().decode("utf-8", "surrogatepass"))
    status = process.wait(pid)
    with open(meter, encoding="ascii") as file:
        memory_kib = int(file.read())
    os.unlink(meter)
    error = answer.get("error", {"brief": "", "details": "", "hint": ""})
    text = ": ".join(filter(None, (error["brief"], error["details"])))
    return Outcome(status, answer.get("applied", {}), text, error["hint"], memory_kib, written)


def _spawn(root: str, flavour: str, *, marker_required: bool) -> tuple[int, int, int, str]:
    here = os.path.dirname(os.path.realpath(__file__))
    descriptor, meter = tempfile.mkstemp(prefix="argosy-test-memory.")
    os.close(descriptor)
    os.environ["ARGOSY_TEST_LAUNCHER"] = f"{CHECKOUT}/bin/argosy"
    os.environ["ARGOSY_TEST_MEMORY"] = meter
    before, version.LAUNCHER = version.LAUNCHER, f"{here}/metered_launcher.py"
    try:
        started = spawn_apply(root, flavour, id_map_single=not is_root(), marker_required=marker_required)
    finally:
        version.LAUNCHER = before
        del os.environ["ARGOSY_TEST_LAUNCHER"], os.environ["ARGOSY_TEST_MEMORY"]
    return *started, meter
