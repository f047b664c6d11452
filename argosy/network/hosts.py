"""The text of /etc/hosts in a container.  Pure: reads and writes nothing."""

from __future__ import annotations

from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# The host, as podman has it, and as docker does.
HOST_NAMES = ("host.containers.internal", "host.docker.internal")
GATEWAY = "host-gateway"  # stands for the host's address in --add-host


def text(
    base: str,
    *,
    extra: Iterable[tuple[str, str]] = (),
    host_address: str = "",
    addresses: Iterable[str] = (),
    names: Iterable[str] = (),
) -> str:
    """The file: `extra` (address and name), `base`, then localhost, the host and the container, as far as unnamed.

    Whatever name the user or the base file gives an address keeps it.
    """
    entries = [*((address, (name,)) for address, name in extra), *_entries(base)]
    known = {name for _, given in entries for name in given}
    own = tuple(dict.fromkeys(name for name in names if name))
    ours: list[tuple[str, tuple[str, ...]]] = [("127.0.0.1", ("localhost",)), ("::1", ("localhost",))]
    if host_address:
        ours.append((host_address, HOST_NAMES))
    ours += [(address, own) for address in addresses]
    for address, given in ours:
        free = tuple(name for name in given if name not in known)
        if free:
            entries.append((address, free))
    return "".join(f"{address}\t{' '.join(given)}\n" for address, given in entries)


def _entries(base: str) -> list[tuple[str, tuple[str, ...]]]:
    """Address and names of each line, without comments."""
    lines = (line.split("#", 1)[0].split() for line in base.splitlines())
    return [(words[0], tuple(words[1:])) for words in lines if len(words) > 1]


def resolved(entries: Iterable[str], host_address: str) -> list[tuple[str, str]]:
    """--add-host's NAME:ADDRESS as address and name, `host_address` for host-gateway.

    Raises ArgosyError where the container cannot reach the host.
    """
    found = []
    for entry in entries:
        name, _, address = entry.partition(":")
        if address == GATEWAY:
            if not host_address:
                why = f'unable to replace "{GATEWAY}" of host entry "{entry}"'
                raise ArgosyError(
                    f"{why}: host containers internal IP address is empty",
                    hint="set host_containers_internal_ip in containers.conf, or name an address",
                )
            address = host_address
        found.append((address, name))
    return found
