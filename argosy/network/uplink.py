"""The network namespace that a user's bridges are in: `<run>/netns/uplink`, which pasta or slirp4netns connects."""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Invalid
from argosy.linux import files, locks, process
from argosy.network import attach, firewall, ipam

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.network.request import NetworkRequest

NAME = "uplink"
_VISITORS = "visitors"  # locked, shared, by the processes that joined the namespace
NO_NETWORKS = (NAME, "firewall", "dns")  # the other directories beside those of leases


def path_in(run: str) -> str:
    """Where the namespace is, once it is made."""
    return f"{run}/netns/{NAME}"


def connected(request: NetworkRequest, *, joining: bool = False) -> str:
    """The path of the namespace that a user's bridges are in; made and connected where it is missing.

    Of the request counts what every container of this user shares.  It stays until `leave`.  With `joining` it is also
    used by this process, and by what it becomes and starts, for as long as one of them lives.
    """
    path, directory = path_in(request.run), f"{request.run}/networks/{NAME}"
    files.make_directories(directory)
    with locks.acquire(directory) or locks.Lock(-1, ""):
        if not _is_connected(path, directory):
            plain = request.replace(options=(), wishes=(), ports=())
            wanted = plain.replace(id=NAME, directory=directory, kind="private")
            pid = _connected_again(wanted)
            if not pid:
                attach.teardown(request.run, NAME, directory)
                pid = attach.setup(wanted).pid
            if pid:
                request.outlives(pid)
        if joining:
            _stay(directory)
    return path


def _stay(directory: str) -> None:
    visitors = locks.acquire(f"{directory}/{_VISITORS}", shared=True, create=True)
    if visitors is not None:
        os.set_inheritable(visitors.fd, True)


def _connected_again(wanted: NetworkRequest) -> int:
    """Let the program that has ended run again on the namespace, for the containers on bridges in it: its pid, or 0."""
    if not os.path.exists(wanted.netns) or not is_used(wanted.run):
        return 0
    try:
        record = attach.read(wanted.directory)
        if record is None or record.mode not in ("pasta", "slirp4netns"):
            return 0
        from argosy.network import pasta, slirp

        words = wanted.replace(kind=record.mode)
        pid = pasta.again(words) if record.mode == "pasta" else slirp.again(words)
    except (ArgosyError, OSError):
        return 0
    attach.write(wanted.directory, record.replace(pid=pid))
    return pid


def _is_connected(path: str, directory: str) -> bool:
    """Whether the namespace is there and the program that connects it lives."""
    try:
        record = attach.read(directory)
    except Invalid:
        return False
    if record is None or not os.path.exists(path):
        return False
    return record.pid == 0 or process.start_time(record.pid) is not None


def is_used(run: str) -> bool:
    """Whether anybody has an address on one of a user's bridges, or a process has joined their namespace."""
    try:
        visitors = locks.acquire(f"{run}/networks/{NAME}/{_VISITORS}", wait=False)
    except FileNotFoundError:
        pass
    else:
        if visitors is None:
            return True
        visitors.release()
    try:
        names = os.listdir(f"{run}/networks")
    except FileNotFoundError:
        return False
    return any(ipam.holders(run, name) for name in names if name not in NO_NETWORKS)


def leave(run: str) -> None:
    """Take the namespace of a user's bridges down when nobody uses it any more."""
    directory = f"{run}/networks/{NAME}"
    try:
        lock = locks.acquire(directory)
    except FileNotFoundError:
        return
    with lock or locks.Lock(-1, ""):
        if is_used(run):
            return
        attach.teardown(run, NAME, directory)
        files.remove_tree(firewall.directory(run))
