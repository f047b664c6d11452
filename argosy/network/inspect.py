"""All that is known about a network, in podman's form."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.network.model import Network, Subnet


def inspect(network: Network) -> dict[str, Any]:
    """The network as `network inspect` shows it; what is empty is left out where podman leaves it out."""
    document: dict[str, Any] = {"name": network.name, "id": network.id, "driver": network.driver}
    if network.interface:
        document["network_interface"] = network.interface
    document["created"] = _moment(network.created_ns or time.time_ns())
    if network.subnets:
        document["subnets"] = [_subnet(subnet) for subnet in network.subnets]
    if network.routes:
        document["routes"] = [route.to_json() for route in network.routes]
    document["ipv6_enabled"] = network.ipv6
    document["internal"] = network.internal
    document["dns_enabled"] = network.dns
    if network.dns_servers:
        document["network_dns_servers"] = list(network.dns_servers)
    if network.labels:
        document["labels"] = dict(network.labels)
    if network.options:
        document["options"] = dict(network.options)
    document["ipam_options"] = {"driver": network.ipam}
    return document


def _subnet(subnet: Subnet) -> dict[str, Any]:
    found: dict[str, Any] = {"subnet": subnet.subnet}
    if subnet.gateway:
        found["gateway"] = subnet.gateway
    if subnet.first:
        found["lease_range"] = {"start_ip": subnet.first, "end_ip": subnet.last}
    return found


def _moment(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 10**9)
    fraction = f".{rest:09d}".rstrip("0").rstrip(".")
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + fraction + "Z"
