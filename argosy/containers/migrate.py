"""Making way for other ranges of ids, or another OCI runtime: `system migrate`."""

from __future__ import annotations

from argosy.containers import record as records
from argosy.containers import state, stop
from argosy.errors import ArgosyError, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.containers.site import Site


def stop_all(site: Site) -> Iterator[str]:
    """Stop every container that runs, and give the id of each."""
    for view in state.views(site).views:
        if view.run.status in state.ACTIVE:
            try:
                stop.stop(site, view.id)
            except NotFound:
                continue
            yield view.id


def change_runtime(site: Site, name: str) -> None:
    """Let every container that there is be run by this runtime from its next start on.

    Raises ArgosyError when there is no such runtime.
    """
    from argosy.runtime import oci_runtime

    try:
        oci_runtime.choose(site.conf, site.store.run, wanted=name)
    except ArgosyError as error:
        text = f'change to runtime "{name}" requested but no such runtime is defined: invalid argument'
        raise ArgosyError(text, hint=error.hint) from error
    for container_id in site.store.containers.ids():
        try:
            with site.store.containers.lock(container_id):
                found = records.read_value(site.store, container_id, records.CHANGES, records.Changes)
                changed = (found or records.Changes()).replace(runtime=name)
                records.write_value(site.store, container_id, records.CHANGES, changed, durable=True)
        except NotFound:
            continue
