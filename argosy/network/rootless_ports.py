"""Ports of the host that lead to a container on bridges of a user, who has no firewall of the host to lead them.

One more pasta (else slirp4netns) is joined to the container's own namespace.  What comes in by it has the address of
its device, `ADDRESSES`, and what is answered from there goes back by it, whatever the default route: so the server
sees where a client comes from.  It ends with the namespace, or by `attach.teardown`, which finds it as any other.
"""

from __future__ import annotations

from argosy.linux import files, netdevices
from argosy.linux.netlink import Netlink
from argosy.network import attach, pasta, slirp, usermode
from argosy.network.request import NetworkRecord, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from argosy.network.request import NetworkRequest

DEVICE = "ports0"
ADDRESSES = ("169.254.77.2/30", "fd00:a9fe:4d::2/64")
_GATEWAYS = ("169.254.77.1", "fd00:a9fe:4d::1")
_MAC = "8a:a0:a9:fe:4d:02"
_MTU = 65520
_TABLE = 77
# slirp4netns has the address with the number 100 for who is behind it, and the second for itself.
_SLIRP = slirp.SlirpOptions(cidr="169.254.77.0/24", enable_ipv6=False)


def publish(request: NetworkRequest) -> None:
    """Lead the ports of `request` to the container, whose namespace is there, and write down which process does.

    Raises InUse for a port that somebody has, Unsupported for a protocol that cannot be led, Unavailable.
    """
    record = attach.read(request.directory) or NetworkRecord("bridge", request.netns)
    attach.write(request.directory, record.replace(publishes=True))
    ways = [_pasta, _slirp]
    if request.conf.default_rootless_network_cmd == "slirp4netns":
        ways.reverse()
    try:
        pid = ways[0](request)
    except Unavailable:
        pid = ways[1](request)
    attach.write(request.directory, record.replace(publishes=True, pid=pid))


def _pasta(request: NetworkRequest) -> int:
    ports = usermode.publish(request, pasta.port_words, "pasta", ("tcp", "udp"))
    program = usermode.program(request, "pasta", "passt")
    usermode.check_tun("pasta")
    options = ["--ns-ifname", DEVICE, "--ns-mac-addr", _MAC]
    for address, gateway in zip(ADDRESSES, _GATEWAYS, strict=True):
        options += ["--address", address.partition("/")[0], "--gateway", gateway]
    pid_file = f"{request.directory}/{pasta.PID_FILE}"
    words = pasta.argv(program, request.netns, pid_file, (*options, *ports))
    words.remove("--config-net")  # it would take the default route for itself
    pid = pasta.start(words, pid_file)
    _configure(request.netns, DEVICE, ADDRESSES, _GATEWAYS)
    return pid


def _slirp(request: NetworkRequest) -> int:
    usermode.publish(request, lambda _port: (), "slirp4netns", ("tcp", "udp"))
    program = usermode.program(request, "slirp4netns", "slirp4netns")
    usermode.check_tun("slirp4netns")
    files.unlink_missing(f"{request.directory}/{slirp.API_SOCKET}")
    words = slirp.argv(program, request.netns, _SLIRP, with_api=True)
    words.remove("--configure")
    words[-1] = DEVICE
    pid = slirp.start(words, request, _SLIRP)
    _configure(request.netns, DEVICE, (f"{_SLIRP.address(100)}/24",), (_SLIRP.address(2),))
    return pid


def _configure(netns: str, device: str, addresses: Sequence[str], gateways: Sequence[str]) -> None:
    """Give the device its addresses, and a table of routes for what is sent from them."""
    with Netlink(netns) as there:
        index = there.link(device).index
        netdevices.set_mtu(there, index, _MTU)
        there.set_up(index)
        for address, gateway in zip(addresses, gateways, strict=True):
            try:
                there.add_address(index, address)
            except OSError:
                if ":" in address:
                    continue  # a host without IPv6
                raise
            there.add_route("default", gateway, index, table=_TABLE)
            try:
                there.add_rule(address.partition("/")[0], _TABLE)
            except FileExistsError:
                continue  # the ports have been changed: another had them before
