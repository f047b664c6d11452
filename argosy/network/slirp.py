"""slirp4netns(1): a private IPv4 network of its own for a namespace, through sockets of this user.

It stays until it is killed: `teardown` finds it by its pid and its command line.
"""

from __future__ import annotations

import os
import select

from argosy.errors import ArgosyError, Invalid
from argosy.linux import files, process
from argosy.network import attach, usermode
from argosy.network.attach import NetworkState, Unavailable
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from argosy.network.attach import NetworkRequest
    from argosy.network.ports import Published

DEVICE = "tap0"
_START_S = 20.0
_READY_FD = 3
API_SOCKET = "slirp.sock"
_NAMES = "allow_host_loopback, cidr, enable_ipv6, mtu, outbound_addr, outbound_addr6"


class SlirpOptions(Value):
    """What may stand behind `slirp4netns:`, as podman has it."""

    allow_host_loopback: bool = False
    cidr: str = "10.0.2.0/24"
    enable_ipv6: bool = True
    mtu: int = 65520
    outbound_addr: str = ""
    outbound_addr6: str = ""

    def address(self, number: int) -> str:
        """The address with this number in the network: 2 is the gateway, 3 the resolver, 100 the container."""
        base, _, prefix = self.cidr.partition("/")
        value = int.from_bytes(bytes(int(part) for part in base.split(".")), "big")
        value = (value >> (32 - int(prefix)) << (32 - int(prefix))) + number
        return ".".join(str(byte) for byte in value.to_bytes(4, "big"))


def parse(options: Sequence[str]) -> SlirpOptions:
    """The options' values.  Raises Invalid for an unknown one or a wrong value."""
    fields: dict[str, Any] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if name not in SlirpOptions.__annotations__ or not equals:
            raise Invalid("slirp4netns option", option, "unknown option for slirp4netns", hint=f"it takes {_NAMES}")
        if name in ("allow_host_loopback", "enable_ipv6"):
            if value not in ("true", "false"):
                raise Invalid("slirp4netns option", option, "it takes true or false")
            fields[name] = value == "true"
        elif name == "mtu":
            if not value.isdecimal() or not 68 <= int(value) <= 65521:
                raise Invalid("slirp4netns option", option, "an MTU is a number from 68 to 65521")
            fields[name] = int(value)
        else:
            if name == "cidr" and not _is_network(value):
                raise Invalid("slirp4netns option", option, "not an IPv4 network with room for 101 addresses")
            fields[name] = value
    return SlirpOptions(**fields)


def _is_network(text: str) -> bool:
    base, slash, prefix = text.partition("/")
    parts = base.split(".")
    numbers = len(parts) == 4 and all(part.isdecimal() and int(part) < 256 for part in parts)
    return bool(slash) and numbers and prefix.isdecimal() and 8 <= int(prefix) <= 25


def argv(program: str, netns: str, options: SlirpOptions, *, with_api: bool = False) -> list[str]:
    """The argument vector; the descriptor `_READY_FD` tells when the network is there.

    `with_api`: it listens on `API_SOCKET` where it starts (the path of a socket has 107 bytes at most).
    """
    words = [program, "--configure", f"--mtu={options.mtu}", f"--cidr={options.cidr}"]
    words += ["--enable-sandbox", "--enable-seccomp"]
    if not options.allow_host_loopback:
        words.append("--disable-host-loopback")
    if options.enable_ipv6:
        words.append("--enable-ipv6")
    if options.outbound_addr:
        words.append(f"--outbound-addr={options.outbound_addr}")
    if options.outbound_addr6:
        words.append(f"--outbound-addr6={options.outbound_addr6}")
    if with_api:
        words.append(f"--api-socket={API_SOCKET}")
    return [*words, f"--ready-fd={_READY_FD}", "--netns-type=path", netns, DEVICE]


def connect(request: NetworkRequest) -> NetworkState:
    """Connect a container.  Raises Invalid for wrong options, Unavailable when it does not work on this host."""
    options = parse((*request.conf.network_cmd_options, *request.options))
    words = _words(request, options)
    pid = usermode.connected(request, lambda: start(words, request, options))
    addresses = (f"{options.address(100)}/{options.cidr.partition('/')[2]}",)
    return NetworkState(
        mode="slirp4netns",
        netns=request.netns,
        addresses=addresses,
        gateway=options.address(2),
        pid=pid,
        resolv=attach.resolv_content(request, forwarder=options.address(3)),
        hosts=attach.hosts_content(request, addresses, attach.host_address()),
    )


def again(request: NetworkRequest) -> int:
    """Start it on the namespace that is there, where another has ended: its pid.  Raises as `connect`."""
    options = parse((*request.conf.network_cmd_options, *request.options))
    files.unlink_missing(f"{request.directory}/{API_SOCKET}")
    return start(_words(request, options), request, options)


def _words(request: NetworkRequest, options: SlirpOptions) -> list[str]:
    program = usermode.program(request, "slirp4netns", "slirp4netns")
    usermode.check_tun("slirp4netns")
    usermode.publish(request, lambda _port: (), "slirp4netns", ("tcp", "udp"))
    return argv(program, request.netns, options, with_api=bool(request.ports))


def start(words: list[str], request: NetworkRequest, options: SlirpOptions) -> int:
    """Start it and let it listen on the ports of `request`: its pid.  Raises Unavailable, ArgosyError."""
    pid = _start(words, request.directory)
    try:
        _forward(f"{request.directory}/{API_SOCKET}", request.ports, options.address(100))
    except BaseException:
        os.kill(pid, 9)
        process.wait(pid)
        raise
    return pid


def _forward(path: str, ports: Sequence[Published], address: str) -> None:
    """Let slirp4netns listen on the ports of the host, by its API socket: slirp4netns(1), add_hostfwd."""
    from argosy import jsontext
    from argosy.linux import sockets

    for port in ports:
        arguments = {
            "proto": port.protocol,
            "host_addr": port.host_ip or "0.0.0.0",  # noqa: S104 -- all addresses were asked for
            "host_port": port.host_port,
            "guest_addr": address,
            "guest_port": port.container_port,
        }
        connection = sockets.connect(path)
        try:
            connection.settimeout(_START_S)
            connection.sendall(jsontext.encode({"execute": "add_hostfwd", "arguments": arguments}))
            connection.shutdown(1)  # SHUT_WR: nothing more comes
            answer = jsontext.decode(connection.recv(8192), "answer of slirp4netns")
        finally:
            connection.close()
        if "error" in answer:
            why = answer["error"].get("desc", "it did not say why")
            raise ArgosyError(f"slirp4netns cannot publish port {port.host_port}/{port.protocol}", details=str(why))


def _start(words: list[str], directory: str) -> int:
    """Start it and wait until the namespace is connected: its pid."""
    log = os.memfd_create("argosy-slirp4netns")
    ready, child_ready = os.pipe2(os.O_CLOEXEC)
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        fds = {0: null, 1: null, 2: log, _READY_FD: child_ready}
        pid = process.spawn(words, fds=fds, setsid=True, directory=directory)
        os.close(child_ready)
        child_ready = -1
        if not _is_ready(ready):
            os.kill(pid, 9)
            process.wait(pid)
            said = os.pread(log, 8192, 0).decode("utf-8", "replace").strip()
            raise Unavailable("slirp4netns cannot connect the container", details=said)
        return pid
    finally:
        for fd in (log, ready, child_ready, null):
            if fd >= 0:
                os.close(fd)


def _is_ready(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(_START_S * 1000)) and os.read(fd, 1) == b"1"
