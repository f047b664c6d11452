"""`init`: a container that is made, with its mounts, network and process, but whose program waits for `start`."""

from __future__ import annotations

import time

from argosy.containers import cleanup, happened, prepare, start, state
from argosy.containers import record as records
from argosy.errors import ArgosyError
from argosy.linux import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.runtime.attach import Attachment


def initialize(site: Site, container_id: str) -> None:
    """Make the container.  Raises ArgosyError, in podman's words, when that is done already."""
    record = records.read_record(site.store, container_id)
    with site.store.containers.lock(container_id):
        run = state.derive(site, container_id)
        if run.status in (*state.ACTIVE, state.INITIALIZED):
            why = "has already been created in runtime: container state improper"
            raise ArgosyError(f"container {container_id} {why}")
        cleanup.settle(site, container_id, run)
        start.create_only(site, record)
        files.write_atomic(_mark(site, container_id), b"")
    happened.tell(site, record, "init")


def begin(site: Site, record: ContainerRecord, *, connect: bool) -> Attachment | None:
    """Let the program of an initialized container run; the caller holds its lock.  Its streams where asked for."""
    plan = prepare.read_plan(site.run_directory(record.id))
    started = records.read_value(site.store, record.id, records.STARTED, records.Started)
    if plan is None or started is None:
        raise ArgosyError(f"container {record.id[:12]} is just ending")
    program = records.read_bundle(site.run_directory(record.id))["process"]["args"][0]
    attachment = None
    if connect:
        from argosy.runtime import attach

        attachment = attach.connect(site.run_directory(record.id))
    try:
        records.write_value(site.store, record.id, records.STARTED, started.replace(started_at=time.time()))
        files.unlink_missing(_mark(site, record.id))  # who is killed from here on leaves an interrupted start
        plan.runtime.start(record.id, program)
    except BaseException:
        if attachment is not None:
            attachment.close()
        undo_locked(site, record.id)
        raise
    happened.tell(site, record, "start", *(("attach",) if attachment is not None else ()))
    if record.options.health is not None:
        from argosy.containers.health import watch

        watch.begun(site, record)
    return attachment


def undo(site: Site, container_id: str) -> bool:
    """Take an initialized container down again: what `stop` means for it."""
    with site.store.containers.lock(container_id):
        if state.derive(site, container_id).status == state.INITIALIZED:
            undo_locked(site, container_id)
    return True


def undo_locked(site: Site, container_id: str) -> None:
    """As `undo`, for who holds the container's lock."""
    cleanup.take_down(site, container_id)
    records.unlink(site.store, container_id, records.STARTED)


def _mark(site: Site, container_id: str) -> str:
    return f"{site.run_directory(container_id)}/{records.INITIALIZED}"
