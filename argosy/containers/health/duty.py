"""How a process becomes the keeper of a store, and when it stops being that."""

from __future__ import annotations

import os
import resource

from argosy.containers import groups
from argosy.containers.health import watch
from argosy.containers.health.keeper import Keeper
from argosy.linux import locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.site import Site

_DESCRIPTORS = 1 << 16


def main(site: Site) -> int:
    """Be the keeper, unless there is one."""
    lock = _handed_down(site) or locks.acquire(watch.lock(site), wait=False, create=True)
    while lock is not None:
        with lock:
            _settle_down(site)
            keeper = Keeper(site, lock)
            keeper.open()
            keeper.serve()
        # Who has named a container and found us still here has left it to us.
        lock = locks.acquire(watch.lock(site), wait=False, create=True) if watch.named(site) else None
    return 0


def _handed_down(site: Site) -> locks.Lock | None:
    """The lock that who has started us took for us."""
    try:
        there = os.fstat(watch.LOCK_FD)
        if not os.path.samestat(there, os.stat(watch.lock(site))):
            return None
    except OSError:
        return None
    os.set_inheritable(watch.LOCK_FD, False)
    return locks.Lock(watch.LOCK_FD, watch.lock(site))


def _settle_down(site: Site) -> None:
    """Leave the group of the command that has started us, as conmon does, and make room for many descriptors."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    groups.let_go(site, os.getpid(), f"health-{os.getpid()}")
