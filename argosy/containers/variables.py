"""Variables that are not in a container's record: secrets, and what docker tells of linked containers."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site


def add(site: Site, record: ContainerRecord, process: dict[str, Any]) -> None:
    """Put them into the environment of `process`.  Raises ArgosyError for what cannot be had."""
    if record.options.secrets:
        from argosy.containers import secret_data

        secret_data.add_variables(site, record, process)
    if record.options.links:
        from argosy.containers import links

        links.add_variables(site, record, process)
