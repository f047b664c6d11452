"""`container restore`: the processes of a checkpointed container are there again, and go on."""

from __future__ import annotations

import os
import time

from argosy.containers import cleanup, happened, start, state
from argosy.containers import record as records
from argosy.containers.checkpoint import criu, statistics
from argosy.errors import ArgosyError
from argosy.linux import files
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.containers.checkpoint.statistics import Statistics
    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.runtime.conmon import ConmonRequest
    from argosy.spec.options import NetworkUse

_BLOCK = 1 << 20


class RestoreOptions(Value):
    """What was asked for of each container."""

    file_locks: bool = False
    ignore_static_ip: bool = False
    ignore_static_mac: bool = False
    keep: bool = False
    tcp_established: bool = False


def restore(site: Site, container_id: str, options: RestoreOptions) -> Statistics:
    """Restore a container; its checkpoint is used up then, unless it is to be kept.

    Raises ArgosyError, and then nothing of the attempt is left but the checkpoint.
    """
    record = records.read_record(site.store, container_id)
    directory = site.state_directory(container_id)
    with site.store.containers.lock(container_id):
        run = state.derive(site, container_id)
        if run.status in (*state.ACTIVE, state.INITIALIZED):
            raise ArgosyError(
                f"container {container_id} is running or paused, cannot restore: container state improper"
            )
        known = _known(site, record)
        runtime = site.choose_runtime(wanted=records.moved_to(site.store, container_id) or record.options.runtime)
        criu.check(site, runtime, "restoring")
        cleanup.settle(site, container_id, run)
        began = time.monotonic()
        _start(site, record, _uses(known, options), options)
        took_us = round((time.monotonic() - began) * 1e6)
        found = statistics.read(site.run_directory(container_id)).replace(id=container_id, runtime_us=took_us)
        records.write_value(site.store, container_id, criu.FILE, known.replace(restored_at=time.time()))
        if not options.keep:
            for name in (criu.IMAGES, criu.EARLIER, criu.LOGS):
                if os.path.lexists(f"{directory}/{name}"):
                    files.remove_tree(f"{directory}/{name}")
    happened.tell(site, record, "restore")
    return found


def _known(site: Site, record: ContainerRecord) -> criu.Checkpointed:
    """What is known of the checkpoint, whose images are in their place when this returns."""
    directory = site.state_directory(record.id)
    images, new = f"{directory}/{criu.IMAGES}", f"{directory}/{criu.NEW}"
    if not os.path.isdir(images) and os.path.exists(f"{new}/{criu.LAST_WRITTEN}"):
        os.rename(new, images)  # its command was killed after CRIU was done
    if not os.path.isdir(images):
        raise ArgosyError(
            "a complete checkpoint for this container cannot be found, cannot restore: container state improper",
            hint=f"argosy container checkpoint {record.id[:12]} makes one of a container that runs",
        )
    found = records.read_value(site.store, record.id, criu.FILE, criu.Checkpointed)
    return found or criu.Checkpointed(os.stat(images).st_mtime)


def _uses(known: criu.Checkpointed, options: RestoreOptions) -> tuple[NetworkUse, ...]:
    """The networks, with the addresses from before unless others are as good."""
    uses = known.networks
    if options.ignore_static_ip:
        uses = tuple(use.replace(addresses=()) for use in uses)
    if options.ignore_static_mac:
        uses = tuple(use.replace(mac="") for use in uses)
    return uses


def _start(site: Site, record: ContainerRecord, uses: tuple[NetworkUse, ...], options: RestoreOptions) -> None:
    """Let the runtime restore it on these networks.  The addresses are the container's for this run alone."""
    images = f"{site.state_directory(record.id)}/{criu.IMAGES}"
    words = criu.restore_words(images, tcp_established=options.tcp_established, file_locks=options.file_locks)

    def amended(asked: ConmonRequest) -> ConmonRequest:
        _fill_shared_memory(site, record, images)
        return asked.replace(restore=words)

    before = records.read_value(site.store, record.id, records.CHANGES, records.Changes)
    if uses:
        changed = (before or records.Changes()).replace(networks=uses)
        records.write_value(site.store, record.id, records.CHANGES, changed)
    try:
        start.create_only(site, record, amended)
    finally:
        if uses and before is not None:
            records.write_value(site.store, record.id, records.CHANGES, before)
        elif uses:
            records.unlink(site.store, record.id, records.CHANGES)


def _fill_shared_memory(site: Site, record: ContainerRecord, images: str) -> None:
    place, archive = f"{site.run_directory(record.id)}/shm", f"{images}/{criu.SHM}"
    if not (os.path.isdir(place) and os.path.exists(archive)):
        return
    from argosy.archive.tarwriter import BLOCK
    from argosy.images import extract

    blocks = read_blocks(archive)
    head = next(blocks, b"").ljust(BLOCK, b"\0")
    extract.extract(site.store, place, head, lambda: next(blocks, b""), criu.SHM)


def read_blocks(path: str) -> Iterator[bytes]:
    """The content of a file that is no link."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        while block := os.read(fd, _BLOCK):
            yield block
    finally:
        os.close(fd)
