"""Other ports for a container that is there already: written down, and in force at once where it runs."""

from __future__ import annotations

from argosy.containers import connection, publish, state
from argosy.containers import record as records
from argosy.errors import ArgosyError, NotFound
from argosy.network import port_changes
from argosy.spec import parseports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.spec.options import PortMapping


def change(site: Site, container_id: str, *, add: Sequence[PortMapping], drop: Sequence[PortMapping]) -> None:
    """Publish the ports of `add` and no longer those of `drop`, in which a `host_port` of 0 is any.

    All of it or nothing.  Raises NotFound for a port that is not published, InUse for one that somebody has,
    ArgosyError for a container whose network is not its own.
    """
    with site.store.containers.lock(container_id):
        record = records.read_record(site.store, container_id)
        if record.options.network is not None and record.options.network.kind in publish.SHARED:
            raise ArgosyError(
                f"container {container_id[:12]} has no network of its own: its ports cannot be published",
                hint=f"it was made with --network {record.options.network.kind}",
            )
        before = record.options.ports
        after = publish.merged(site, _without(record, drop), add)
        if after == before:
            return
        run = state.derive(site, container_id)
        if run.status in state.ACTIVE:
            _in_force(site, record, after, run.conmon_pid)
        try:
            _write(site, container_id, after)
        except BaseException:
            if run.status in state.ACTIVE:
                _in_force(site, _with(record, after), before, run.conmon_pid)
            raise


def _in_force(site: Site, record: ContainerRecord, after: tuple[PortMapping, ...], conmon_pid: int) -> None:
    before = connection.request(site, record, "")
    port_changes.change(before, publish.expanded(after), conmon_pid)


def _with(record: ContainerRecord, ports: tuple[PortMapping, ...]) -> ContainerRecord:
    return record.replace(options=record.options.replace(ports=ports))


def _without(record: ContainerRecord, drop: Sequence[PortMapping]) -> tuple[PortMapping, ...]:
    """The ports of the record, each of its own, without those that `drop` means.  Raises NotFound."""
    left = publish.single(record.options.ports)
    for port in publish.single(drop):
        kept = tuple(there for there in left if not _means(port, there))
        if len(kept) == len(left):
            missing = NotFound("published port", f"{port.container_port}/{port.protocol}")
            missing.brief = f"container {record.id[:12]} does not publish {_text(port)}"
            missing.hint = f"argosy port {record.id[:12]} shows what it publishes"
            raise missing
        left = kept
    return left


def _means(port: PortMapping, there: PortMapping) -> bool:
    return (
        (port.container_port, port.protocol) == (there.container_port, there.protocol)
        and port.host_port in (0, there.host_port)
        and port.host_ip in ("", there.host_ip or parseports.ANY_ADDRESS, there.host_ip)
    )


def _text(port: PortMapping) -> str:
    host = f"{port.host_ip}:{port.host_port}:" if port.host_ip else f"{port.host_port}:" if port.host_port else ""
    return f"{host}{port.container_port}/{port.protocol}"


def _write(site: Site, container_id: str, ports: tuple[PortMapping, ...]) -> None:
    found = records.read_value(site.store, container_id, records.CHANGES, records.Changes) or records.Changes()
    records.write_value(site.store, container_id, records.CHANGES, found.replace(ports=ports), durable=True)
