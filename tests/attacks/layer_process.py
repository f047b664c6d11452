"""Applies a layer as a pull does, in the helper process, and tells what became of it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from argosy import jsontext, version
from argosy.archive.apply_process import spawn_apply
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
    version.LAUNCHER = f"{CHECKOUT}/bin/argosy"
    pid, archive, result = spawn_apply(root, flavour, id_map_single=not is_root(), marker_required=marker_required)
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
    _, status, usage = os.wait4(pid, 0)
    error = answer.get("error", {"brief": "", "details": "", "hint": ""})
    text = ": ".join(filter(None, (error["brief"], error["details"])))
    code = os.waitstatus_to_exitcode(status)
    return Outcome(code, answer.get("applied", {}), text, error["hint"], usage.ru_maxrss, written)
