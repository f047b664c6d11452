"""What pasta and slirp4netns have in common: they are found, need /dev/net/tun, and get a namespace to connect."""

from __future__ import annotations

import os

from argosy.errors import NotFound, Unsupported
from argosy.linux import files, namespaces, process
from argosy.network import attach
from argosy.network.attach import Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.network.attach import NetworkRequest
    from argosy.network.ports import Published

_TUN = "/dev/net/tun"
_END_MS = 1000


def program(request: NetworkRequest, name: str, package: str) -> str:
    """Where the program is: --network-cmd-path or network_cmd_path where that names it, else the host's."""
    for path in (request.command, request.conf.network_cmd_path):
        if path and os.path.basename(path) == name:
            found = process.find_program(path)
            if found is None:
                raise NotFound("program", path, hint=f"install {package}, or correct --network-cmd-path")
            return found
    found = process.find_program(name, (*request.conf.helper_binaries_dir, *process.PROGRAM_DIRECTORIES))
    if found is None:
        raise Unavailable(f"{name} is not installed", hint="see `argosy doctor network`")
    return found


def publish(
    request: NetworkRequest,
    words: Callable[[Published], tuple[str, ...]],
    name: str,
    protocols: tuple[str, ...],
) -> tuple[str, ...]:
    """What `words` gives for each published port, which must be free now: the program would only say that it failed.

    Raises Unsupported for a protocol that the program `name` does not forward, InUse for a port that somebody has.
    """
    if not request.ports:
        return ()
    from argosy.network import ports

    for port in request.ports:
        if port.protocol not in protocols:
            raise Unsupported(
                f"{name} cannot publish the port {port.host_port}/{port.protocol}",
                hint=f"it forwards {' and '.join(protocols)}: bridge networks of root forward all",
            )
    ports.check(ports.sockets(request.ports))
    return tuple(word for port in request.ports for word in words(port))


def watch(pids: list[int]) -> Callable[[], None]:
    """What waits until these processes, which are about to be ended, have let go of their ports; a second at most."""
    fds = []
    for pid in pids:
        try:
            fds.append(os.pidfd_open(pid))
        except ProcessLookupError:
            continue

    def wait() -> None:
        import select

        for fd in fds:
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            poll.poll(_END_MS)
            os.close(fd)

    return wait


def check_tun(name: str) -> None:
    """Raise Unavailable when we may not make the device that the program `name` needs."""
    try:
        os.close(os.open(_TUN, os.O_RDWR | os.O_CLOEXEC))
    except FileNotFoundError:
        reason = "there is no such device: load the module tun"
    except OSError as error:
        reason = f"{error.strerror}: root can allow it with chmod 0666 {_TUN}"
    else:
        return
    raise Unavailable(f"{name} cannot open {_TUN}", details=reason, hint="see `argosy doctor tun`")


def connected(request: NetworkRequest, start: Callable[[], int]) -> int:
    """Make the namespace and start the program on it: its pid.  Nothing is left of either when that fails."""
    files.make_directories(os.path.dirname(request.netns))
    namespaces.remove_network(request.netns)
    request.new_netns(request.netns)
    try:
        return start()
    except BaseException:
        attach.teardown(request.run, request.id, request.directory)
        raise
