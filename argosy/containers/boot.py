"""After a boot: what restart policies want is started, as docker's daemon does when it comes up."""

from __future__ import annotations

from argosy.containers import cleanup, start, state, successor
from argosy.containers import record as records
from argosy.errors import ArgosyError, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.containers.site import Site


def boot(site: Site) -> Iterator[tuple[str, ArgosyError | None]]:
    """Start the containers that are to run, oldest first; the id of each, and why it could not be started.

    These have run before and do not now.  "always" counts whoever stopped them, "unless-stopped" unless the user did,
    "on-failure" when the last run failed (one that the power ended did) and may be tried once more.  Of a container
    whose record is damaged nobody knows whether it is to run: that is the reason then.
    """
    for container_id in successor.interrupted(site):
        try:
            successor.recover(site, container_id)
        except ArgosyError as error:
            yield container_id, error
    listing = state.views(site)
    for container_id, why in listing.damaged:
        yield container_id, ArgosyError(why, hint="see `argosy system check`")
    for view in sorted(listing.views, key=lambda view: view.created_at):
        if view.run.status != state.EXITED or not _is_wanted(site, view):
            continue
        try:
            start.start(site, view.id)
        except NotFound:
            continue  # removed meanwhile
        except ArgosyError as error:
            yield view.id, error
        else:
            yield view.id, None


def _is_wanted(site: Site, view: state.ContainerView) -> bool:
    try:
        record = records.read_record(site.store, view.id)
    except NotFound:
        return False
    if record.options.restart.name == "always":
        return True
    return cleanup.restarts(record, view.run)
