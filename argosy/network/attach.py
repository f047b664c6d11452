"""Connecting a container to the network, and taking the connection down again.

A namespace that a program connects is a file under `<run>/netns/`, so that the program can start before the container
does.  Where the user asked for no particular way, they are tried in turn, pasta, slirp4netns, none, with one notice.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Invalid
from argosy.linux import files, namespaces, process
from argosy.network import hosts, resolv
from argosy.network.request import NetworkRecord, NetworkRequest, NetworkState, Unavailable, Wish, read, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "NetworkRecord",
    "NetworkRequest",
    "NetworkState",
    "Unavailable",
    "Wish",
    "read",
    "setup",
    "teardown",
    "write",
]

_TEXT_LIMIT = 1 << 20
_PROGRAMS = ("pasta", "slirp4netns", "passt")
_HOSTS = "/etc/hosts"
_RESOLV = "/etc/resolv.conf"
_RESOLVED = "/run/systemd/resolve/resolv.conf"  # the servers behind systemd-resolved's stub


def setup(request: NetworkRequest) -> NetworkState:
    """Connect the container.  Raises Invalid for options that make no sense, ArgosyError for what does not work.

    `<directory>/network.json` is there as soon as there is something to take down.
    """
    kind = request.kind
    if kind == "private" and request.conf.netns not in ("", "private", "bridge"):
        kind, _, target = request.conf.netns.partition(":")
        request = request.replace(kind=kind, target=request.target or target)
    ways = {
        "private": _best,
        "bridge": _bridged,
        "pasta": _user_mode,
        "slirp4netns": _user_mode,
        "none": _none,
        "host": _host,
        "container": _joined,
        "ns": _at_path,
    }
    if kind not in ways:
        raise Invalid("network", kind, "unknown mode", hint=", ".join(ways))
    return ways[kind](request)


def teardown(run: str, container_id: str, directory: str) -> None:
    """Let go of the container's namespace and end the program that connects it.  Idempotent.

    pasta ends by itself when the namespace's file goes, but only if it had come so far.
    """
    netns = f"{run}/netns/{container_id}"
    connectors = _connectors(directory, netns)
    ended = _watch(connectors, directory)
    _leave_bridges(run, container_id, directory)
    namespaces.remove_network(netns)
    for pid in connectors:
        process.signal_process(pid, process.start_time(pid) or 0)
    ended()


def end_connectors(request: NetworkRequest) -> None:
    """End the programs that connect the container, or lead ports to it, and wait until their ports are free."""
    from argosy.network import usermode

    connectors = _connectors(request.directory, request.netns)
    ended = usermode.watch(connectors)
    for pid in connectors:
        process.signal_process(pid, process.start_time(pid) or 0)
    ended()
    files.unlink_missing(f"{request.directory}/pasta.pid")


def _leave_bridges(run: str, container_id: str, directory: str) -> None:
    try:
        record = read(directory)
    except Invalid:
        record = None
    if record is not None and not record.shared:
        return
    from argosy.network import bridged

    if record is None:
        bridged.forget(run, container_id, directory)
    else:
        bridged.teardown(run, container_id, record)


def _watch(connectors: list[int], directory: str) -> Callable[[], None]:
    """What waits for the end of programs that have ports of the host: the container may be started again at once."""
    try:
        record = read(directory)
    except Invalid:
        record = None
    if not connectors or record is None or not record.publishes:
        return lambda: None
    from argosy.network import usermode

    return usermode.watch(connectors)


def _connectors(directory: str, netns: str) -> list[int]:
    """The programs that connect this namespace: pids that we wrote down and whose command line names it.

    Where the run directory was wiped, nothing is written down, and all processes are looked at.
    """
    if not os.path.isdir(directory):
        from argosy.linux import procfs

        return [pid for pid, _ in procfs.command_lines() if _serves(pid, netns)]
    candidates = []
    try:
        record = read(directory)
        candidates.append(record.pid if record else 0)
    except Invalid:
        pass
    try:
        candidates.append(int(files.read(f"{directory}/pasta.pid")))
    except (OSError, ValueError):
        pass
    return [pid for pid in dict.fromkeys(candidates) if pid > 1 and _serves(pid, netns)]


def _serves(pid: int, netns: str) -> bool:
    try:
        words = files.read(f"/proc/{pid}/cmdline", 1 << 20).split(b"\0")
    except OSError:
        return False
    return os.path.basename(os.fsdecode(words[0])).startswith(_PROGRAMS) and os.fsencode(netns) in words


def _best(request: NetworkRequest) -> NetworkState:
    """The first way that works here.

    For root the default network, for others pasta (or what containers.conf prefers); then slirp4netns, then nothing.
    """
    names = ["pasta", "slirp4netns"]
    if request.conf.default_rootless_network_cmd == "slirp4netns":
        names.reverse()
    if not request.rootless and request.wishes:
        names.insert(0, "bridge")
    failures = []
    for name in names:
        way = _bridged if name == "bridge" else _user_mode
        try:
            state = way(request.replace(kind=name, options=()))
        except Unavailable as error:
            failures.append(str(error))
            continue
        if failures:
            tell_once(request, name, f"{failures[0]}: using {name} (see `argosy doctor network`)")
        return state
    reasons = "; ".join(failures)
    way_out = "--network host shares the host's, and `argosy doctor network` tells how to get one"
    tell_once(request, "none", f"containers have no network: {reasons} ({way_out})")
    return _none(request)


def tell_once(request: NetworkRequest, key: str, text: str) -> None:
    """Say it once for each boot, not with every container."""
    try:
        files.make_directories(f"{request.run}/cache")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        os.close(os.open(f"{request.run}/cache/told-network-{key}", flags, 0o600))
    except FileExistsError:
        return
    request.notice(text)


def _user_mode(request: NetworkRequest) -> NetworkState:
    """A namespace of its own, connected by a program of the user's."""
    from argosy.network import pasta, slirp

    state = pasta.connect(request) if request.kind == "pasta" else slirp.connect(request)
    _record(request, state)
    return state


def _bridged(request: NetworkRequest) -> NetworkState:
    """The networks that were wished for, on bridges."""
    from argosy.network import bridged

    return bridged.connect(request)


def _none(request: NetworkRequest) -> NetworkState:
    gateway_named = any(entry.endswith(f":{hosts.GATEWAY}") for entry in request.add_hosts)
    internal = host_address() if gateway_named else ""  # nobody can reach it from in there
    state = NetworkState(mode="none", hosts=hosts_content(request, ("127.0.0.1",), internal))
    _record(request, state)
    return state


def _host(request: NetworkRequest) -> NetworkState:
    state = NetworkState(
        mode="host",
        host=True,
        resolv=resolv_content(request, shared=True),
        hosts=hosts_content(request, (), host_address()),
    )
    _record(request, state)
    return state


def _joined(request: NetworkRequest) -> NetworkState:
    """Another container's network, with that container's own resolv.conf and hosts as they are now."""
    path = f"/proc/{request.joined_pid}/ns/net"
    try:
        same = os.stat(path).st_ino == os.stat("/proc/self/ns/net").st_ino
    except FileNotFoundError:
        raise _ended(request) from None
    text = _of_container(request, _HOSTS)
    addresses, gateway = ((), "") if same else inside(path)
    state = NetworkState(
        mode="container",
        netns="" if same else path,
        host=same,
        addresses=addresses,
        gateway=gateway,
        resolv=_of_container(request, _RESOLV),
        hosts=None if text is None or request.no_hosts else lambda _hostname, _name: text,
    )
    _record(request, state)
    return state


def _of_container(request: NetworkRequest, path: str) -> str | None:
    """A text file as the other container sees it; None when it has none.  Raises ArgosyError when that has ended."""
    try:
        return _inside_root(f"/proc/{request.joined_pid}/root", path)
    except FileNotFoundError:
        raise _ended(request) from None


def _ended(request: NetworkRequest) -> ArgosyError:
    return ArgosyError(f"container {request.target} has ended meanwhile: its network cannot be joined")


def _inside_root(root: str, path: str) -> str | None:
    from argosy.linux import paths

    root_fd = paths.open_root(root)
    try:
        return paths.read_in_root(root_fd, path, _TEXT_LIMIT).decode("utf-8", "replace")
    except OSError:
        return None
    finally:
        os.close(root_fd)


def _at_path(request: NetworkRequest) -> NetworkState:
    """A network namespace that somebody else keeps at a path."""
    try:
        found = os.stat(request.target)
    except OSError as error:
        raise ArgosyError(
            f"cannot find specified network namespace path: stat {request.target}: {str(error.strerror).lower()}",
            hint="`ip netns` keeps its namespaces in /run/netns",
        ) from error
    if namespaces.kind_of(request.target) != "net":
        raise Invalid("network namespace", request.target, "this file is no network namespace")
    same = found.st_ino == os.stat("/proc/self/ns/net").st_ino
    try:
        addresses, gateway = ((), "") if same else inside(request.target)
    except OSError:
        addresses, gateway = (), ""  # it belongs to another user namespace: the runtime says so better
    state = NetworkState(
        mode="ns",
        netns=request.target,
        foreign=True,
        addresses=addresses,
        gateway=gateway,
        resolv=resolv_content(request),
        hosts=hosts_content(request, addresses or ("127.0.0.1",), host_address()),
    )
    _record(request, state)
    return state


def _record(request: NetworkRequest, state: NetworkState) -> None:
    write(
        request.directory,
        NetworkRecord(
            state.mode, state.netns, state.addresses, state.gateway, state.pid, publishes=bool(request.ports)
        ),
    )


def inside(netns: str) -> tuple[tuple[str, ...], str]:
    """Addresses (with prefix, IPv4 first, without loopback and link-local) and the gateway in a namespace."""
    from argosy.linux.netlink import Netlink

    with Netlink(netns) as link:
        found = [str(a) for a in link.addresses() if a.index != 1 and not a.address.startswith("fe80:")]
        gateways = [route.gateway for route in link.routes() if not route.destination and route.gateway]
    return tuple(sorted(found, key=lambda text: ":" in text)), gateways[0] if gateways else ""


def host_address(taken: frozenset[str] = frozenset()) -> str:
    """The host's address on its default route that the container does not have itself; "" when there is none."""
    from argosy.linux.netlink import Netlink

    with Netlink() as link:
        routes = [route for route in link.routes() if not route.destination]
        addresses = [a for a in link.addresses() if a.index != 1 and ":" not in a.address and a.address not in taken]
    preferred = [a.address for route in routes for a in addresses if a.index == route.index]
    return next(iter([*preferred, *(a.address for a in addresses)]), "")


def _text(path: str) -> str:
    try:
        return files.read(path, _TEXT_LIMIT).decode("utf-8", "replace")
    except OSError:
        return ""


def resolv_content(request: NetworkRequest, *, forwarder: str = "", shared: bool = False) -> str | None:
    """The content of /etc/resolv.conf; None where the image's own file stays (--dns=none)."""
    servers = request.dns or request.conf.dns_servers
    if "none" in servers:
        return None
    host = resolv.parse_resolv(_text(_RESOLV))
    if not shared and resolv.only_loopback(host) and os.path.exists(_RESOLVED):
        host = resolv.parse_resolv(_text(_RESOLVED)).replace(options=host.options)
    conf = request.conf
    made = resolv.for_container(
        host,
        forwarder=forwarder,
        shared=shared,
        servers=servers,
        search=request.dns_search or conf.dns_searches,
        options=request.dns_options or conf.dns_options,
    )
    return made.text()


def hosts_content(request: NetworkRequest, addresses: tuple[str, ...], internal: str = "") -> Callable[..., str] | None:
    """The function of NetworkState.hosts; None where the image's own file stays.

    `internal` is the host's address as the container reaches it, "" when it does not.
    """
    conf = request.conf
    if request.no_hosts:
        return None
    configured = conf.host_containers_internal_ip
    internal = "" if configured == "none" else configured or internal
    base, plain = _base_hosts(request), tuple(address.partition("/")[0] for address in addresses)

    def content(*names: str) -> str:
        extra = hosts.resolved(request.add_hosts, internal)
        return hosts.text(base, extra=extra, host_address=internal, addresses=plain, names=names)

    return content


def _base_hosts(request: NetworkRequest) -> str:
    """The file that base_hosts_file names: the host's where it says nothing, the image's, none, or one at a path."""
    wanted = request.conf.base_hosts_file
    if wanted == "none":
        return ""
    if wanted == "image":
        return _inside_root(request.rootfs, _HOSTS) or ""
    if wanted in ("", _HOSTS):
        return _text(_HOSTS)
    try:
        return files.read(wanted, _TEXT_LIMIT).decode("utf-8", "replace")
    except OSError as error:
        raise ArgosyError(
            f"failed to create new hosts file: open {wanted}: {str(error.strerror).lower()}",
            hint="correct base_hosts_file in containers.conf",
        ) from error
