"""Containers that a container requires (--requires): started before it.

A container can only require what was there when it was created, so that no circle can come about.
"""

from __future__ import annotations

from argosy.errors import ArgosyError, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site


def ids(site: Site, names: Iterable[str]) -> tuple[str, ...]:
    """The ids of the containers that are named.  Raises NotFound in podman's words."""
    found = []
    for name in names:
        try:
            found.append(site.store.containers.find(name))
        except NotFound:
            raise ArgosyError(
                f'"{name}" is not a valid container, cannot be used as a dependency: '
                f'no container with name or ID "{name}" found: no such container'
            ) from None
    return tuple(dict.fromkeys(found))


def start(site: Site, record: ContainerRecord) -> None:
    """Start those that the container requires, and first what they require.  The caller holds no lock."""
    from argosy.containers import start as starts

    for container_id in record.options.requires:
        try:
            starts.start(site, container_id)
        except NotFound:
            raise ArgosyError(
                f"cannot start container {record.id[:12]}: it requires {container_id[:12]}, which is not there any more"
            ) from None
