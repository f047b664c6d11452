"""`--cpu-profile` and `--memory-profile`: where a command spends its time, and what it keeps in memory.

Written as Python's tools read them: `python3 -m pstats FILE`, and `tracemalloc.Snapshot.load`.
"""

from __future__ import annotations

from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FLAGS = ("cpu_profile", "memory_profile")


def run(command: Callable[[], int], *, cpu: str, memory: str) -> int:
    """Run the command, whose status this returns, and write what was measured to the files that are named."""
    for path in filter(None, (cpu, memory)):
        _check(path)
    if memory:
        import tracemalloc

        tracemalloc.start()
    if not cpu:
        return _remembered(command, memory)
    import cProfile

    profile = cProfile.Profile()
    try:
        return profile.runcall(_remembered, command, memory)
    finally:
        profile.dump_stats(cpu)


def _remembered(command: Callable[[], int], memory: str) -> int:
    try:
        return command()
    finally:
        if memory:
            import tracemalloc

            tracemalloc.take_snapshot().dump(memory)


def _check(path: str) -> None:
    """Raise ArgosyError for a file that cannot be written, before anything is done."""
    try:
        with open(path, "wb"):
            pass
    except OSError as error:
        raise ArgosyError(f"cannot write the profile to {path}: {str(error.strerror).lower()}") from error
