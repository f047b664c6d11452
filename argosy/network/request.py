"""What a container asks of the network, what it got, and the file that says what there is to take down."""

from __future__ import annotations

from argosy import jsontext
from argosy.config.containers import ContainersConf
from argosy.errors import ArgosyError
from argosy.linux import files, namespaces
from argosy.records import shelf
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ClassVar

    from argosy.network.model import Network
    from argosy.network.ports import Published

STATE_FILE = "network.json"


class Attachment(Value):
    """How a container is connected to one network.

    `interface` is the device in the container, `addresses` have their prefix lengths and `gateways` stand beside them,
    "" where there is none.  `aliases` are the names that others on the network find it by, besides its own.
    """

    network: str
    network_id: str
    interface: str
    driver: str = "bridge"
    bridge: str = ""
    mac: str = ""
    addresses: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


class Wish(Value):
    """A network that a container wants to be on, with what it wants to be there; "" and () leave it to us."""

    network: Network
    addresses: tuple[str, ...] = ()
    mac: str = ""
    aliases: tuple[str, ...] = ()
    interface: str = ""
    names: tuple[str, ...] = ()  # all that others find it by, aliases among them


class NetworkRequest(Value):
    """What a container asks for.

    `kind` is "private" (the best that this host has), "bridge" (the networks of `wishes`), "host", "none", "container",
    "ns", "pasta" or "slirp4netns".
    `target` is the namespace's path for "ns", `joined_pid` the first process of the container to join, `options` what
    stood behind the colon.  `directory` is the container's run directory, `command` the path of --network-cmd-path.
    """

    id: str
    kind: str
    run: str
    directory: str
    rootless: bool
    notice: Callable[[str], None]
    target: str = ""
    options: tuple[str, ...] = ()
    joined_pid: int = 0
    conf: ContainersConf = ContainersConf()
    command: str = ""
    rootfs: str = ""  # the container's root, for base_hosts_file = "image"
    no_hosts: bool = False
    wishes: tuple[Wish, ...] = ()
    ports: tuple[Published, ...] = ()
    add_hosts: tuple[str, ...] = ()  # NAME:ADDRESS or NAME:host-gateway
    dns: tuple[str, ...] = ()  # addresses, or "none" alone: the image's own resolv.conf
    dns_search: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    new_netns: Callable[[str], None] = namespaces.new_network  # makes the namespace, for its user namespace
    outlives: Callable[[int], None] = lambda _pid: None  # told of a process that was begun for this and for others

    @property
    def netns(self) -> str:
        """Where a namespace of this container's own is, when a program connects it."""
        return f"{self.run}/netns/{self.id}"


class NetworkRecord(Value):
    """network.json in the container's run directory: what `inspect` shows and what `teardown` takes down.

    `addresses` have their prefix lengths; `pid` is the program that connects the namespace, 0 when none does.
    `attachments` are its places on bridges, whose leases and rules are below `shared` (`ipam.shared_directory`), and
    `uplink` says that the bridges are in a namespace of the user's.  `publishes`: the program has ports of the host.
    `keeper`: see `keeping.numbers`.
    """

    mode: str
    netns: str = ""
    addresses: tuple[str, ...] = ()
    gateway: str = ""
    pid: int = 0
    attachments: tuple[Attachment, ...] = ()
    shared: str = ""
    uplink: bool = False
    publishes: bool = False
    keeper: tuple[int, ...] = ()

    _nested: ClassVar[dict[str, type[Value]]] = {"attachments": Attachment}


class NetworkState(Value):
    """What a container got.

    `netns` is the namespace to join; with "" the runtime makes one, or takes the host's where `host` is true.
    `foreign` says that it may belong to another user namespace.  `held` are descriptors that conmon is to keep open,
    and ours to close.  `resolv` is the content of /etc/resolv.conf, `hosts` gives that of /etc/hosts for a host name
    and a container name; None where the image's own file stays.
    """

    mode: str
    netns: str = ""
    host: bool = False
    foreign: bool = False
    addresses: tuple[str, ...] = ()
    gateway: str = ""
    pid: int = 0
    attachments: tuple[Attachment, ...] = ()
    held: tuple[int, ...] = ()
    resolv: str | None = None
    hosts: Callable[..., str] | None = None


class Unavailable(ArgosyError):
    """One way to connect a container does not work on this host; the next may."""


def read(directory: str) -> NetworkRecord | None:
    """The record in a container's run directory; None when it is not connected (any more)."""
    try:
        text = shelf.read_sealed(f"{directory}/{STATE_FILE}", STATE_FILE)
    except FileNotFoundError:
        return None
    return NetworkRecord.from_json(jsontext.decode(text, f"{directory}/{STATE_FILE}"))


def write(directory: str, record: NetworkRecord) -> None:
    """Put the record into a container's run directory, in place of the one that is there."""
    files.write_atomic(f"{directory}/{STATE_FILE}", shelf.seal(jsontext.encode(record.to_json())))
