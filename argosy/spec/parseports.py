"""--publish and --expose: `[[ADDRESS:]PORT[-PORT]:]PORT[-PORT][/PROTOCOL]`.  Messages are podman's."""

from __future__ import annotations

from argosy.spec.options import BadOption, PortMapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

PROTOCOLS = ("tcp", "udp", "sctp")
ANY_ADDRESS = "0.0.0.0"  # noqa: S104 -- all addresses, whatever containers.conf says
_LARGEST = 65535
_FORMAT = "invalid port format - format is [[hostIP:]hostPort:]containerPort"


def parse_published(items: Iterable[str]) -> tuple[PortMapping, ...]:
    """--publish.  A `host_port` of 0 is to be any that is free."""
    return tuple(_published(item) for item in items if item)


def parse_exposed(items: Iterable[str]) -> tuple[str, ...]:
    """--expose, each port as PORT/PROTOCOL."""
    found: dict[str, None] = {}
    for item in items:
        numbers, _, protocol = item.partition("/")
        first, last = (
            _exposed_port(item, number) for number in (numbers.partition("-")[0], numbers.rpartition("-")[2])
        )
        if last < first:
            raise BadOption(f"invalid range format for --expose: {item}: the end is before the start")
        protocol = _protocol(protocol or "tcp", f"validating protocols for exposed port {first}: ")
        found.update(dict.fromkeys(f"{port}/{protocol}" for port in range(first, last + 1)))
    return tuple(found)


def _published(item: str) -> PortMapping:
    text, _, protocol = item.partition("/")
    protocol = _protocol(protocol or "tcp")
    address, rest = _address(text)
    host, _, container = rest.rpartition(":")
    if ":" in host:
        raise BadOption(_FORMAT, hint="write an IPv6 address in brackets: [::1]:8080:80")
    first, count = _range(container, "container")
    host_first, host_count = (0, count) if not host else _range(host, "host")
    if host_count != count:
        raise BadOption(f"host and container port ranges have different lengths: {host_count} vs {count}")
    return PortMapping(first, host_first, host_ip=address, protocol=protocol, range=count)


def _address(text: str) -> tuple[str, str]:
    """The host's address ("" for all) and the ports behind it."""
    if text.startswith("["):
        address, bracket, rest = text[1:].partition("]")
        if not bracket or not rest.startswith(":"):
            raise BadOption(_FORMAT)
        return _ip(address), rest[1:]
    words = text.split(":")
    if len(words) > 3:
        raise BadOption(_FORMAT, hint="write an IPv6 address in brackets: [::1]:8080:80")
    if len(words) < 3:
        return "", text.removeprefix(":")
    return _ip(words[0]), ":".join(words[1:])


def _ip(text: str) -> str:
    from ipaddress import ip_address

    if not text:
        return ""
    try:
        return str(ip_address(text))
    except ValueError:
        raise BadOption(f'cannot parse "{text}" as an IP address') from None


def _protocol(text: str, before: str = "") -> str:
    names = [name.lower() for name in text.split(",")]
    for name in names:
        if name not in PROTOCOLS:
            raise BadOption(
                f'{before}unrecognized protocol "{name}" in port mapping', hint=f"choose {', '.join(PROTOCOLS)}"
            )
    return ",".join(dict.fromkeys(names))


def _range(text: str, side: str) -> tuple[int, int]:
    """The first port and how many there are."""
    first_text, dash, last_text = text.partition("-")
    if not first_text and dash:
        raise BadOption(f"parsing {side} port: port numbers cannot be negative")
    first = _port(first_text, side)
    last = _port(last_text, side) if dash else first
    if dash and last <= first:
        raise BadOption(
            f"parsing {side} port: the end port of a range must be higher than the start port - "
            f"{last} is not higher than {first}"
        )
    return first, last - first + 1


def _port(text: str, side: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise BadOption(f'parsing {side} port: invalid port number: strconv.Atoi: parsing "{text}": invalid syntax')
    if not 1 <= int(text[:9]) <= _LARGEST:
        raise BadOption(
            f"parsing {side} port: port numbers must be between 1 and 65535 (inclusive), got {text.lstrip('0') or 0}"
        )
    return int(text)


def _exposed_port(item: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise BadOption(
            f'invalid range format for --expose: {item}: strconv.ParseUint: parsing "{text}": invalid syntax'
        )
    if not 1 <= int(text[:9]) <= _LARGEST:
        raise BadOption(f"invalid port {text} in --expose {item}: it is not between 1 and 65535")
    return int(text)
