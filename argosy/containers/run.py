"""Running a container in the foreground: create's record in, exit status out."""

from __future__ import annotations

from argosy.containers import cleanup, start, state
from argosy.containers import record as records
from argosy.errors import ArgosyError, NotFound
from argosy.runtime import exits
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.runtime.attach import Attachment


class Streams(Value):
    """The caller's side of an attached container: descriptors, None where a stream is not attached.

    `stdin` is copied only when the container was created interactive.  `detach_keys` is empty where nothing detaches;
    `sig_proxy` passes the signals that this process gets on to the container.
    """

    stdin: int | None = None
    stdout: int | None = 1
    stderr: int | None = 2
    detach_keys: str = ""
    sig_proxy: bool = True


def run(site: Site, record: ContainerRecord, streams: Streams | None, *, preserve_fds: int = 0) -> int:
    """Start the container and, with `streams`, stay with it until it ends or the user detaches (0).

    The exit status is the container's.  A container made with --rm is gone when this returns, also when it did not
    start.  `preserve_fds` of our descriptors, from 3 on, are handed to it.
    """
    passed = records.log_driver(site, record) == "passthrough"  # our streams are its own: nothing is to be copied
    try:
        attachment = start.start(
            site,
            record.id,
            connect=streams is not None and not passed,
            preserve_fds=preserve_fds,
            attended=streams is not None,
        )
    except BaseException:
        if record.options.remove:
            _discard_unstarted(site, record)
        raise
    if streams is not None and passed:
        return _ended(site, record)
    if streams is None or attachment is None:
        return 0
    return attend(site, record, attachment, streams)


def _ended(site: Site, record: ContainerRecord) -> int:
    """Wait for the end of a container that nobody is attached to; its exit status."""
    from argosy.containers import wait

    status = wait.wait(site, record.id)
    _take_away(site, record)
    return status


def attend(site: Site, record: ContainerRecord, attachment: Attachment, streams: Streams) -> int:
    """Copy the streams of a running container until it ends or the user detaches; its exit status."""
    from argosy.runtime.streams import CLOSED, DETACHED

    how = attachment.pump(
        stdin=streams.stdin if record.options.interactive else None,
        stdout=streams.stdout,
        stderr=streams.stderr,
        tty=record.options.tty,
        detach_keys=streams.detach_keys,
        signal=_forwarder(site, record.id) if streams.sig_proxy else None,
    )
    if how == DETACHED:
        return 0
    if how == CLOSED:
        return 128 + 13
    status = exit_status(site, record.id)
    _take_away(site, record)
    return status


def _take_away(site: Site, record: ContainerRecord) -> None:
    """What conmon's exit command leaves to the one who attends: a container made with --rm, and old exit records."""
    if record.options.remove:
        cleanup.cleanup(site, record.id)
        exits.prune_sometimes(site.store.run, site.store.containers.ids)


def exit_status(site: Site, container_id: str) -> int:
    """The status of the run that has just ended; waits for conmon's record of it."""
    found = exits.read(site.store.run, container_id)
    if found is None:
        try:
            conmon_pid = state.derive(site, container_id).conmon_pid
        except NotFound:
            conmon_pid = 0
        found = exits.wait(site.store.run, container_id, 10.0, conmon_pid=conmon_pid)
    return state.UNKNOWN_EXIT if found is None else found.code


def _forwarder(site: Site, container_id: str) -> Callable[[int], None]:
    def forward(number: int) -> None:
        from argosy.containers import stop

        try:
            stop.kill(site, container_id, number)
        except ArgosyError:
            return  # it ended meanwhile, and its exit status is on its way

    return forward


def _discard_unstarted(site: Site, record: ContainerRecord) -> None:
    from argosy.containers import remove

    try:
        remove.remove(site, record.id, force=True, volumes=True)
    except NotFound:
        return
