"""Which container has which address, as files that one process alone can make.

<shared>/networks/<network id>/<address>   the run directory of the container that has the address
                               .last       the address given last in each subnet, so that one is not soon given again

`shared` belongs to all stores whose containers are on the same bridges (`shared_directory`).  A lease is made before
the device that bears the address, and goes after it.  One whose container has no run directory any more was left by a
killed process, and so was one that has stayed empty: `reap` takes it, as does who finds no free address.
"""

from __future__ import annotations

import os
import time
from _socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from argosy.errors import ArgosyError, InUse
from argosy.linux import files
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from argosy.network.model import Network, Subnet

_LAST = ".last"
_WRITING_S = 10.0  # after that nobody writes down any more whose the address is


class Lease(Value):
    """An address of a container, with the prefix length and the gateway of its subnet ("" for none)."""

    address: str
    prefix: int
    gateway: str = ""

    def __str__(self) -> str:
        return f"{self.address}/{self.prefix}"


def shared_directory(run: str, *, rootless: bool) -> str:
    """Where all stores keep what concerns the network namespace that the bridges are in.

    Root's bridges are in the host's, whatever the store.  Those of a user are in a namespace that belongs to the user
    namespace of one store.
    """
    return run if rootless else "/run/argosy"


def directory(shared: str, network_id: str) -> str:
    """Where the leases of a network are."""
    return f"{shared}/networks/{network_id}"


def lease(shared: str, network: Network, holder: str, wanted: Sequence[str] = ()) -> tuple[Lease, ...]:
    """An address of each subnet for the container with the run directory `holder`, those of `wanted` where they belong.

    A container that has leases already keeps none of them: `release` comes first.  Raises ArgosyError when a wanted
    address belongs to no subnet or no address is free, InUse when somebody else has it; then nothing is leased.
    """
    if network.ipam == "none":
        return ()
    place = directory(shared, network.id)
    files.make_directories(place)
    made: list[Lease] = []
    fixed = _by_subnet(network, wanted)
    try:
        for number, subnet in enumerate(network.subnets):
            address = fixed.get(number, "")
            if address:
                _take_back(place, address)
                _take(place, address, holder)
            else:
                address = _any(shared, place, network, number, holder)
            made.append(Lease(address, subnet.prefix, subnet.gateway))
    except BaseException:
        release(shared, network.id, (lease.address for lease in made))
        raise
    return tuple(made)


def release(shared: str, network_id: str, addresses: Iterable[str]) -> None:
    """Give addresses back.  Idempotent."""
    for address in addresses:
        files.unlink_missing(f"{directory(shared, network_id)}/{address}")


def holders(shared: str, network_id: str) -> dict[str, str]:
    """The run directory of the container that has each address that is leased; "" while that is being written down."""
    place, found = directory(shared, network_id), {}
    for address in _leased(place):
        found[address] = _content(f"{place}/{address}")
    return found


def reap(shared: str, network_id: str) -> list[str]:
    """Take back the addresses of containers that have no run directory; these addresses."""
    place = directory(shared, network_id)
    return [address for address in _leased(place) if _take_back(place, address)]


def is_lost(path: str, holder: str) -> bool:
    """Whether the lease at `path` was left by a killed process: `holder`, its content, is no directory."""
    if holder:
        return not os.path.isdir(holder)
    try:
        return time.time() - os.stat(path).st_mtime > _WRITING_S
    except FileNotFoundError:
        return False


def _take_back(place: str, address: str) -> bool:
    """Free an address that nobody has any more; whether it was one."""
    path = f"{place}/{address}"
    if not is_lost(path, _content(path)):
        return False
    files.unlink_missing(path)
    return True


def forget(shared: str, network_id: str) -> None:
    """Remove what is kept of a network that is gone, unless somebody has an address on one of the same name."""
    reap(shared, network_id)
    place = directory(shared, network_id)
    if not _leased(place):
        files.unlink_missing(f"{place}/{_LAST}")
        try:
            os.rmdir(place)
        except OSError:
            pass  # it was never there, or an address has been given meanwhile


def _by_subnet(network: Network, wanted: Sequence[str]) -> dict[int, str]:
    """Each wanted address, in its shortest form, by the number of the subnet that it belongs to."""
    found: dict[int, str] = {}
    for text in wanted:
        family, address_bytes = packed(text)
        inside = [
            number
            for number, subnet in enumerate(network.subnets)
            if subnet.is_ipv6 == (family == AF_INET6) and _contains(subnet, int.from_bytes(address_bytes, "big"))
        ]
        if not inside:
            raise ArgosyError(
                f"requested static ip {text} not in any subnet on network {network.name}",
                hint="; ".join(subnet.subnet for subnet in network.subnets) or "the network has no subnets",
            )
        address = inet_ntop(family, address_bytes)
        _check_single(text, network.subnets[inside[0]])
        if address == network.subnets[inside[0]].gateway:
            raise ArgosyError(f"requested static ip {text} is the gateway of network {network.name}")
        for name, reserved in network.subnets[inside[0]].reserved.items():
            if address == reserved:
                raise ArgosyError(f"requested static ip {text} is reserved for {name} on network {network.name}")
        found[inside[0]] = address
    return found


def _check_single(text: str, subnet: Subnet) -> None:
    """Raise ArgosyError for an address that means the subnet, or everybody in it."""
    first, last = _bounds(subnet)
    value = int.from_bytes(packed(text)[1], "big")
    if last - first > 1 and (value == first or (value == last and not subnet.is_ipv6)):
        what = "address of the subnet itself" if value == first else "broadcast address"
        raise ArgosyError(f"requested static ip {text} is the {what}: {subnet.subnet}", hint="choose one in between")


def packed(text: str) -> tuple[int, bytes]:
    """The family and the bytes of an address.  Raises ArgosyError for what is none."""
    family = AF_INET6 if ":" in text else AF_INET
    try:
        return family, inet_pton(family, text)
    except (OSError, ValueError):
        raise ArgosyError(f'"{text}" is not an ip address') from None


def _bounds(subnet: Subnet) -> tuple[int, int]:
    """The number of the first address of the subnet and that of the last."""
    _, address = packed(subnet.subnet.partition("/")[0])
    first, free = int.from_bytes(address, "big"), len(address) * 8 - subnet.prefix
    return first, first + (1 << free) - 1


def _contains(subnet: Subnet, number: int) -> bool:
    first, last = _bounds(subnet)
    return first <= number <= last


def _usable(subnet: Subnet) -> tuple[int, int]:
    """Between which addresses containers get theirs: all but those that mean the subnet or everybody in it."""
    first, last = _bounds(subnet)
    if last - first > 1:
        first, last = first + 1, last if subnet.is_ipv6 else last - 1
    if subnet.first:
        first = max(first, int.from_bytes(packed(subnet.first)[1], "big"))
    if subnet.last:
        last = min(last, int.from_bytes(packed(subnet.last)[1], "big"))
    return first, last


def _any(shared: str, place: str, network: Network, number: int, holder: str) -> str:
    """The next free address of the subnet, after the one that was given last."""
    subnet = network.subnets[number]
    for attempt in range(2):
        taken = {*_leased(place), subnet.gateway, *subnet.reserved.values()}
        for address in _candidates(subnet, _last(place).get(str(number), "")):
            if address in taken:
                continue
            try:
                _take(place, address, holder)
            except InUse:
                continue
            _remember(place, str(number), address)
            return address
        if attempt == 0 and not reap(shared, network.id):
            break
    first, last = (_text(subnet, value) for value in _usable(subnet))
    raise ArgosyError(
        f"failed to find free IP in range: {first} - {last}", hint=f"all addresses of network {network.name} are in use"
    )


def _candidates(subnet: Subnet, last_given: str) -> Iterator[str]:
    """All usable addresses, once around, beginning behind `last_given`."""
    first, last = _usable(subnet)
    start = int.from_bytes(packed(last_given)[1], "big") + 1 if last_given else first
    if not first <= start <= last:
        start = first
    for value in range(start, last + 1):
        yield _text(subnet, value)
    for value in range(first, start):
        yield _text(subnet, value)


def _text(subnet: Subnet, value: int) -> str:
    if subnet.is_ipv6:
        return inet_ntop(AF_INET6, value.to_bytes(16, "big"))
    return inet_ntop(AF_INET, value.to_bytes(4, "big"))


def _leased(place: str) -> list[str]:
    try:
        return [name for name in os.listdir(place) if name[0] != "."]
    except FileNotFoundError:
        return []


def _take(place: str, address: str, holder: str) -> None:
    """Make the lease.  Raises InUse, with the container that has the address."""
    path = f"{place}/{address}"
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        owner = os.path.basename(_content(path))
        error = InUse("address", address, (owner,))
        error.brief = f"requested ip address {address} is already allocated to container ID {owner}"
        raise error from None
    try:
        os.write(fd, holder.encode())
    except BaseException:
        os.unlink(path)
        raise
    finally:
        os.close(fd)


def _content(path: str) -> str:
    try:
        return files.read(path, 4096).decode(errors="replace")
    except FileNotFoundError:
        return ""


def _last(place: str) -> dict[str, str]:
    """The address given last in each subnet, by its number; nothing where that cannot be told."""
    try:
        lines = files.read(f"{place}/{_LAST}", 4096).decode("ascii", "replace").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition(" ") for line in lines)
    return {number: address for number, _, address in pairs if _is_address(address)}


def _is_address(text: str) -> bool:
    try:
        packed(text)
    except ArgosyError:
        return False
    return True


def _remember(place: str, number: str, address: str) -> None:
    """Two at once may forget one of their addresses: it is then given again a little sooner."""
    lines = {**_last(place), number: address}
    text = "".join(f"{key} {value}\n" for key, value in lines.items())
    files.write_atomic(f"{place}/{_LAST}", text.encode())
