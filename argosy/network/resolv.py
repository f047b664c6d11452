"""The text of /etc/resolv.conf in a container.  Pure: reads and writes nothing."""

from __future__ import annotations

from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Resolver(Value):
    """resolv.conf(5): servers, search domains and options, in order.  `hidden` are servers that were left out."""

    servers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def text(self) -> str:
        """The file."""
        lines = []
        if self.search and self.search != (".",):
            lines.append("search " + " ".join(self.search))
        lines += [f"nameserver {server}" for server in self.servers]
        if self.options:
            lines.append("options " + " ".join(self.options))
        return "".join(f"{line}\n" for line in lines)


def parse_resolv(text: str) -> Resolver:
    """What resolv.conf(5) says; of several search or domain lines the last counts."""
    servers: list[str] = []
    search: tuple[str, ...] = ()
    options: list[str] = []
    for line in text.splitlines():
        words = line.split("#", 1)[0].split(";", 1)[0].split()
        if len(words) < 2:
            continue
        if words[0] == "nameserver":
            servers.append(words[1])
        elif words[0] in ("search", "domain"):
            search = tuple(words[1:])
        elif words[0] == "options":
            options += words[1:]
    return Resolver(tuple(servers), search, tuple(options))


def is_loopback(server: str) -> bool:
    """Whether a server is on the host itself, where no other network namespace reaches it."""
    return server.startswith(("127.", "::1%")) or server in ("::1", "localhost")


def only_loopback(resolver: Resolver) -> bool:
    """Whether every server is on the host itself: then a stub such as systemd-resolved knows the real ones."""
    return all(is_loopback(server) for server in resolver.servers)


def for_container(
    host: Resolver,
    *,
    forwarder: str = "",
    shared: bool = False,
    servers: Iterable[str] = (),
    search: Iterable[str] = (),
    options: Iterable[str] = (),
) -> Resolver:
    """The container's resolver.

    `forwarder` is an address in its network that passes questions on to the host's resolver; it comes first.  `shared`:
    the container is in the host's network, where servers on loopback work.  `servers`, `search` and `options` are
    the user's or those of containers.conf, which replace the host's (options are added).
    """
    own = tuple(servers)
    if not own:
        reachable = tuple(s for s in host.servers if shared or not is_loopback(s))
        own = ((forwarder,) if forwarder else ()) + tuple(s for s in reachable if s != forwarder)
    merged = tuple(dict.fromkeys((*host.options, *options)))
    return Resolver(own, tuple(search) or host.search, merged)


def changed(text: str, *, add: Iterable[str] = (), drop: Iterable[str] = (), domain: str = "") -> str:
    """The file with the servers of `add` before the others and without those of `drop`; all else stays as it is.

    `domain` is added to the search domains where it is not among them.
    """
    added, gone = tuple(dict.fromkeys(add)), frozenset(drop)
    servers = (*added, *(server for server in parse_resolv(text).servers if server not in gone and server not in added))
    lines = [line for line in text.splitlines() if line.split()[:1] != ["nameserver"]]
    search = parse_resolv(text).search
    if domain and domain not in search:
        lines = [line for line in lines if line.split()[:1] not in (["search"], ["domain"])]
        lines.insert(0, f"search {' '.join((*search, domain))}")
    return "".join(f"{line}\n" for line in (*lines, *(f"nameserver {server}" for server in servers)))
