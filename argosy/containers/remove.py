"""Removing containers."""

from __future__ import annotations

import os

from argosy.containers import cleanup, state, stop
from argosy.containers import record as records
from argosy.errors import ArgosyError, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.site import Site


_ATTEMPTS = 20  # against somebody who starts it again and again


def remove(
    site: Site,
    container_id: str,
    *,
    force: bool = False,
    volumes: bool = False,
    timeout_s: float | None = None,
    with_pod: bool = False,
) -> None:
    """Remove a container and its writable layer; `force` stops it first, and removes one whose record is damaged.

    `volumes` removes its anonymous volumes too; `with_pod` lets the infra container of a pod go, as the pod does.
    Raises NotFound when it is gone already, ArgosyError (exit status 2) when it runs and `force` is not given.
    """
    try:
        record = records.read_record(site.store, container_id)
        run = state.derive(site, container_id)
    except NotFound:
        raise
    except ArgosyError:
        if not force:
            raise
        _remove_damaged(site, container_id)
        return
    if record.options.infra and not with_pod:
        from argosy.containers import pod

        pod.check_removable(site, record)
    if not force:
        check_idle(container_id, run)
    _end_and_discard(site, record, run, force=force, volumes=volumes, timeout_s=timeout_s)


def _end_and_discard(
    site: Site,
    record: records.ContainerRecord,
    run: state.Run,
    *,
    force: bool,
    volumes: bool,
    timeout_s: float | None,
) -> None:
    """Stop the container, as often as somebody starts it, and take it out of the store."""
    container_id = record.id
    for _ in range(_ATTEMPTS if force else 1):
        if run.status == state.PAUSED:
            from argosy.containers import pause

            pause.kill(site, container_id)
        if run.status in state.ACTIVE:
            stop.stop(site, container_id, timeout_s)
        try:
            lock = site.store.containers.lock(container_id)
        except NotFound:
            return  # made with --rm: its own clean-up was quicker
        with lock:
            run = state.derive(site, container_id)
            if run.status not in ((state.RUNNING, state.PAUSED) if force else state.ACTIVE):
                cleanup.discard(site, record, volumes=volumes)
                return
    raise ArgosyError(f"container {container_id[:12]} was started again meanwhile", exit_code=2)


def check_idle(container_id: str, run: state.Run) -> None:
    """Raise ArgosyError (exit status 2), in podman's words, for a container that runs."""
    if run.status in state.ACTIVE:
        raise ArgosyError(
            f"cannot remove container {container_id} as it is {run.status} - running or paused containers cannot be"
            " removed without force: container state improper",
            hint=f"argosy rm --force {container_id[:12]}",
            exit_code=2,
        )


def _remove_damaged(site: Site, container_id: str) -> None:
    """A container whose files cannot be read: what runs of it is ended by what the run directory says."""
    if not os.path.isdir(site.state_directory(container_id)):
        raise NotFound("container", container_id)
    with site.store.containers.lock(container_id):
        cleanup.take_down(site, container_id)
        site.store.containers.remove(container_id)
