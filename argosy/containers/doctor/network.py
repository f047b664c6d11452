"""Checks of networks, and of what a registry needs of this host."""

from __future__ import annotations

from argosy.containers.doctor.advice import BAD, GOOD, LESS, Advice, install

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.containers.doctor.facts import Facts

_TUN = "/dev/net/tun"
_DAY_S = 86400
_CONNECTORS = ("pasta", "slirp4netns")


def network(facts: Facts) -> Iterator[Advice]:
    """The program that connects the containers of users."""
    found = [name for name in _CONNECTORS if name in facts.programs]
    if not found:
        cost = "containers have the networks host and none alone"
        yield Advice("network", LESS, "neither pasta nor slirp4netns is installed", cost, install(facts, "pasta"))
    elif "pasta" not in found:
        cost = "slirp4netns is slower, and hides the addresses of clients"
        yield Advice("network", LESS, "pasta is not installed", cost, install(facts, "pasta"))
    else:
        yield Advice("network", GOOD, facts.programs["pasta"])


def tun(facts: Facts) -> Iterator[Advice]:
    """The device by which pasta and slirp4netns connect a namespace."""
    problem = facts.devices.get(_TUN, "")
    if not problem:
        yield Advice("tun", GOOD, _TUN)
        return
    remedy = f"as root: chmod 0666 {_TUN}" if problem == "Permission denied" else "as root: modprobe tun"
    if facts.container:
        remedy = f"start the container around us with --device {_TUN}"
    yield Advice("tun", LESS, f"{_TUN}: {problem}", "containers have the networks host and none alone", remedy)


def nft(facts: Facts) -> Iterator[Advice]:
    """nftables, for bridges and published ports."""
    if "nft" in facts.programs:
        yield Advice("nft", GOOD, facts.programs["nft"])
    else:
        cost = "networks of the driver bridge have no address translation and no published ports"
        yield Advice("nft", LESS, "nft is not installed", cost, install(facts, "nft"))


def dns(facts: Facts) -> Iterator[Advice]:
    """Name servers."""
    if facts.nameservers:
        yield Advice("dns", GOOD, f"name servers: {', '.join(facts.nameservers)}")
    else:
        cost = "registries are not found by name, nor is anything by containers"
        remedy = (
            "as root: name a server in /etc/resolv.conf; for containers alone: --dns, or dns_servers in containers.conf"
        )
        yield Advice("dns", LESS, "/etc/resolv.conf names no server", cost, remedy)


def clock(facts: Facts) -> Iterator[Advice]:
    """Whether the clock is certainly wrong: it says a time before this program was written to this disk."""
    if facts.now_s >= facts.written_s - _DAY_S:
        yield Advice("clock", GOOD, "the clock is not behind the files of this program")
        return
    days = int((facts.written_s - facts.now_s) // _DAY_S)
    cost = "certificates of registries are not valid yet, and images seem to come from the future"
    remedy = "as root: timedatectl set-ntp true, or date --set"
    yield Advice("clock", BAD, f"the clock is {days} days behind the files of this program", cost, remedy)


def certificates(facts: Facts) -> Iterator[Advice]:
    """The authorities that registries are judged by."""
    if facts.certificates:
        yield Advice("certificates", GOOD, facts.certificates)
    else:
        text, cost = "there is no bundle of certificate authorities", "no public registry is trusted"
        yield Advice("certificates", LESS, text, cost, install(facts, "ca-certificates"))
