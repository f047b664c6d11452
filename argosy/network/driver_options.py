"""The options of a network's driver (`-o KEY=VALUE`): podman's, and docker's names for the same.

Pure.  Raises ArgosyError in podman's words for what is none or has no sense.
"""

from __future__ import annotations

from argosy.errors import ArgosyError, Unsupported
from argosy.network.model import BRIDGE, IPVLAN, MACVLAN, TRUE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_MACVLAN_MODES = ("bridge", "private", "vepa", "passthru")
_IPVLAN_MODES = ("l2", "l3", "l3s")
_DOCKER_NAMES = {
    "com.docker.network.driver.mtu": "mtu",
    "com.docker.network.bridge.name": "interface_name",
    "macvlan_mode": "mode",
    "ipvlan_mode": "mode",
}
_YES = ("true", *TRUE)
# docker's options whose only possible value is what is so in any case.
_DOCKER_FIXED: dict[str, tuple[str, ...]] = {
    "com.docker.network.bridge.enable_icc": _YES,
    "com.docker.network.bridge.enable_ip_masquerade": _YES,
    "com.docker.network.bridge.gateway_mode_ipv4": ("nat",),
    "com.docker.network.bridge.gateway_mode_ipv6": ("nat",),
    "com.docker.network.bridge.host_binding_ipv4": ("0.0.0.0",),  # noqa: S104 -- all addresses
    "com.docker.network.bridge.inhibit_ipv4": ("false", "0"),
    "com.docker.network.container_iface_prefix": ("eth",),
    "com.docker.network.enable_ipv4": _YES,
}


def checked(driver: str, given: Mapping[str, str], interface: str) -> tuple[dict[str, str], str]:
    """The options that stay, and the device that one of them names in place of `interface`."""
    options = {}
    for name, value in given.items():
        key = _DOCKER_NAMES.get(name, name)
        if key == ("interface_name" if driver == BRIDGE else "parent"):
            interface = value
        elif key in _CHECKS[driver]:
            _CHECKS[driver][key](key, value)
            options[key] = value
        elif driver == BRIDGE and name in _DOCKER_FIXED:
            if value not in _DOCKER_FIXED[name]:
                raise Unsupported(
                    f"network option {name}={value} is not supported", hint=f"{_DOCKER_FIXED[name][0]} is what is done"
                )
        else:
            hint = f"choose {', '.join(sorted(_CHECKS[driver]))}"
            raise ArgosyError(f"unsupported {driver} network option {name}", hint=hint)
    return options, interface


def _check_number(low: int, high: int, words: str) -> Callable[[str, str], None]:
    def check(key: str, value: str) -> None:
        if not value:
            return
        try:
            number = int(value)
        except ValueError:
            raise ArgosyError(f'strconv.Atoi: parsing "{value}": invalid syntax', hint=f"{key} is a number") from None
        if not low <= number <= high:
            raise ArgosyError(words.format(number=number))

    return check


def _check_isolate(_key: str, value: str) -> None:
    if value != "strict":
        _check_bool(_key, value)


def _check_bool(_key: str, value: str) -> None:
    if value not in (*TRUE, "0", "f", "F", "false", "FALSE", "False"):
        raise ArgosyError(f'strconv.ParseBool: parsing "{value}": invalid syntax', hint="give true or false")


def _check_mode(driver: str, modes: Sequence[str]) -> Callable[[str, str], None]:
    def check(_key: str, value: str) -> None:
        if value not in modes:
            raise ArgosyError(f'unknown {driver} mode "{value}"', hint=f"choose {', '.join(modes)}")

    return check


_COMMON: dict[str, Callable[[str, str], None]] = {
    "mtu": _check_number(0, 65535, "mtu {number} must be between 0 and 65535"),
    "metric": _check_number(1, (1 << 32) - 1, "metric {number} must be between 1 and 4294967295"),
    "no_default_route": _check_bool,
}
_CHECKS: dict[str, dict[str, Callable[[str, str], None]]] = {
    BRIDGE: {
        **_COMMON,
        "isolate": _check_isolate,
        "vlan": _check_number(0, 4094, "vlan ID {number} must be between 0 and 4094"),
    },
    MACVLAN: {**_COMMON, "mode": _check_mode(MACVLAN, _MACVLAN_MODES)},
    IPVLAN: {**_COMMON, "mode": _check_mode(IPVLAN, _IPVLAN_MODES)},
}
