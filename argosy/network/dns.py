"""Names on networks: aardvark-dns(1), which we start and feed.

<shared>/networks/dns/<network id>   the addresses that it listens on, then a line for each container
                      aardvark.pid   written by it

One process answers for all networks of a network namespace.  It is told of a change by SIGHUP and never started again
for one; it ends by itself when no network has a container left.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError
from argosy.linux import files, locks, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from argosy.network.model import Network
    from argosy.network.request import Attachment

DOMAIN = "dns.podman"  # as the peers have it
_PID = "aardvark.pid"
_PLACES = ("/usr/lib/podman", "/usr/libexec/podman", "/usr/local/lib/podman", "/usr/local/libexec/podman")
_SIGHUP = 1
_START_S = 20.0


def directory(shared: str) -> str:
    """Where aardvark-dns finds what it answers."""
    return f"{shared}/networks/dns"


def find(helper_directories: Iterable[str]) -> str | None:
    """Where the program is, None when it is not installed."""
    return process.find_program("aardvark-dns", (*helper_directories, *_PLACES, *process.PROGRAM_DIRECTORIES))


def join(
    shared: str,
    network: Network,
    attachment: Attachment,
    container_id: str,
    names: Sequence[str],
    *,
    program: str,
    port: int,
) -> None:
    """Let the container be found by `names` on the network.

    In the network namespace that the thread is in.  Raises ArgosyError when the program cannot be started.
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
        else:
            _start(place, program, port)


def revive(shared: str, *, program: str, port: int) -> None:
    """Start it where it has ended although there are containers to be found.  Raises as `join`."""
    place = directory(shared)
    if not os.path.isdir(place):
        return
    with _locked(place):
        if not _running(place) and any(name != _PID for name in os.listdir(place)):
            _start(place, program, port)


def members(shared: str, network_id: str) -> list[str]:
    """The ids of the containers that can be found on the network."""
    return [line.partition(" ")[0] for line in _read(directory(shared), network_id)[1:]] if network_id != _PID else []


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
    """Where it listens, and whom it asks for other names ("" for the host's servers)."""
    gateways = ",".join(subnet.gateway for subnet in network.subnets if subnet.gateway)
    return f"{gateways} {','.join(network.dns_servers)}".rstrip()


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
        if any(name != _PID for name in os.listdir(place)):
            os.kill(pid, _SIGHUP)
        else:
            process.signal_process(pid, process.start_time(pid) or 0)
            files.unlink_missing(f"{place}/{_PID}")


def _line(container_id: str, attachment: Attachment, names: Sequence[str]) -> str:
    addresses = [text.partition("/")[0] for text in attachment.addresses]
    four = ",".join(address for address in addresses if ":" not in address)
    six = ",".join(address for address in addresses if ":" in address)
    return f"{container_id} {four} {six} {','.join(dict.fromkeys(name.lower() for name in names))}"


def _start(place: str, program: str, port: int) -> None:
    """It goes to the background when it is ready.  Raises ArgosyError with its words when it does not get there."""
    done = process.run([program, "--config", place, "-p", str(port), "run"], check=False, timeout_s=_START_S)
    if done.returncode or not _running(place):
        said = done.stderr.decode("utf-8", "replace").strip()
        raise ArgosyError(
            "aardvark-dns, which answers for the names of containers, does not start",
            details=said or f"exit status {done.returncode}",
            hint="another program may listen on port 53 (dns_bind_port in containers.conf), or give --disable-dns",
        )


def _running(place: str) -> int:
    """The pid of the process that serves this directory, 0 when none does."""
    try:
        pid = int(files.read(f"{place}/{_PID}", 32))
        words = files.read(f"/proc/{pid}/cmdline", 1 << 16).split(b"\0")
    except (OSError, ValueError):
        return 0
    return pid if os.fsencode(place) in words else 0


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
