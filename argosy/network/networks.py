"""Networks as objects of the store: made, found, listed, removed.

<root>/networks/<id>/network.json    Network; the id is the SHA-256 of the name

The default network is always there and stands in no file.  All that make a network hold one lock, so that no two of
them choose the same subnet or device.
"""

from __future__ import annotations

import time

from argosy import jsontext
from argosy.errors import ArgosyError, Exists, Invalid, NotFound
from argosy.linux import files, locks
from argosy.network import model
from argosy.network.model import Network
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.network import plan
    from argosy.network.plan import CreateRequest
    from argosy.records.events import Log
    from argosy.records.shelf import Shelf

RECORD = "network.json"


class Listing(Value):
    """All networks by name, the default one among them; for each that could not be read its id and the error."""

    networks: tuple[Network, ...]
    damaged: tuple[tuple[str, str], ...] = ()


class Networks:
    """The networks of one store."""

    def __init__(
        self, shelf: Shelf, default: Network, pools: tuple[tuple[str, int], ...], events: Log | None = None
    ) -> None:
        self._shelf = shelf
        self.default = default
        self._pools = pools
        self._events = events

    def get(self, text: str) -> Network:
        """The network with this name, id or unambiguous beginning of an id.

        Raises NotFound, Invalid when several ids begin like this or the record is damaged.
        """
        network_id = self.id_of(text)
        return self.default if network_id == self.default.id else self._read(network_id)

    def id_of(self, text: str) -> str:
        """The id of that network, which need not be readable.  Raises NotFound, Invalid for several."""
        if text in (self.default.name, self.default.id):
            return self.default.id
        if self._shelf.exists(model.network_id(text)):
            return model.network_id(text)
        found = [network_id for network_id in (*self._shelf.ids(), self.default.id) if network_id.startswith(text)]
        if text and len(found) == 1:
            return found[0]
        if text and found:
            raise Invalid("network id", text, f"{len(found)} networks have ids that begin so")
        error = NotFound("network", text)
        error.brief = f"unable to find network with name or ID {text}: network not found"
        raise error

    def listing(self) -> Listing:
        """Every network, by name.  One that vanishes meanwhile is left out."""
        found, damaged = [self.default], []
        for network_id in self._shelf.ids():
            try:
                found.append(self._read(network_id))
            except NotFound:
                continue
            except Invalid as error:
                damaged.append((network_id, str(error)))
        return Listing(tuple(sorted(found, key=lambda network: network.name)), tuple(sorted(damaged)))

    def create(self, request: CreateRequest) -> Network:
        """Make a network, stable on disk before it can be seen.  Raises what `plan.planned` does."""
        from argosy.network import plan

        files.make_directories(self._shelf.directory)
        lock = locks.acquire(f"{self._shelf.directory}/.lock", create=True)
        assert lock is not None
        with lock:
            around = self._surroundings()
            network = plan.planned(request, around, time.time_ns())
            with self._shelf.stage(network.id) as staged:
                staged.write(RECORD, jsontext.encode(network.to_json()))
                try:
                    staged.commit(durable=True)
                except Exists:
                    raise _taken(network.name) from None
        self._tell("create", network)
        return network

    def update(self, network: Network) -> None:
        """Write a network whose servers of names were changed; the caller read it with the lock of `lock` held."""
        self._shelf.write(network.id, RECORD, jsontext.encode(network.to_json()), durable=True)

    def lock(self, network: Network) -> locks.Lock:
        """Hold others off from changing or removing the network.  Raises NotFound when it is gone."""
        return self._shelf.lock(network.id)

    def remove(self, network: Network) -> None:
        """Remove a network; who uses it is the caller's question.  Raises NotFound when it is gone already."""
        if network.id == self.default.id:
            raise ArgosyError(f"default network {network.name} cannot be removed")
        self.discard(network.id)
        self._tell("remove", network)

    def discard(self, network_id: str) -> None:
        """Remove the network of this id, whether or not it can be read.  Raises NotFound when it is gone already."""
        with self._shelf.lock(network_id):
            self._shelf.remove(network_id, durable=True)

    def _tell(self, status: str, network: Network) -> None:
        if self._events is not None:
            attributes = {"driver": network.driver, **network.labels}
            self._events.write("network", status, attributes=attributes, ID=network.id, Network=network.name)

    def _read(self, network_id: str) -> Network:
        data = jsontext.decode(self._shelf.read(network_id, RECORD), f"network {network_id}")
        return Network.from_json(data)

    def _surroundings(self) -> plan.Surroundings:
        """What is taken on this host.  A damaged network takes nothing: nobody knows what it had."""
        from _socket import AF_INET, AF_INET6

        from argosy.linux.netlink import Netlink
        from argosy.network import plan

        with Netlink() as net:
            routes = [route for family in (AF_INET, AF_INET6) for route in net.routes(family) if route.destination]
            links = net.links()
        return plan.Surroundings(
            networks=self.listing().networks,
            routed=tuple(f"{route.destination}/{route.prefix}" for route in routes),
            devices=tuple(link.name for link in links),
            bridges=tuple(link.name for link in links if link.kind == "bridge"),
            pools=self._pools,
        )


def _taken(name: str) -> Exists:
    error = Exists("network", name)
    error.brief = f"network name {name} already used: network already exists"
    return error
