"""--network for bridge networks, and the flags that say how the container is to be on them.  Messages are podman's."""

from __future__ import annotations

from argosy.spec.options import BadOption, NetworkMode, NetworkUse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_OTHER_MODES = ("none", "host", "private", "default", "slirp4netns", "pasta", "container", "ns", "")
_KEYS = {"ip": "addresses", "ip6": "addresses", "mac": "mac", "alias": "aliases", "interface_name": "interface"}


def parse_networks(items: Sequence[str]) -> NetworkMode:
    """`NAME[:OPTION=VALUE,...]` for each network, or names with commas between; `bridge` is the default one."""
    uses: dict[str, NetworkUse] = {}
    for item in items:
        if ":" not in item and "," in item:
            for name in item.split(","):
                uses.setdefault(name, NetworkUse(_checked(name)))
            continue
        name, _, options = item.partition(":")
        uses[name] = _use(_checked(name), options)
    return NetworkMode("bridge", networks=tuple(uses.values()))


def with_flags(
    mode: NetworkMode | None, *, ip: str | None, ip6: str | None, mac: str | None, aliases: Sequence[str]
) -> NetworkMode:
    """The mode with --ip, --ip6, --mac-address and --network-alias, which only fit one network.

    Where no network was named they go to the default one.
    """
    given = {"ip": ip, "ip6": ip6, "mac-address": mac, "network-alias": tuple(aliases) or None}
    flag = next((name for name, value in given.items() if value is not None), "")
    mode = mode or NetworkMode("bridge", networks=(NetworkUse("bridge"),))
    if not flag:
        return mode
    if mode.kind == "private":
        mode = NetworkMode("bridge", networks=(NetworkUse("bridge"),))
    if mode.kind != "bridge":
        raise BadOption(f"--{flag} can only be set when the network mode is bridge: invalid argument")
    if len(mode.networks) > 1 and flag != "network-alias":
        raise BadOption(
            f"--{flag} can only be set for a single network: invalid argument",
            hint="give it behind the network's name: --network NAME:ip=ADDRESS",
        )
    addresses = tuple(_address(text) for text in (ip, ip6) if text)
    return mode.replace(
        networks=tuple(
            use.replace(
                addresses=addresses or use.addresses,
                mac=_mac(mac) if mac else use.mac,
                aliases=(*use.aliases, *map(_alias, aliases)),
            )
            for use in mode.networks
        )
    )


def _checked(name: str) -> str:
    if name in _OTHER_MODES:
        raise BadOption(
            f"can only set extra network names, selected mode {name or 'default'} conflicts with bridge: "
            "invalid argument",
            hint="give --network once, or only names of networks",
        )
    return name


def _use(name: str, options: str) -> NetworkUse:
    found = NetworkUse(name)
    for option in filter(None, options.split(",")):
        key, equals, value = option.partition("=")
        if key not in _KEYS:
            raise BadOption(
                f"invalid option for network {name}: unknown bridge network option: {key}",
                hint=f"choose {', '.join(_KEYS)}",
            )
        if not equals or not value:
            raise BadOption(f"invalid option for network {name}: {key} needs a value", hint=f"{key}=VALUE")
        if _KEYS[key] == "addresses":
            found = found.replace(addresses=(*found.addresses, _address(value)))
        elif key == "alias":
            found = found.replace(aliases=(*found.aliases, _alias(value)))
        elif key == "mac":
            found = found.replace(mac=_mac(value))
        else:
            found = found.replace(interface=_device(value))
    return found


def _address(text: str) -> str:
    from ipaddress import ip_address

    try:
        return str(ip_address(text))
    except ValueError:
        raise BadOption(f'"{text}" is not an ip address') from None


def _mac(text: str) -> str:
    words = text.lower().replace("-", ":").split(":")
    digits = frozenset("0123456789abcdef")
    if len(words) != 6 or any(len(word) != 2 or not digits.issuperset(word) for word in words):
        raise BadOption(f"address {text}: invalid MAC address", hint="such as 92:d0:c6:0a:29:33")
    if int(words[0], 16) & 1:
        raise BadOption(f"address {text}: this is a multicast MAC address", hint="the first byte must be even")
    return ":".join(words)


def _alias(text: str) -> str:
    """A name that others ask for: letters, digits, dots, hyphens and underscores (a name of DNS is no more)."""
    allowed = text.replace(".", "").replace("-", "").replace("_", "")
    if not (allowed.isascii() and allowed.isalnum()) or len(text) > 253:
        raise BadOption(f'invalid network alias "{text}"', hint="letters, digits, dots, hyphens and underscores")
    return text


def _device(text: str) -> str:
    if not 0 < len(text.encode()) < 16 or any(character.isspace() or character in "/:%" for character in text):
        raise BadOption(
            f'invalid interface name "{text}"', hint="1 to 15 characters without blanks, slashes, colons and %"
        )
    return text
