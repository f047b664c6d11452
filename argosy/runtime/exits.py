"""Exit records: `<run>/exits/<id>`, written by conmon when a container's first process ends.

conmon writes the status as decimal text through a temporary name and a rename, so a record is whole or not there; its
modification time is when the container ended.  A record outlives its container by an hour, so that a waiting command
and `--rm` cannot race.
"""

from __future__ import annotations

import os
import time

from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

KEEP_S = 3600.0
_SPIN_S = 0.02


class Exit(Value):
    """How a container ended: the status (128+n for a signal) and when, in seconds since the epoch."""

    code: int
    finished_at: float


def directory(run: str) -> str:
    """Where the records of this run directory are."""
    return f"{run}/exits"


def read(run: str, container_id: str) -> Exit | None:
    """The record, or None while there is none.  A damaged one has status -1: it ended, and nobody knows how."""
    try:
        fd = os.open(f"{run}/exits/{container_id}", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        text = os.read(fd, 32)
        finished_at = os.fstat(fd).st_mtime
    finally:
        os.close(fd)
    try:
        return Exit(int(text), finished_at)
    except ValueError:
        return Exit(-1, finished_at)


def wait(run: str, container_id: str, timeout_s: float | None = None, *, conmon_pid: int = 0) -> Exit | None:
    """Wait for the record.  None when the time is over, or when conmon is gone without having written one.

    A pidfd on conmon wakes the wait, since conmon ends right after it wrote the record and ran the exit command; the
    record itself is polled, densely at first (it is usually there within a millisecond of the attach socket's end).
    """
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    spin_until = time.monotonic() + _SPIN_S
    pause_s = 0.0005
    watched = _open_pidfd(conmon_pid)
    try:
        while True:
            found = read(run, container_id)
            if found is not None:
                return found
            if conmon_pid and watched < 0:
                return read(run, container_id)
            now = time.monotonic()
            if deadline is not None and now >= deadline:
                return None
            if now >= spin_until:
                pause_s = min(pause_s * 1.5, 0.05)
            if _gone_within(watched, pause_s if deadline is None else min(pause_s, deadline - now)):
                return read(run, container_id)
    finally:
        if watched >= 0:
            os.close(watched)


def _open_pidfd(pid: int) -> int:
    if not pid:
        return -1
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return -1


def _gone_within(pidfd: int, pause_s: float) -> bool:
    if pidfd < 0:
        time.sleep(pause_s)
        return False
    import select

    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(pause_s * 1000))


def remove(run: str, container_id: str) -> None:
    """Drop a record.  Idempotent."""
    try:
        os.unlink(f"{run}/exits/{container_id}")
    except FileNotFoundError:
        pass


def prune_sometimes(run: str, keep: Callable[[], Iterable[str]], *, every_s: float = 600.0) -> None:
    """`prune`, unless somebody did within `every_s` seconds; `keep` gives the containers whose records stay."""
    marker = f"{run}/exits/.pruned"
    try:
        if time.time() - os.stat(marker).st_mtime < every_s:
            return
    except FileNotFoundError:
        pass
    try:
        os.close(os.open(marker, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        os.utime(marker)
    except FileNotFoundError:
        return  # no container has run yet
    prune(run, frozenset((*keep(), ".pruned")))


def prune(run: str, keep: frozenset[str] | set[str] = frozenset(), *, older_than_s: float = KEEP_S) -> None:
    """Drop the records that are older than an hour, except those of the containers in `keep`."""
    oldest = time.time() - older_than_s
    try:
        entries = os.scandir(f"{run}/exits")
    except FileNotFoundError:
        return
    with entries:
        for entry in entries:
            try:
                if entry.name not in keep and entry.stat(follow_symlinks=False).st_mtime < oldest:
                    os.unlink(entry.path)
            except FileNotFoundError:
                continue
