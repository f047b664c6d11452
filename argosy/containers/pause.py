"""Pausing a container: the kernel stops all its processes where they are, until it is resumed.

The file `paused` in the run directory says so; it is there before the first process stops and goes after the last one
goes on, so that a container that a killed command left half stopped can be resumed.
"""

from __future__ import annotations

from argosy.containers import groups as cgroups
from argosy.containers import happened, prepare, state
from argosy.containers import record as records
from argosy.errors import ArgosyError, Unsupported
from argosy.linux import files, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.site import Site
    from argosy.runtime.oci_runtime import OciRuntime


def pause(site: Site, container_id: str) -> None:
    """Stop all processes of the container.  Raises ArgosyError when it does not run, Unsupported without a freezer."""
    with site.store.containers.lock(container_id):
        run = state.derive(site, container_id)
        if run.status == state.PAUSED:
            raise ArgosyError(f'"{container_id}" is already paused: container state improper')
        if run.status != state.RUNNING:
            raise ArgosyError(f'"{run.status}" is not running, can\'t pause: container state improper')
        runtime = _runtime(site, container_id)
        marker = f"{site.run_directory(container_id)}/{records.PAUSED}"
        files.write_atomic(marker, b"")
        try:
            runtime.pause(container_id)
        except BaseException:
            files.unlink_missing(marker)
            raise
    happened.tell_of(site, container_id, "pause")


def resume(site: Site, container_id: str) -> None:
    """Let the processes go on.  Raises ArgosyError when the container is not paused."""
    with site.store.containers.lock(container_id):
        if state.derive(site, container_id).status != state.PAUSED:
            raise ArgosyError(f'"{container_id}" is not paused, can\'t unpause: container state improper')
        _runtime(site, container_id).resume(container_id)
        files.unlink_missing(f"{site.run_directory(container_id)}/{records.PAUSED}")
    happened.tell_of(site, container_id, "unpause")


def kill(site: Site, container_id: str) -> None:
    """End a container that is paused: it is to be removed.  Nothing happens when it is none."""
    with site.store.containers.lock(container_id):
        run = state.derive(site, container_id)
        if run.status != state.PAUSED:
            return
        process.signal_process(run.pid, process.start_time(run.pid) or 0)
        _runtime(site, container_id).resume(container_id)  # a signal waits for that, with control groups of version 1
        files.unlink_missing(f"{site.run_directory(container_id)}/{records.PAUSED}")


def _runtime(site: Site, container_id: str) -> OciRuntime:
    """The runtime that runs the container.  Raises Unsupported where it has no control group to be frozen in."""
    plan = prepare.read_plan(site.run_directory(container_id))
    if plan is None:
        raise ArgosyError(f"container {container_id[:12]} is just ending")
    if site.namespace.rootless and cgroups.detect(site).mode != "v2":
        raise Unsupported(
            "can't pause containers on rootless containers with cgroup V1",
            hint="control groups of version 2, delegated to the user, are needed: see `argosy doctor cgroups`",
        )
    return plan.runtime
