"""`container checkpoint`: the processes are written down, and unless they are to run on, end there.

What the user asked is noted before CRIU ends them, so that no restart policy acts against it; the images get their name
when they are whole.  Who is killed in between leaves a container that runs, or one that ended and whose images
`restore` finds under their first name.
"""

from __future__ import annotations

import os
import time

from argosy.archive import diff as archives
from argosy.containers import cleanup, happened, networks, prepare, state, wait
from argosy.containers import record as records
from argosy.containers.checkpoint import criu, statistics
from argosy.errors import ArgosyError, NotFound
from argosy.linux import files, mounts
from argosy.network import attach as network
from argosy.records.scratch import Scratch
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.checkpoint.statistics import Statistics
    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.oci.reference import Reference
    from argosy.runtime.oci_runtime import OciRuntime
    from argosy.spec.options import NetworkUse


class DumpOptions(Value):
    """What was asked for.  `export` is the path of an archive, "" for none, `image` the name of an image."""

    export: str = ""
    compression: str = "zstd"
    image: Reference | None = None
    file_locks: bool = False
    ignore_rootfs: bool = False
    ignore_volumes: bool = False
    keep: bool = False
    leave_running: bool = False
    pre_checkpoint: bool = False
    tcp_established: bool = False
    with_previous: bool = False


def checkpoint(site: Site, container_id: str, options: DumpOptions) -> Statistics:
    """Checkpoint a container that runs; on disk when this returns.  Raises ArgosyError, and then it runs as before."""
    record = records.read_record(site.store, container_id)
    if record.options.remove and not (options.export or options.image):
        raise ArgosyError(
            "cannot checkpoint containers that have been started with '--rm' unless '--export' is used",
            hint="its end would take the checkpoint away",
        )
    if options.export or options.image:
        from argosy.containers.checkpoint import bundle

        bundle.check(site, record, options)
    with site.store.containers.lock(container_id):
        run = state.derive(site, container_id)
        if run.status != state.RUNNING:
            raise ArgosyError(f'"{run.status}" is not running, cannot checkpoint: container state improper')
        found = _dump(site, record, options)
        with Scratch(site.store.tmp) as scratch:
            if options.export or options.image:
                from argosy.containers.checkpoint import carry

                carry.send(site, record, options, scratch.path)
        happened.tell(site, record, "checkpoint")
    if not (options.leave_running or options.pre_checkpoint):
        wait.process_ended(run.pid, None)
        wait.conmon_done(site, container_id)
        try:
            cleanup.cleanup(site, container_id)
        except NotFound:
            pass  # made with --rm
    return found.replace(id=container_id)


def _dump(site: Site, record: ContainerRecord, options: DumpOptions) -> Statistics:
    plan = prepare.read_plan(site.run_directory(record.id))
    if plan is None:
        raise ArgosyError(f"container {record.id[:12]} is just ending")
    criu.check(site, plan.runtime, "checkpointing")
    directory = site.state_directory(record.id)
    new, logs = f"{directory}/{criu.NEW}", f"{directory}/{criu.LOGS}"
    wanted = criu.Dump(
        images=new,
        logs=logs,
        leave_running=options.leave_running,
        memory_alone=options.pre_checkpoint,
        earlier=options.with_previous,
        tcp_established=options.tcp_established,
        file_locks=options.file_locks,
    )
    if wanted.earlier and not os.path.isdir(f"{directory}/{criu.EARLIER}"):
        raise ArgosyError(f"container {record.id[:12]} has no pre-checkpoint", hint="see --pre-checkpoint")
    addresses = _addresses(site, record)
    for path in (new, logs):
        if os.path.lexists(path):
            files.remove_tree(path)
        os.mkdir(path, 0o700)
    try:
        found = _run(site, record, plan.runtime, wanted)
        _put_in_place(directory, criu.EARLIER if options.pre_checkpoint else criu.IMAGES)
        known = criu.Checkpointed(time.time(), networks=addresses)
        records.write_value(site.store, record.id, criu.FILE, known, durable=True)
    finally:
        if not options.keep:
            files.remove_tree(logs)
    return found


def _run(site: Site, record: ContainerRecord, runtime: OciRuntime, wanted: criu.Dump) -> Statistics:
    """Have it done, with the mark that the container's end is what the user wants."""
    mark = f"{site.state_directory(record.id)}/{records.STOP_REQUESTED}"
    try:
        if not (wanted.leave_running or wanted.memory_alone):
            files.write_atomic(mark, b"", durable=True)
        began = time.monotonic()
        criu.dump(runtime, record.id, wanted)
        took_us = round((time.monotonic() - began) * 1e6)
        if not wanted.memory_alone:
            _keep_shared_memory(site, record, wanted.images)
    except BaseException:
        if state.derive(site, record.id).status == state.RUNNING:
            files.unlink_missing(mark)
            files.remove_tree(wanted.images)
        raise
    return statistics.read(wanted.logs).replace(runtime_us=took_us)


def _put_in_place(directory: str, name: str) -> None:
    """The images are whole: on disk, and under their name in place of older ones."""
    new, target = f"{directory}/{criu.NEW}", f"{directory}/{name}"
    for entry in os.listdir(new):
        path = f"{new}/{entry}"
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, "rb", buffering=0) as file:
                os.fsync(file.fileno())
    files.fsync_directory(new)
    if os.path.lexists(target):
        files.remove_tree(target)
    os.rename(new, target)
    files.fsync_directory(directory)


def _keep_shared_memory(site: Site, record: ContainerRecord, images: str) -> None:
    """/dev/shm where it is a mount of ours, of which CRIU keeps no content."""
    place = f"{site.run_directory(record.id)}/shm"
    if mounts.is_mount_point(place):
        with open(f"{images}/{criu.SHM}", "xb") as file:
            archives.write_archive(place, file.write, layer=False)


def _addresses(site: Site, record: ContainerRecord) -> tuple[NetworkUse, ...]:
    """The networks that it is on, with the addresses that it has there."""
    found = network.read(site.run_directory(record.id))
    there = {attachment.network: attachment for attachment in (found.attachments if found is not None else ())}
    uses = []
    for use in networks.named(site, record):
        attachment = there.get(use.name)
        if attachment is not None:
            plain = tuple(address.partition("/")[0] for address in attachment.addresses)
            use = use.replace(addresses=plain, mac=attachment.mac)
        uses.append(use)
    return tuple(uses)
