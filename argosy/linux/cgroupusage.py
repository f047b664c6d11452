"""What a control group has used: processor, memory, block devices, processes; of version 1 and 2 alike.

A file that is not there (a controller that is off, a group that is gone) counts for nothing.
"""

from __future__ import annotations

from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

UNLIMITED = 1 << 62


class Usage(Value):
    """Counters of one group and those below it.  `memory_limit` is UNLIMITED where there is none.

    `memory_cache` is that part of `memory` which goes first when memory is short.
    """

    cpu_ns: int = 0
    system_ns: int = 0
    per_cpu_ns: tuple[int, ...] = ()
    memory: int = 0
    memory_cache: int = 0
    memory_limit: int = UNLIMITED
    block_input: int = 0
    block_output: int = 0
    pids: int = 0


def read(directories: Iterable[str]) -> Usage:
    """The usage of the group that has these directories, one in each hierarchy."""
    found: dict[str, int] = {}
    per_cpu: tuple[int, ...] = ()
    for directory in directories:
        for field, value in _single(directory):
            found[field] = value
        _statistics(directory, found)
        per_cpu = per_cpu or tuple(map(int, _text(f"{directory}/cpuacct.usage_percpu").split()))
    return Usage(**found, per_cpu_ns=per_cpu)


# Files that hold one number: their names in version 1 and 2.
_NUMBERS = (
    ("cpuacct.usage", "cpu_ns"),
    ("cpuacct.usage_sys", "system_ns"),
    ("memory.usage_in_bytes", "memory"),
    ("memory.current", "memory"),
    ("memory.limit_in_bytes", "memory_limit"),
    ("memory.max", "memory_limit"),
    ("pids.current", "pids"),
)


def _single(directory: str) -> list[tuple[str, int]]:
    texts = ((field, _text(f"{directory}/{file}").strip()) for file, field in _NUMBERS)
    return [(field, int(text)) for field, text in texts if text.isdecimal()]


def _statistics(directory: str, found: dict[str, int]) -> None:
    """The files that hold several."""
    cpu = _pairs(_text(f"{directory}/cpu.stat"))
    if "usage_usec" in cpu:
        found["cpu_ns"], found["system_ns"] = cpu["usage_usec"] * 1000, cpu.get("system_usec", 0) * 1000
    memory = _pairs(_text(f"{directory}/memory.stat"))
    for key in ("inactive_file", "total_inactive_file"):
        if key in memory:
            found["memory_cache"] = memory[key]
    totals = [0, 0]
    for line in _text(f"{directory}/io.stat").splitlines():
        words = dict(word.partition("=")[::2] for word in line.split() if "=" in word)
        totals[0] += int(words.get("rbytes", 0))
        totals[1] += int(words.get("wbytes", 0))
    if not any(totals):
        for line in _text(f"{directory}/blkio.throttle.io_service_bytes_recursive").splitlines():
            fields = line.split()  # 8:0 Read 4096
            if len(fields) == 3 and fields[1] in ("Read", "Write"):
                totals[fields[1] == "Write"] += int(fields[2])
    if any(totals):
        found["block_input"], found["block_output"] = totals


def _pairs(text: str) -> dict[str, int]:
    fields = (line.split() for line in text.splitlines())
    return {words[0]: int(words[1]) for words in fields if len(words) == 2 and words[1].isdecimal()}


def _text(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except OSError:
        return ""
