"""What can be told of a container's run without its own records, which a fault may have taken: from processes alone."""

from __future__ import annotations

import os
import time

from argosy.containers import record as records
from argosy.containers import state
from argosy.errors import ArgosyError
from argosy.linux import process, procfs
from argosy.runtime import conmon

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.site import Site

_BUNDLE_FLAGS = ("-b", "--bundle")  # conmon's, and that of a runtime which is creating
_END_S = 5.0


def started(site: Site, container_id: str) -> records.Started | None:
    """What a damaged or lost started.json must have said: the process in the pidfile, child of the container's conmon.

    None when there is no such process, or its program has not begun: that is an interrupted start.
    """
    bundle = site.run_directory(container_id)
    pid, conmon_pid = conmon.read_pid(f"{bundle}/pidfile"), conmon.read_pid(f"{bundle}/conmon.pid")
    if not pid or bundle_of(procfs.arguments(conmon_pid)) != bundle or procfs.parent(pid) != conmon_pid:
        return None
    if os.path.exists(state.unbegun_mark(site, container_id)):
        return None
    return records.Started(
        boot_id=state.boot_id(),
        pid=pid,
        start_time=process.start_time(pid) or 0,
        conmon_pid=conmon_pid,
        conmon_start_time=process.start_time(conmon_pid) or 0,
        started_at=os.stat(f"{bundle}/pidfile").st_mtime,
    )


def _working_on(site: Site, container_id: str) -> list[int]:
    """The pids of the container's conmons, and of runtimes in the middle of its `create` or `start`.

    A command that is killed leaves these to themselves.
    """
    bundle, runtime_root = site.run_directory(container_id), f"{site.store.run}/runtime"
    return [
        pid
        for pid, words in procfs.command_lines()
        if bundle_of(words) == bundle or (words[-2:] == ["start", container_id] and runtime_root in words)
    ]


def bundle_of(words: list[str]) -> str:
    """The bundle that a command line names, "" when it names none."""
    for place, word in enumerate(words[:-1]):
        if word in _BUNDLE_FLAGS:
            return words[place + 1]
    return ""


def end_work_on(site: Site, container_id: str) -> None:
    """Kill all that works on the container and what it has started.  Raises ArgosyError when that does not end.

    A conmon's children are the runtime and the container's first process.  It dies before them, and records nothing.
    One that we descend from is left alone: it waits for us, its exit command, and would take us with it.
    """
    deadline = time.monotonic() + _END_S
    above = _ancestors(os.getpid())
    while pids := [pid for pid in _working_on(site, container_id) if pid not in above]:
        for worker in pids:
            for pid in (worker, *procfs.descendants(worker)):
                process.signal_process(pid, process.start_time(pid) or 0)
        if time.monotonic() > deadline:
            raise ArgosyError(f"cannot end the processes {pids}, which work on container {container_id[:12]}")
        time.sleep(0.002)


def _ancestors(pid: int) -> set[int]:
    found: set[int] = set()
    while (pid := procfs.parent(pid)) > 0:
        found.add(pid)
    return found
