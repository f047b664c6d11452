"""Other published ports for a container that is connected.

On root's bridges the firewall's elements and conmon's sockets are exchanged, and connections stay.  pasta and
slirp4netns listen on the ports that they were started with: they are ended and started again on the same namespace,
which ends the connections that pass through them.
"""

from __future__ import annotations

from argosy.errors import ArgosyError, Unsupported
from argosy.network import attach
from argosy.undo import Undo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.network.ports import Published
    from argosy.network.request import NetworkRecord, NetworkRequest


def change(request: NetworkRequest, wanted: tuple[Published, ...], conmon_pid: int) -> None:
    """Let `wanted` lead to the container in place of the ports of `request`.  All of it or nothing.

    Raises InUse for a port that somebody has, Unsupported for a protocol, ArgosyError where nothing can lead to it.
    """
    record = attach.read(request.directory)
    if record is None:
        raise ArgosyError(f"container {request.id[:12]} is not connected")
    after = request.replace(ports=wanted)
    if record.mode == "bridge" and not request.rootless:
        from argosy.network import bridged

        bridged.change_ports(after, record, conmon_pid)
        return
    if record.mode not in ("bridge", "pasta", "slirp4netns"):
        raise Unsupported(f"container {request.id[:12]} has no network that ports could lead to ({record.mode})")
    _check(request, after)
    with Undo() as undo:
        undo.push(lambda: _again(request, record))
        _again(after, record)
        undo.commit()


def _check(request: NetworkRequest, after: NetworkRequest) -> None:
    """Raise for a port that is new and cannot be had, before anything is ended."""
    from argosy.network import usermode

    new = tuple(port for port in after.ports if port not in request.ports)
    usermode.publish(request.replace(ports=new), lambda _port: (), "pasta", ("tcp", "udp"))


def _again(request: NetworkRequest, before: NetworkRecord) -> None:
    """End the program that has the ports and start it with those of `request`."""
    attach.end_connectors(request)
    if before.mode == "bridge":
        attach.write(request.directory, before.replace(pid=0, publishes=False))
        if request.ports:
            from argosy.network import rootless_ports

            rootless_ports.publish(request)
        return
    from argosy.network import pasta, slirp

    words = request.replace(kind=before.mode, options=request.options if request.kind == before.mode else ())
    pid = pasta.again(words) if before.mode == "pasta" else slirp.again(words)
    attach.write(request.directory, before.replace(pid=pid, publishes=bool(request.ports)))
