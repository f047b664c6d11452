"""What a control group has used: processor, memory, block devices, processes; of version 1 and 2 alike.

A file that is not there (a controller that is off, a group that is gone) counts for nothing.
"""

from __future__ import annotations

import os

from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

UNLIMITED = 1 << 62
_MOST_BYTES = 1 << 16  # the kernel gives a file of a group in one piece


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
    texts: dict[str, str] = {}
    for directory in directories:
        for name in _there(directory):
            if name in _FILES:
                texts[name] = _text(f"{directory}/{name}") or texts.get(name, "")
    found = {field: int(number) for file, field in _NUMBERS if (number := texts.get(file, "").strip()).isdecimal()}
    _add_statistics(texts, found)
    return Usage(**found, per_cpu_ns=tuple(map(int, texts.get("cpuacct.usage_percpu", "").split())))


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
_SERVICED = "blkio.throttle.io_service_bytes_recursive"
_FILES = frozenset(
    (*(file for file, _ in _NUMBERS), "cpuacct.usage_percpu", "cpu.stat", "memory.stat", "io.stat", _SERVICED)
)


def _there(directory: str) -> list[str]:
    """The files of a group: of version 1 each hierarchy has a few of those that count."""
    try:
        return os.listdir(directory)
    except OSError:
        return []


def _add_statistics(texts: Mapping[str, str], found: dict[str, int]) -> None:
    """The files that hold several."""
    cpu = _pairs(texts.get("cpu.stat", ""))
    if "usage_usec" in cpu:
        found["cpu_ns"], found["system_ns"] = cpu["usage_usec"] * 1000, cpu.get("system_usec", 0) * 1000
    lines = f"\n{texts.get('memory.stat', '')}\n"
    for key in ("inactive_file", "total_inactive_file"):
        number = lines.partition(f"\n{key} ")[2].partition("\n")[0]
        if number.isdecimal():
            found["memory_cache"] = int(number)
    totals = [0, 0]
    for line in texts.get("io.stat", "").splitlines():
        words = dict(word.partition("=")[::2] for word in line.split() if "=" in word)
        totals[0] += int(words.get("rbytes", 0))
        totals[1] += int(words.get("wbytes", 0))
    if not any(totals):
        for line in texts.get(_SERVICED, "").splitlines():
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
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(fd, _MOST_BYTES).decode("ascii", "replace")
    except OSError:
        return ""
    finally:
        os.close(fd)
