"""What other processes see of this one's command line (proc(5), `cmdline`): it is this process's memory."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Fields of /proc/self/stat, counted from the one behind the program's name, which is the third.
_ARG_START, _ARG_END = 48 - 3, 49 - 3
_FILL = b"x"


def overwrite_arguments(end_length: Callable[[bytes], int]) -> None:
    """Overwrite the last `end_length(argument)` bytes of each argument; Python has its own copies.

    Nothing happens where the kernel does not say where the arguments are, or lets nobody write there.
    """
    try:
        with open("/proc/self/stat", "rb", buffering=0) as file:
            fields = file.read(4096).rpartition(b")")[2].split()
        start, end = int(fields[_ARG_START]), int(fields[_ARG_END])
        with open("/proc/self/mem", "r+b", buffering=0) as memory:
            memory.seek(start)
            at = start
            for argument in memory.read(end - start).split(b"\0"):
                length = end_length(argument)
                if length:
                    memory.seek(at + len(argument) - length)
                    memory.write(_FILL * length)
                at += len(argument) + 1
    except (OSError, IndexError, ValueError):
        pass
