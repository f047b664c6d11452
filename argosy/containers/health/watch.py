"""How a command has a container checked in time: it names the container, and wakes the keeper or starts it.

In `<run>/health` are a file for each container that is to be checked, named by its id; `wake`, a pipe that the keeper
reads; and `lock`, which it holds.  A pipe that nobody reads means that there is no keeper.
"""

from __future__ import annotations

import os

from argosy.containers.health import kept, results
from argosy.errors import ArgosyError
from argosy.linux import files, locks, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site

_ID_LENGTH = 64  # of the names that are no file of ours
LOCK_FD = 3  # of the keeper
COMMAND = "__health"  # the hidden command that is the keeper
# The shell lets go of its child, so that the keeper is no zombie of ours once it has ended.
_LET_GO = '"$@" &'


def pipe(site: Site) -> str:
    """The pipe by which the keeper is woken."""
    return f"{kept.directory(site)}/wake"


def lock(site: Site) -> str:
    """The file that the keeper holds the lock of."""
    return f"{kept.directory(site)}/lock"


def begun(site: Site, record: ContainerRecord) -> None:
    """The container, which has a check, has been started.  Nothing that fails here is worth a start."""
    if record.options.health is None or not record.options.health.is_active:
        return
    try:
        kept.change(site, record.id, results.begun)
    except OSError as error:
        site.notice(f"the health of container {record.id[:12]} cannot be written down: {error.strerror}")
    renewed(site, record)


def renewed(site: Site, record: ContainerRecord) -> None:
    """Have the keeper look at the container anew, which runs: it was started, or is to be checked in another way."""
    if not results.is_scheduled(record.options.health):
        files.unlink_missing(kept.mark(site, record.id))
        wake(site)
        return
    try:
        _name(site, record.id)
    except OSError as error:
        site.notice(f"container {record.id[:12]} is not checked: {error.strerror}")
        return
    if not wake(site):
        _start(site)


def _name(site: Site, container_id: str) -> None:
    files.make_directories(kept.directory(site))
    fd = os.open(kept.mark(site, container_id), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.utime(fd)
    finally:
        os.close(fd)


def ensure(site: Site, running: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """See to it that these containers, which run, are checked: ids, and options in JSON form.

    Their keeper may have been killed, or the run directory emptied.
    """
    from argosy.spec.options import HealthCheck

    wanted = [
        container_id
        for container_id, options in running
        if options.get("health") and results.is_scheduled(HealthCheck.from_json(options["health"]))
    ]
    if not wanted:
        return
    missing = [container_id for container_id in wanted if not os.path.exists(kept.mark(site, container_id))]
    try:
        for container_id in missing:
            _name(site, container_id)
    except OSError:
        return
    if (missing and not wake(site)) or not is_kept(site):
        _start(site)


def named(site: Site) -> dict[str, int]:
    """The containers that are to be checked, and when they were named last, in nanoseconds since the epoch."""
    found: dict[str, int] = {}
    try:
        entries = os.scandir(kept.directory(site))
    except FileNotFoundError:
        return found
    with entries:
        for entry in entries:
            if len(entry.name) == _ID_LENGTH:
                try:
                    found[entry.name] = entry.stat(follow_symlinks=False).st_mtime_ns
                except FileNotFoundError:
                    continue
    return found


def resume(site: Site) -> None:
    """See to it that those which are named are checked, whose keeper may have been killed."""
    if named(site) and not is_kept(site):
        _start(site)


def is_kept(site: Site) -> bool:
    """Whether there is a keeper."""
    fd = _open(site)
    if fd >= 0:
        os.close(fd)
    return fd >= 0


def wake(site: Site) -> bool:
    """Have the keeper look who is to be checked; False where there is no keeper."""
    fd = _open(site)
    if fd < 0:
        return False
    try:
        os.write(fd, b"\n")
    except OSError:
        pass  # the pipe is full: it will wake up
    finally:
        os.close(fd)
    return True


def _open(site: Site) -> int:
    try:
        return os.open(pipe(site), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:  # ENXIO: nobody reads it
        return -1


def _start(site: Site) -> None:
    """Start a keeper, which has nothing of ours but /dev/null, and the lock.

    Where that is taken, the keeper is about to look who is named: it does so before it lets itself be woken, and again
    after it has let go of the lock.
    """
    taken = locks.acquire(lock(site), wait=False, create=True)
    if taken is None:
        return
    words = ["/bin/sh", "-c", _LET_GO, "argosy-health", *site.again, COMMAND]
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        fds = {0: null, 1: null, 2: null, LOCK_FD: taken.fd}
        process.wait(process.spawn(words, fds=fds, setsid=True, directory="/"))
    except ArgosyError as error:
        site.notice(f"health checks cannot be started: {error.brief}")
    finally:
        os.close(null)
        taken.release()
