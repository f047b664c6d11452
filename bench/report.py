"""The table that a bench prints, and the history that it keeps."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Mapping, Sequence

from bench.timing import Result

HISTORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "history.json")


def lines(result: Result) -> list[str]:
    """One line for each peer: both medians, the ratio, and the bar where there is one."""
    own_ms = result.median_s("argosy") * 1000
    rows = []
    for name in result.seconds:
        if name == "argosy":
            continue
        ratio = result.ratio(name)
        bar = result.bars.get(name)
        verdict = "" if bar is None else f"   bar {bar:.2f}: {'kept' if ratio <= bar else 'MISSED'}"
        rows.append(
            f"{result.work:40} argosy {own_ms:9.1f} ms   {name:8} {result.median_s(name) * 1000:9.1f} ms"
            f"   ratio {ratio:6.3f}{verdict}"
        )
    return rows or [f"{result.work:40} argosy {own_ms:9.1f} ms"]


def remember(results: Sequence[Result], memory_kib: Mapping[str, Mapping[str, int]], path: str = HISTORY) -> None:
    """Append the run to the history, a JSON array; a history that cannot be read is kept aside, not lost.

    `memory_kib` is what an idle container holds, by peer and program.
    """
    try:
        with open(path, encoding="utf-8") as file:
            history = json.load(file)
    except FileNotFoundError:
        history = []
    except ValueError:
        os.replace(path, f"{path}.damaged")
        history = []
    history.append(
        {
            "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "kernel": platform.release(),
            "cores": os.cpu_count(),
            "results": [
                {
                    "work": result.work,
                    "median_ms": {name: round(result.median_s(name) * 1000, 3) for name in result.seconds},
                    "runs": {name: len(values) for name, values in result.seconds.items()},
                    "bars": dict(result.bars),
                }
                for result in results
            ],
            "idle_memory_kib": {peer: dict(held) for peer, held in memory_kib.items()},
        }
    )
    temporary = f"{path}.new"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(history, file, indent=1)
    os.replace(temporary, path)
