"""Processes that outlive the command that started them, found without guessing.

While a test has a program, the test process is a child subreaper (prctl(2)): whatever a command leaves behind becomes
our child, through any number of forks and in any namespace, and is found by walking /proc.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import subprocess
import threading
import time

_PR_SET_CHILD_SUBREAPER = 36


_adopting = threading.Event()
_reapers: list[threading.Thread] = []


def adopt_orphans(wanted: bool) -> None:
    """Whether, from now on, descendants whose parent ends become our children."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
    if not wanted:
        _adopting.clear()
        return
    _adopting.set()
    if not _reapers:
        _reapers.append(threading.Thread(target=_reap_from_containers, daemon=True))
        _reapers[0].start()


def _reap_from_containers() -> None:
    """What init does for every orphan: a container cannot end while a process of its has ended and is not reaped.

    Reaps only what is in a pid namespace below ours: a child that a Popen object waits for is in ours.
    """
    while _adopting.wait():
        time.sleep(0.02)
        try:
            with open(f"/proc/self/task/{os.getpid()}/children") as file:
                children = file.read().split()
        except OSError:
            continue
        for pid in children:
            if _is_ended_container_process(pid):
                try:
                    os.waitpid(int(pid), os.WNOHANG)
                except ChildProcessError:
                    continue


def _is_ended_container_process(pid: str) -> bool:
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            fields = dict(line.split(":", 1) for line in file if ":" in line)
    except OSError:
        return False
    return fields.get("State", "").split()[:1] == ["Z"] and len(fields.get("NSpid", "").split()) > 1


def descendants() -> dict[int, str]:
    """Pid to command line of everything below us that lives."""
    below: dict[int, list[int]] = {}
    lines: dict[int, str] = {}
    for text in os.listdir("/proc"):
        if not text.isdigit():
            continue
        pid = int(text)
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                state, parent = file.read().rpartition(b")")[2].split()[:2]
            if state in (b"Z", b"X"):
                continue
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                lines[pid] = file.read().replace(b"\0", b" ").decode(errors="replace").strip()
        except (FileNotFoundError, ProcessLookupError):
            continue
        below.setdefault(int(parent), []).append(pid)
    found = {}
    todo = [os.getpid()]
    while todo:
        for pid in below.get(todo.pop(), ()):
            found[pid] = lines[pid]
            todo.append(pid)
    return found


def reap_orphans() -> None:
    """Wait for the children that ended and that no Popen object of ours will wait for."""
    awaited = {item.pid for item in gc.get_objects() if type(item) is subprocess.Popen and item.returncode is None}
    for text in os.listdir("/proc"):
        if text.isdigit() and int(text) not in awaited:
            try:
                os.waitpid(int(text), os.WNOHANG)
            except ChildProcessError:
                continue


def settle(known: set[int], timeout_s: float = 10.0) -> dict[int, str]:
    """Wait until no descendant but the `known` ones is left; those that still live then."""
    deadline = time.monotonic() + timeout_s
    while True:
        left = {pid: line for pid, line in descendants().items() if pid not in known}
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.02)


def kill(pids: dict[int, str]) -> None:
    """Kill, and wait for the end."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    settle(set(descendants()) - set(pids), 5)
