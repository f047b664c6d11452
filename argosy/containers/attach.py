"""Attaching to a running container."""

from __future__ import annotations

from argosy.containers import happened, run, state
from argosy.containers import record as records
from argosy.errors import ArgosyError
from argosy.runtime import attach as attachments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.site import Site


def attach(site: Site, container_id: str, streams: run.Streams) -> int:
    """Connect the streams to a running container until it ends or the user detaches (0); its exit status.

    Raises ArgosyError in podman's words when the container does not run.
    """
    record = records.read_record(site.store, container_id)
    if state.derive(site, container_id).status != state.RUNNING:
        raise ArgosyError("you can only attach to running containers")
    attachment = attachments.connect(site.run_directory(container_id))
    happened.tell(site, record, "attach")
    return run.attend(site, record, attachment, streams)
