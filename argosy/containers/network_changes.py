"""Connecting a container to one more network, and taking it off one: written down, and done at once where it runs."""

from __future__ import annotations

from argosy.containers import connection, happened, networks, state
from argosy.containers import record as records
from argosy.errors import ArgosyError, Exists, NotFound
from argosy.network import bridged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.spec.options import NetworkUse


def connect(site: Site, container_id: str, use: NetworkUse) -> None:
    """Connect the container to the network that `use` names.

    Raises NotFound, Exists when it is on it already, ArgosyError for a container whose network is not bridges.
    """
    network = networks.of(site).get(use.name)
    with site.store.containers.lock(container_id):
        record = records.read_record(site.store, container_id)
        before = _before(site, record)
        if any(networks.of(site).get(other.name).id == network.id for other in before):
            error = Exists("network", network.name)
            error.brief = (
                f'container {container_id} is already connected to network "{network.name}": '
                "network is already connected"
            )
            raise error
        after = (*before, use.replace(name=network.name))
        if _runs(site, container_id):
            request = connection.request(site, record, "")
            wish = networks.wish(site, record, after[-1])
            bridged.join(request, wish)
        _write(site, container_id, after)
    happened.tell(site, record, "connect", network=network.name)


def disconnect(site: Site, container_id: str, name: str) -> None:
    """Take the container off the network.  Raises NotFound when it is not on it."""
    network = networks.of(site).get(name)
    with site.store.containers.lock(container_id):
        record = records.read_record(site.store, container_id)
        before = _before(site, record)
        after = tuple(use for use in before if use.name != network.name)
        if after == before:
            missing = NotFound("network", network.name)
            missing.brief = f"container {container_id} is not connected to network {network.name}: network not found"
            raise missing
        _write(site, container_id, after)
        if _runs(site, container_id):
            bridged.part(connection.request(site, record, ""), network.id)
    happened.tell(site, record, "disconnect", network=network.name)


def _before(site: Site, record: ContainerRecord) -> tuple[NetworkUse, ...]:
    mode = record.options.network
    kind = mode.kind if mode is not None else "private"
    if kind not in ("bridge", "private") or (kind == "private" and site.namespace.rootless):
        raise ArgosyError(
            f'"{kind}" is not supported: invalid network mode',
            hint="only containers on bridge networks can be connected to others",
        )
    return networks.named(site, record)


def _runs(site: Site, container_id: str) -> bool:
    return state.derive(site, container_id).status in state.ACTIVE


def _write(site: Site, container_id: str, uses: tuple[NetworkUse, ...]) -> None:
    found = records.read_value(site.store, container_id, records.CHANGES, records.Changes) or records.Changes()
    records.write_value(site.store, container_id, records.CHANGES, found.replace(networks=uses), durable=True)
