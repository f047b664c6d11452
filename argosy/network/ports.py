"""Published ports: which address of the container each leads to, and sockets that keep everybody else off them.

Packets for a published port are sent on by the firewall before any socket sees them.  A socket is bound to the port
nevertheless, and handed to conmon, which lives as long as the container: so another program that wants the port is
told that it is taken, and we are told when it is.  Ours share their ports (SO_REUSEPORT), since the conmon of a
container that is being started again ends later than that; two containers are kept apart by the firewall's files, and
from a program that would share its port with us `_check_alone` keeps us.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, InUse
from argosy.network.firewall import Mapping
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_EADDRINUSE, _EACCES, _EMFILE = 98, 13, 24


class Published(Value):
    """A port of the host, on one of its addresses or on all (""), and the container's that it leads to."""

    protocol: str
    host_ip: str
    host_port: int
    container_port: int


def mappings(ports: Iterable[Published], addresses: Sequence[str]) -> tuple[Mapping, ...]:
    """For each port the address of the container that it leads to, of each family that the host's side has.

    `addresses` may have prefix lengths; the first one of a family counts.
    """
    found = []
    for port in ports:
        families = (":" in port.host_ip,) if port.host_ip else (False, True)
        for is_ipv6 in families:
            target = next((text.partition("/")[0] for text in addresses if (":" in text) == is_ipv6), "")
            if target:
                host_ip = port.host_ip if port.host_ip != "::" else ""
                found.append(Mapping(port.protocol, host_ip, port.host_port, target, port.container_port))
    return tuple(found)


def sockets(ports: Iterable[Published]) -> tuple[Mapping, ...]:
    """What `hold` is to bind for ports that lead to whatever address the container has."""
    return tuple(
        Mapping(port.protocol, port.host_ip, port.host_port, port.host_ip or "0.0.0.0", port.container_port)  # noqa: S104
        for port in ports
    )


def hold(wanted: Iterable[Mapping]) -> tuple[int, ...]:
    """Bind a socket to each port of the host: their descriptors, close-on-exec.

    Raises InUse, which says which program has the port; then none is bound.
    """
    held: list[int] = []
    try:
        for mapping in wanted:
            try:
                _check_alone(mapping)
                held.append(_bind(mapping.protocol, mapping.host_ip, mapping.host_port, ipv6=":" in mapping.address))
            except OSError as error:
                if mapping.protocol == "sctp" and error.errno not in (_EADDRINUSE, _EACCES):
                    continue  # this kernel has no SCTP of its own: nobody else can have the port
                raise _refused(mapping, error) from error
    except BaseException:
        release(held)
        raise
    return tuple(held)


def check(wanted: Iterable[Mapping]) -> None:
    """Raise as `hold` does, and bind nothing."""
    for mapping in wanted:
        release(hold((mapping,)))


def _check_alone(mapping: Mapping) -> None:
    """Raise OSError when a program that is no conmon has the port, even if it would share it."""
    try:
        ipv6 = ":" in mapping.address
        os.close(_bind(mapping.protocol, mapping.host_ip, mapping.host_port, ipv6=ipv6, shared=False))
    except OSError as error:
        if error.errno != _EADDRINUSE:
            raise
        from argosy.linux import socketowners

        owner = socketowners.owner(mapping.protocol, mapping.host_port)
        if owner and not owner.startswith("conmon "):
            raise


def release(held: Iterable[int]) -> None:
    """Close the sockets."""
    for fd in held:
        os.close(fd)


def free_port(protocol: str, host_ip: str, count: int = 1) -> int:
    """A port that is free now, with the ones after it where `count` are needed.  Raises ArgosyError."""
    for _ in range(64):
        fd = _bind(protocol if protocol != "sctp" else "tcp", host_ip, 0, ipv6=":" in host_ip)
        first = _port_of(fd)
        held = [fd]
        try:
            if first + count - 1 > 65535:
                continue
            for number in range(1, count):
                held.append(_bind(protocol, host_ip, first + number, ipv6=":" in host_ip))
        except OSError:
            continue
        finally:
            release(held)
        return first
    raise ArgosyError(
        f"cannot find {count} free {protocol} ports in a row", hint="name them with --publish HOST:CONTAINER"
    )


def _bind(protocol: str, host_ip: str, port: int, *, ipv6: bool, shared: bool = True) -> int:
    from _socket import (
        AF_INET,
        AF_INET6,
        IPPROTO_IPV6,
        IPV6_V6ONLY,
        SO_REUSEADDR,
        SO_REUSEPORT,
        SOCK_CLOEXEC,
        SOCK_DGRAM,
        SOCK_STREAM,
        SOL_SOCKET,
        socket,
    )

    kind = SOCK_DGRAM if protocol == "udp" else SOCK_STREAM
    made = socket(AF_INET6 if ipv6 else AF_INET, kind | SOCK_CLOEXEC, 132 if protocol == "sctp" else 0)
    try:
        if ipv6:
            made.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1)
        if port and shared:
            made.setsockopt(SOL_SOCKET, SO_REUSEPORT, 1)
        if protocol != "udp":
            made.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)  # connections that have ended are no users of the port
        made.bind((host_ip or ("::" if ipv6 else "0.0.0.0"), port))  # noqa: S104 -- all addresses were asked for
        if protocol != "udp":
            made.listen(1)  # until then the kernel lets others bind it as well
    except BaseException:
        made.close()
        raise
    return made.detach()


def _port_of(fd: int) -> int:
    from socket import socket

    kept = socket(fileno=fd)
    port = kept.getsockname()[1]
    kept.detach()
    return int(port)


def _refused(mapping: Mapping, error: OSError) -> ArgosyError:
    where = f"{mapping.host_ip or ('[::]' if ':' in mapping.address else '0.0.0.0')}:{mapping.host_port}"  # noqa: S104
    if error.errno == _EADDRINUSE:
        from argosy.linux import socketowners

        owner = socketowners.owner(mapping.protocol, mapping.host_port)
        failure = InUse("port", where, (owner,) if owner else ())
        failure.brief = f"cannot listen on the {mapping.protocol.upper()} port: {where}: address already in use"
        failure.details = f"{owner} has it" if owner else ""
        failure.exit_code = 126  # podman's
        failure.hint = "choose another port of the host with --publish"
        return failure
    if error.errno == _EACCES:
        return ArgosyError(
            f"cannot listen on the {mapping.protocol.upper()} port: {where}: permission denied",
            hint="ports below net.ipv4.ip_unprivileged_port_start are root's: choose a higher one",
        )
    hint = "publish fewer ports, or raise the limit of open files (ulimit -n)" if error.errno == _EMFILE else ""
    return ArgosyError(f"cannot listen on the {mapping.protocol.upper()} port: {where}: {error.strerror}", hint=hint)
