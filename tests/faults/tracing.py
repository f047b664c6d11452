"""Killing a function of the library at each of its system calls, by ptrace(2).

The function runs in a child that is forked from the test, so that thousands of kills take seconds: no interpreter is
started.  A kill on entry to a call means that the call is not made.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct
import sys
import traceback
from collections.abc import Callable, Iterator

import pytest

_TRACEME, _SYSCALL, _SETOPTIONS, _GET_SYSCALL_INFO = 0, 24, 0x4200, 0x420E
_OPTIONS = 0x1 | 0x100000  # TRACESYSGOOD, EXITKILL
_SYSCALL_STOP = signal.SIGTRAP | 0x80
_ENTRY = 1

# Calls that change nothing which outlives the process: a kill at one is a kill at the next that does.  By number, so
# for one architecture; on others every call is a place to be killed at.
_READING = (0, 3, 4, 5, 6, 8, 17, 21, 79, 89, 191, 192, 193, 194, 196, 217, 262, 267, 332)
_MEMORY_AND_SIGNALS = (9, 10, 11, 12, 13, 14, 16, 25, 28, 202, 230, 302, 318, 334)
_WHO_AND_WHEN = (35, 39, 63, 72, 96, 102, 104, 107, 110, 186, 228)
_HARMLESS = {"x86_64": frozenset((*_READING, *_MEMORY_AND_SIGNALS, *_WHO_AND_WHEN))}.get(
    platform.machine(), frozenset()
)

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request: int, pid: int, address: int = 0, data: int = 0) -> int:
    result: int = _libc.ptrace(request, pid, address, data)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def _can_trace() -> bool:
    try:
        return run(lambda: None) is not None
    except OSError:
        return False


def run(function: Callable[[], object], kill_at: int = 0) -> int:
    """Run `function` in a child; returns how many calls it made that count.

    With `kill_at`, the child is killed on entry to that one.  AssertionError when the function raises.
    """
    pid = os.fork()
    if not pid:
        _child(function)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSTOPPED(status)
    _ptrace(_SETOPTIONS, pid, 0, _OPTIONS)
    count, forward = 0, 0
    while True:
        _ptrace(_SYSCALL, pid, 0, forward)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSTOPPED(status):
            assert os.WIFEXITED(status), f"killed by signal {os.WTERMSIG(status)}"
            assert os.WEXITSTATUS(status) == 0, "the function raised"
            return count
        forward = 0
        if os.WSTOPSIG(status) != _SYSCALL_STOP:
            forward = os.WSTOPSIG(status)
        elif _counts(pid):
            count += 1
            if count == kill_at:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return count


def _counts(pid: int) -> bool:
    """Whether the child is on its way into a call that may change something."""
    buffer = ctypes.create_string_buffer(128)
    _ptrace(_GET_SYSCALL_INFO, pid, len(buffer), ctypes.addressof(buffer))
    kind, number = buffer.raw[0], struct.unpack_from("=Q", buffer.raw, 24)[0]
    return kind == _ENTRY and number not in _HARMLESS


def _child(function: Callable[[], object]) -> None:
    status = 1
    try:
        _ptrace(_TRACEME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        function()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def everywhere(prepare: Callable[[], Callable[[], object]]) -> Iterator[int]:
    """Kill the function that `prepare` gives at its first call, then a new one at its second, and so on to the last.

    Yields after each kill, with its number, for the test to look at what is left.
    """
    total = run(prepare())
    assert total > 0
    for number in range(1, total + 1):
        run(prepare(), number)
        yield number


needs_ptrace = pytest.mark.skipif(not _can_trace(), reason="ptrace is not allowed here")
