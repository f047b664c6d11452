"""The flags of `docker run` and `docker create` that podman does not have."""

from __future__ import annotations

from argosy.errors import Unsupported
from argosy.spec.options import BadOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from argosy.cli.podman._container_table import CreateFlags
    from argosy.engine import Engine

_WITHOUT_LINKS = ("host", "none")
_LONGEST_DOMAIN = 64  # of the kernel (__NEW_UTS_LEN)


def read(flags: CreateFlags) -> dict[str, Any]:
    """Those that were given, as fields of ContainerOptions.  Raises BadOption, or Unsupported."""
    if (flags.isolation or "default").lower() != "default":
        raise BadOption(
            f"invalid isolation '{flags.isolation}' on linux", hint="the namespaces of --pid, --ipc, --uts isolate here"
        )
    if flags.volume_driver not in (None, "", "local"):
        raise BadOption(f'plugin "{flags.volume_driver}" not found', hint="the one volume driver is local")
    if flags.use_api_socket:
        raise Unsupported("--use-api-socket: no daemon listens on a socket that a container could be given")
    if flags.link_local_ip:
        raise Unsupported("--link-local-ip is not supported", hint="give --ip an address of the network's subnets")
    if flags.link and (flags.network or [""])[-1] in _WITHOUT_LINKS:
        raise BadOption("conflicting options: host type networking can't be used with links", hint="leave out --link")
    domain = flags.domainname or ""
    if len(domain.encode()) > _LONGEST_DOMAIN or any(char.isspace() or not char.isprintable() for char in domain):
        raise BadOption(f"invalid domain name {domain!r}", hint=f"give at most {_LONGEST_DOMAIN} bytes, and no blanks")
    return {"domainname": domain}


def links(engine: Engine, texts: Iterable[str]) -> tuple[str, ...]:
    """--link NAME[:ALIAS] as ID:ALIAS.  Raises NotFound for a container that there is not, BadOption."""
    from argosy.cli.podman import _each

    found = []
    for text in texts:
        name, _, alias = text.partition(":")
        if not name or ":" in alias or any(char.isspace() for char in alias):
            raise BadOption(f"bad format for links: {text}", hint="write NAME, or NAME:ALIAS")
        found.append(f"{_each.find(engine, name.removeprefix('/'))}:{alias or name.removeprefix('/')}")
    return tuple(found)
