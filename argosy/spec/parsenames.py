"""The text of the flags about name resolution and kernel parameters into values; see `spec.parse`."""

from __future__ import annotations

from argosy.spec.options import BadOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_GATEWAY = "host-gateway"
_LABEL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")
_SYSCTLS = frozenset(
    f"kernel.{name}" for name in ("msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced")
)
_SYSCTL_PREFIXES = ("net.", "fs.mqueue.")


def is_address(text: str) -> bool:
    """Whether `text` is an address of IPv4 or IPv6."""
    import ipaddress

    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def parse_add_host(text: str) -> str:
    """--add-host: NAME:ADDRESS, or NAME:host-gateway."""
    name, colon, address = text.partition(":")
    if not name or not colon:
        raise BadOption(f'bad format for add-host: "{text}"', hint="write NAME:ADDRESS")
    if set(name) & set(" \t\n#"):
        raise BadOption(f'bad format for add-host: "{text}"', hint="/etc/hosts has one word for a name")
    if address != _GATEWAY and not is_address(address):
        raise BadOption(f'invalid IP address in add-host: "{address}"', hint=f"an address, or {_GATEWAY}")
    return text


def parse_dns(items: Iterable[str]) -> tuple[str, ...]:
    """--dns: addresses, or "none" alone."""
    found = tuple(item for item in items if item)
    for item in found:
        if item == "none":
            if len(found) > 1:
                raise BadOption("none is not allowed to be specified with other DNS ip addresses")
        elif not is_address(item):
            raise BadOption(f"{item} is not an ip address", hint="see --dns")
    return found


def parse_search(text: str) -> str:
    """--dns-search: a domain, or "." for none."""
    if text in ("", "."):
        return text
    name = text.removesuffix(".")
    for label in name.split("."):
        if not label or len(label) > 63 or not _LABEL.issuperset(label) or "-" in (label[0], label[-1]):
            raise BadOption(f"{text} is not a valid domain", hint="see --dns-search")
    return text


def parse_dns_option(text: str) -> str:
    """--dns-option: one word for resolv.conf(5)."""
    if text.split() != [text]:
        raise BadOption(f'invalid --dns-option "{text}"', hint="one word, as in ndots:2")
    return text


def parse_sysctls(items: Iterable[str]) -> dict[str, str]:
    """--sysctl: NAME=VALUE, of those that belong to a container's namespaces."""
    found = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not equals:
            raise BadOption(f"{item} is invalid, sysctl values must be in the form of KEY=VALUE")
        if name != name.strip() or value != value.strip():
            raise BadOption(f"'{item}' is invalid, extra spaces found")
        if name not in _SYSCTLS and not name.startswith(_SYSCTL_PREFIXES):
            hint = (
                "a container has net.*, fs.mqueue.* and kernel's msg*, sem and shm* for itself; others are the host's"
            )
            raise BadOption(f"sysctl '{name}' is not allowed", hint=hint)
        found[name] = value
    return found
