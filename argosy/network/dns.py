"""Names on networks: a server of our own (`network.resolver`), which we start and feed.

<shared>/networks/dns/<network id>   the addresses that it listens on, whom it asks for other names (nothing: the host's
                                     servers, "-": nobody), then a line for each container
                      resolver.pid   written by it

One process answers for all networks of a network namespace.  It is told of a change by SIGHUP and never started again
for one; it ends when no network has a container left.
"""

from __future__ import annotations

import os
import sys

from argosy.errors import ArgosyError
from argosy.linux import files, locks, process
from argosy.network.resolver import NOBODY, PID_FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from argosy.network.model import Network
    from argosy.network.request import Attachment

_SIGHUP = 1
_START_S = 20.0
_SERVER = """import sys
sys.path.insert(0, sys.argv[1])
from argosy.network.resolver import server
sys.exit(server.main(*sys.argv[2:]))
"""


def directory(shared: str) -> str:
    """Where the server finds what it answers."""
    return f"{shared}/networks/dns"


def join(
    shared: str,
    network: Network,
    attachment: Attachment,
    container_id: str,
    names: Sequence[str],
    *,
    port: int,
    netns: str = "",
) -> int:
    """Let the container be found by `names` on the network, whose bridge is in the namespace `netns` ("": in ours).

    The pid of the server if it was started for this, else 0.  Raises ArgosyError when that fails.
    """
    place = directory(shared)
    files.make_directories(place)
    with _locked(place):
        lines = [line for line in _read(place, network.id)[1:] if not line.startswith(f"{container_id} ")]
        lines.append(_line(container_id, attachment, names))
        _write(place, network.id, [_head(network), *lines])
        pid = _running(place)
        if pid:
            os.kill(pid, _SIGHUP)
            return 0
        _start(place, port, netns)
        return _running(place)


def revive(shared: str, *, port: int, netns: str = "") -> None:
    """Start it where it has ended although there are containers to be found.  Raises as `join`."""
    place = directory(shared)
    if not os.path.isdir(place):
        return
    with _locked(place):
        if not _running(place) and _networks(place):
            _start(place, port, netns)


def has_ended(shared: str) -> bool:
    """Whether the server does not run although there are containers to be found."""
    place = directory(shared)
    return os.path.isdir(place) and bool(_networks(place)) and not _running(place)


def _networks(place: str) -> list[str]:
    """The networks on which somebody can be found; a name with a dot is no network's id."""
    return [name for name in os.listdir(place) if "." not in name]


def members(shared: str, network_id: str) -> list[str]:
    """The ids of the containers that can be found on the network."""
    if "." in network_id:
        return []
    return [line.partition(" ")[0] for line in _read(directory(shared), network_id)[1:]]


def update(shared: str, network: Network) -> None:
    """Take the network's other servers into account, if anybody is on it."""
    place = directory(shared)
    if not os.path.exists(f"{place}/{network.id}"):
        return
    with _locked(place):
        lines = _read(place, network.id)
        if lines:
            _write(place, network.id, [_head(network), *lines[1:]])
        pid = _running(place)
        if pid:
            os.kill(pid, _SIGHUP)


def _head(network: Network) -> str:
    gateways = ",".join(subnet.gateway for subnet in network.subnets if subnet.gateway)
    servers = NOBODY if network.internal else ",".join(network.dns_servers)
    return f"{gateways} {servers}".rstrip()


def leave(shared: str, network_id: str, container_id: str) -> None:
    """Forget the container on the network.  Idempotent."""
    place = directory(shared)
    if not os.path.exists(f"{place}/{network_id}"):
        return
    with _locked(place):
        head, *lines = _read(place, network_id) or [""]
        kept = [line for line in lines if not line.startswith(f"{container_id} ")]
        if kept == lines:
            return
        if kept:
            _write(place, network_id, [head, *kept])
        else:
            files.unlink_missing(f"{place}/{network_id}")
        pid = _running(place)
        if not pid:
            return
        if _networks(place):
            os.kill(pid, _SIGHUP)
        else:
            process.signal_process(pid, process.start_time(pid) or 0)
            files.unlink_missing(f"{place}/{PID_FILE}")


def _line(container_id: str, attachment: Attachment, names: Sequence[str]) -> str:
    addresses = [text.partition("/")[0] for text in attachment.addresses]
    four = ",".join(address for address in addresses if ":" not in address)
    six = ",".join(address for address in addresses if ":" in address)
    return f"{container_id} {four} {six} {','.join(dict.fromkeys(name.lower() for name in names))}"


def _start(place: str, port: int, netns: str) -> None:
    """It goes to the background when it is ready.  Raises ArgosyError with its words when it does not get there."""
    home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    words = [sys.executable, "-I", "-S", "-c", _SERVER, home, place, str(port), netns]
    done = process.run(words, check=False, timeout_s=_START_S)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise ArgosyError(
            "the server that answers for the names of containers does not start",
            details=said.rpartition("\n")[2] or f"exit status {done.returncode}",
            hint=f"another program may listen on port {port} (dns_bind_port in containers.conf), or give --disable-dns",
        )


def _running(place: str) -> int:
    """The pid of the process that serves this directory, 0 when none does."""
    from argosy.linux import procfs

    try:
        pid = int(files.read(f"{place}/{PID_FILE}", 32))
    except FileNotFoundError:
        return 0
    except ValueError:  # damaged: the process goes on holding the addresses
        return next(_serving(place), 0)
    words = procfs.arguments(pid)
    return pid if place in words and _SERVER in words else 0


def _serving(place: str) -> Iterator[int]:
    """The processes of our network namespace that serve this directory."""
    from argosy.linux import procfs

    ours = os.stat("/proc/self/ns/net").st_ino
    for pid, words in procfs.command_lines():
        if place in words and _SERVER in words and os.stat(f"/proc/{pid}/ns/net").st_ino == ours:
            yield pid


def _read(place: str, network_id: str) -> list[str]:
    try:
        return files.read(f"{place}/{network_id}").decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []


def _write(place: str, network_id: str, lines: Iterable[str]) -> None:
    files.write_atomic(f"{place}/{network_id}", "".join(f"{line}\n" for line in lines).encode())


def _locked(place: str) -> locks.Lock:
    lock = locks.acquire(place)
    assert lock is not None
    return lock
