"""Networks on bridges: who reaches whom, published ports, what is refused, and that nothing stays."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from argosy.network import dns, ipam
from tests.integration.test_resolver import other_server
from tests.rig import host
from tests.rig.program import Program

pytestmark = [host.needs_program("nft"), pytest.mark.usefixtures("busybox")]

# busybox's nc has no -z.
AWAIT = "for i in $(seq 200); do nc -w 1 127.0.0.1 80 </dev/null 2>/dev/null && exit; sleep 0.05; done; exit 1"
SERVE = "echo served-by-$HOSTNAME >/index.html; httpd -f -vv -h / -p 80"


@pytest.fixture
def rooted(argosy: Program) -> Program:
    """Root's bridges are in the host's namespace: what is tested here reaches them from there."""
    if not host.is_root():
        pytest.skip("needs root")
    return argosy


@pytest.fixture
def bridged(argosy_both: Program) -> Iterator[Program]:
    """A program with the network `one`; it and all that the test made are removed at the end."""
    if argosy_both.user and not host.can_use_tun():
        pytest.skip("/dev/net/tun cannot be opened")
    argosy_both.run("network", "create", "one")
    yield argosy_both
    argosy_both.run("rm", "-fa", "-t", "0")
    argosy_both.run("network", "prune", "-f")


def address(program: Program, name: str, network: str = "") -> str:
    networks = program.run("inspect", name).json()[0]["NetworkSettings"]["Networks"]
    return str(networks[network or next(iter(networks))]["IPAddress"])


def serve(program: Program, name: str, *flags: str) -> None:
    program.run("run", "-d", "--name", name, "--hostname", name, *flags, "busybox", "sh", "-c", SERVE)
    program.run("exec", name, "sh", "-c", AWAIT)


def fetch(program: Program, target: str, *flags: str) -> str:
    """What a container with `flags` gets from `target`; nc, as busybox's static wget is not sure to resolve names."""
    script = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 {target} 80 | tail -n 1"
    return program.run("run", "--rm", *flags, "busybox", "sh", "-c", script, check=False).stdout.strip()


def get(port: int, address: str = "127.0.0.1") -> bytes:
    with socket.create_connection((address, port), 5) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while block := connection.recv(4096):
            answer += block
    return answer.splitlines()[-1]


def own_address() -> str:
    """The host's address on its default route, "" where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.77", 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def test_containers_of_a_network_reach_each_other_and_those_of_others_are_kept_out(bridged: Program) -> None:
    bridged.run("network", "create", "shut", "--internal")
    serve(bridged, "web", "--network", "one")
    serve(bridged, "vault", "--network", "shut")
    assert fetch(bridged, address(bridged, "web"), "--network", "one") == "served-by-web"
    assert fetch(bridged, address(bridged, "vault"), "--network", "shut") == "served-by-vault"
    assert fetch(bridged, address(bridged, "vault"), "--network", "one") == ""
    assert fetch(bridged, address(bridged, "vault"), "--network", "one", "--network", "shut") == "served-by-vault"


def test_what_a_container_asks_for_it_gets(bridged: Program) -> None:
    bridged.run(
        "network", "create", "two", "--subnet", "10.213.7.0/24", "--subnet", "fd00:213:7::/64", "-o", "mtu=1300"
    )
    flags = ("--network", "two:ip=10.213.7.77,mac=92:d0:c6:0a:29:33,interface_name=inner,alias=x", "--network", "one")
    shown = bridged.run(
        "run", "--rm", "--name", "it", *flags, "busybox", "sh", "-c", "ip addr; ip route; ip -6 route"
    ).stdout
    assert "10.213.7.77/24" in shown
    assert "fd00:213:7::2/64" in shown
    assert "92:d0:c6:0a:29:33" in shown
    assert "inner@" in shown
    assert "eth0@" in shown
    assert "mtu 1300" in shown
    assert shown.count("default via 10.") == 1
    assert "default via 10.213.7.1 dev inner" in shown
    assert "default via fd00:213:7::1 dev inner" in shown


def test_containers_find_each_other_by_name(bridged: Program) -> None:
    bridged.run("network", "create", "two")
    identity = bridged.run(
        "run", "-d", "--name", "Web", "--network", "one:alias=shop", "--network", "two", "busybox", "sleep", "1000"
    ).stdout.strip()
    found = bridged.run("inspect", "Web").json()[0]["NetworkSettings"]["Networks"]
    asked = ("web", "shop", identity[:12], "web.dns.podman", "WEB")
    script = "cat /etc/resolv.conf; for name in " + " ".join(asked) + "; do nslookup -type=a $name 2>&1; done"
    script += f"; nslookup {found['one']['IPAddress']}"
    said = bridged.run("run", "--rm", "--network", "one", "busybox", "sh", "-c", script, check=False).stdout
    assert "search dns.podman" in said or " dns.podman" in said
    assert said.count(f"Address: {found['one']['IPAddress']}\n") == len(asked), said
    assert "name = web\n" in said, "the name behind the address"
    script = "nslookup -type=a web; nslookup -type=a shop"
    said = bridged.run("run", "--rm", "--network", "two", "busybox", "sh", "-c", script, check=False).stdout
    assert said.count(f"Address: {found['two']['IPAddress']}\n") == 1, "an alias is a name on its network alone"
    shared = ipam.shared_directory(bridged.runroot, rootless=bool(bridged.user))
    resolver = Path(dns.directory(shared), "resolver.pid").read_text()
    conmon = bridged.run("inspect", "Web").json()[0]["State"]["ConmonPid"]
    groups = [Path(f"/proc/{pid}/cgroup").read_text() for pid in (resolver, conmon)]
    assert groups[0] == groups[1], "it outlives the session of the command that began it"
    bridged.run("rm", "-f", "-t", "0", "Web")
    said = bridged.run("run", "--rm", "--network", "one", "busybox", "nslookup", "-type=a", "web", check=False).stdout
    assert f"Address: {found['one']['IPAddress']}\n" not in said


@host.needs_root
def test_a_server_on_the_hosts_loopback_is_asked_for_other_names(bridged: Program) -> None:
    """As systemd-resolved's is; from a user's bridges too, which are in another network namespace."""
    address = f"127.0.77.{1 + bridged.rootless}"
    other_server(address)
    bridged.run("network", "create", "--dns", address, "asking")
    bridged.run("network", "create", "--dns", address, "--internal", "shut")
    for network, wanted in (("asking", True), ("shut", False)):
        words = ("run", "--rm", "--network", network, "busybox", "nslookup", "-type=a", "example.org")
        assert (f"Address: {address}\n" in bridged.run(*words, check=False).stdout) is wanted
    bridged.run("network", "rm", "asking", "shut")


def test_a_container_is_connected_and_disconnected_while_it_runs_and_stays_so(bridged: Program) -> None:
    bridged.run("network", "create", "two", "--subnet", "10.215.7.0/24")
    serve(bridged, "web", "--network", "one")
    bridged.run("network", "connect", "--ip", "10.215.7.99", "--alias", "shop", "two", "web")
    assert fetch(bridged, "10.215.7.99", "--network", "two") == "served-by-web"
    assert "already connected" in bridged.run("network", "connect", "two", "web", check=125).stderr
    bridged.run("network", "disconnect", "one", "web")
    assert bridged.run("exec", "web", "ls", "/sys/class/net").lines == ["eth1", "lo"]
    assert "is not connected" in bridged.run("network", "disconnect", "one", "web", check=125).stderr
    bridged.run("restart", "-t", "0", "web")
    networks = bridged.run("inspect", "web").json()[0]["NetworkSettings"]["Networks"]
    assert list(networks) == ["two"]
    assert bridged.run("ps", "-q", "--filter", "network=one").stdout == ""
    assert bridged.run("ps", "--format", "{{.Names}}", "--filter", "network=two").lines == ["web"]
    assert bridged.run("inspect", "--format", "{{.name}}", "two").lines == ["two"]
    assert networks["two"]["IPAddress"] == "10.215.7.99"
    assert networks["two"]["Aliases"][0] == "shop"
    assert "network is being used" in bridged.run("network", "rm", "two", check=2).stderr
    bridged.run("run", "-d", "--name", "other", "--network", "none", "busybox", "sleep", "1000")
    assert "invalid network mode" in bridged.run("network", "connect", "one", "other", check=125).stderr


@host.needs_link_kind("macvlan")
def test_a_device_on_somebody_elses_wire_has_no_names_of_ours(rooted: Program) -> None:
    subprocess.run(["ip", "link", "add", "argosywire", "type", "bridge"], check=True)
    try:
        subnet = ("--subnet", "10.216.7.0/24", "-o", "parent=argosywire", "-o", "no_default_route=T")
        rooted.run("network", "create", "-d", "macvlan", *subnet, "wire")
        shown = rooted.run("run", "--rm", "--network", "wire", "busybox", "sh", "-c", "ip addr; ip route").stdout
        assert "10.216.7.2/24" in shown
        assert "default" not in shown
        conf = rooted.write("containers.conf", '[containers]\ninterface_name="device"\n')
        words = ("run", "--rm", "--network", "wire", "busybox", "ls", "/sys/class/net")
        assert "argosywire" in rooted.run(*words, env={"CONTAINERS_CONF": conf}).stdout
    finally:
        rooted.run("network", "rm", "wire", check=False)
        subprocess.run(["ip", "link", "del", "argosywire"], check=True)


def test_ports_follow_a_container_to_the_network_that_it_has_left(rooted: Program) -> None:
    rooted.run("network", "create", "one")
    rooted.run("network", "create", "two")
    serve(rooted, "web", "--network", "one", "--network", "two", "-p", "80")
    port = int(rooted.run("port", "web").lines[0].rpartition(":")[2])
    assert get(port) == b"served-by-web"
    rooted.run("network", "disconnect", "one", "web")
    assert get(port) == b"served-by-web"
    rooted.run("network", "disconnect", "two", "web")
    rooted.run("network", "connect", "one", "web")
    assert get(port) == b"served-by-web"
    rooted.run("rm", "-f", "-t", "0", "web")


def test_many_at_once_get_addresses_of_their_own(bridged: Program) -> None:
    names = [f"c{number}" for number in range(12)]

    def one(name: str) -> None:
        bridged.run("run", "-d", "--name", name, "--network", "one", "busybox", "sleep", "1000")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(one, names))
    shown = bridged.run("inspect", "--format", "{{.NetworkSettings.IPAddress}}", *names).lines
    assert len(set(shown)) == len(shown) == 12


def test_the_default_network_leads_to_ports_of_the_host_and_back(rooted: Program) -> None:
    serve(rooted, "web", "-p", "80", "-p", "127.0.0.1::80")
    everywhere, here = (int(line.rpartition(":")[2]) for line in rooted.run("port", "web").lines)
    assert get(everywhere) == get(here) == b"served-by-web"
    gateway = rooted.run("inspect", "web").json()[0]["NetworkSettings"]["Gateway"]
    assert get(everywhere, gateway) == b"served-by-web"
    script = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 {gateway} {everywhere} | tail -n 1"
    assert rooted.run("run", "--rm", "busybox", "sh", "-c", script).stdout.strip() == "served-by-web"
    assert rooted.run("exec", "web", "sh", "-c", script).stdout.strip() == "served-by-web", "through the host to itself"
    with pytest.raises(OSError, match="refused"):
        get(here, gateway)
    rooted.run("restart", "-t", "0", "web")
    rooted.run("exec", "web", "sh", "-c", AWAIT)
    assert get(everywhere) == b"served-by-web"
    done = rooted.run("run", "--rm", "-p", f"{everywhere}:80", "busybox", "true", check=126)
    assert "address already in use: container" in done.stderr
    rooted.run("rm", "-f", "-t", "0", "web")
    with pytest.raises(OSError, match="refused"):
        get(everywhere)


@host.needs_tun
@pytest.mark.parametrize("mode", ["pasta", "slirp4netns"])
def test_a_users_ports_are_published_without_a_bridge(argosy_user: Program, mode: str) -> None:
    if host.program(mode) is None:
        pytest.skip(f"{mode} is not installed")
    serve(argosy_user, "web", "--network", mode, "-p", "80", "-p", "127.0.0.1::80")
    everywhere, here = (int(line.rpartition(":")[2]) for line in argosy_user.run("port", "web").lines)
    assert get(everywhere) == get(here) == b"served-by-web"
    done = argosy_user.run("run", "--rm", "--network", mode, "-p", f"{here}:80", "busybox", "true", check=126)
    assert f"0.0.0.0:{here}: address already in use: {mode[:3]}" in done.stderr  # pasta is passt by name
    assert (
        "cannot publish the port"
        in argosy_user.run("run", "--rm", "--network", mode, "-p", "80/sctp", "busybox", "true", check=125).stderr
    )
    argosy_user.run("restart", "-t", "0", "web")
    argosy_user.run("exec", "web", "sh", "-c", AWAIT)
    assert get(everywhere) == b"served-by-web"
    argosy_user.run("rm", "-f", "-t", "0", "web")


@host.needs_tun
@pytest.mark.parametrize("mode", ["pasta", "slirp4netns"])
def test_a_users_ports_are_published_from_a_bridge(argosy_user: Program, mode: str) -> None:
    """By a second program, which must not take the default route of the bridge."""
    if host.program(mode) is None:
        pytest.skip(f"{mode} is not installed")
    conf = argosy_user.write("containers.conf", f'[network]\ndefault_rootless_network_cmd = "{mode}"\n')
    argosy_user.env["CONTAINERS_CONF"] = conf
    argosy_user.run("network", "create", "one")
    serve(argosy_user, "web", "--network", "one", "-p", "80", "-p", "127.0.0.1::80")
    everywhere, here = (int(line.rpartition(":")[2]) for line in argosy_user.run("port", "web").lines)
    assert get(everywhere) == get(here) == b"served-by-web"
    if own := own_address():
        assert get(everywhere, own) == b"served-by-web"
        client = own if mode == "pasta" else "169.254.77.2"  # slirp4netns speaks to it itself
        assert f"{client}]:" in argosy_user.run("logs", "web").stderr
    assert "default via 10." in argosy_user.run("exec", "web", "ip", "route").stdout
    assert fetch(argosy_user, address(argosy_user, "web"), "--network", "one") == "served-by-web"
    done = argosy_user.run("run", "--rm", "--network", "one", "-p", f"{here}:80", "busybox", "true", check=126)
    assert f"0.0.0.0:{here}: address already in use: {mode[:3]}" in done.stderr
    argosy_user.run("restart", "-t", "0", "web")
    argosy_user.run("exec", "web", "sh", "-c", AWAIT)
    assert get(everywhere) == b"served-by-web"
    argosy_user.run("rm", "-f", "-t", "0", "web")
    with pytest.raises(OSError, match="refused"):
        get(everywhere)


def test_a_port_that_a_program_has_is_refused_with_its_name(rooted: Program) -> None:
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = rooted.run("run", "--rm", "-p", f"{port}:80", "busybox", "true", check=126)
    assert f"0.0.0.0:{port}: address already in use" in done.stderr
    assert f"(process {os.getpid()})" in done.stderr
    assert rooted.run("ps", "-aq").stdout == ""


def test_a_port_that_a_program_would_share_is_refused(rooted: Program) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"(process {os.getpid()})" in rooted.run("run", "-p", f"{port}:80", "busybox", check=126).stderr


def test_a_port_on_one_address_and_on_all_is_one_port(rooted: Program) -> None:
    rooted.run("run", "-d", "--name", "web", "-p", "127.0.0.1::80", "busybox", "sleep", "600")
    port = rooted.run("port", "web").lines[0].rpartition(":")[2]
    done = rooted.run("run", "--rm", "-p", f"{port}:80", "busybox", "true", check=126)
    assert f"0.0.0.0:{port}: address already in use" in done.stderr
    rooted.run("run", "--rm", "-p", f"127.0.0.2:{port}:80", "busybox", "true")
    rooted.run("restart", "-t", "0", "web")


def test_ports_that_name_no_address_are_where_containers_conf_says(rooted: Program) -> None:
    addresses = '[network]\ndefault_host_ips = ["127.0.0.1", "127.0.0.2"]\n'
    rooted.env["CONTAINERS_CONF"] = rooted.write("containers.conf", addresses)
    ports = ("-p", "47985:80", "-p", "0.0.0.0:47986:81")
    rooted.run("create", "--name", "web", *ports, "busybox", "true")
    places = ["80/tcp -> 127.0.0.1:47985", "80/tcp -> 127.0.0.2:47985", "81/tcp -> 0.0.0.0:47986"]
    assert rooted.run("port", "web").lines == places


def test_from_the_hosts_own_ipv6_loopback_a_port_is_refused_at_once(rooted: Program) -> None:
    rooted.run("network", "create", "--subnet", "10.218.7.0/24", "--subnet", "fd00:218:7::/64", "dual")
    serve(rooted, "web", "--network", "dual", "-p", "80")
    port = int(rooted.run("port", "web").lines[0].rpartition(":")[2])
    assert get(port) == b"served-by-web"
    with pytest.raises(ConnectionRefusedError):
        get(port, "::1")


def test_more_ports_than_files_may_be_open(rooted: Program) -> None:
    few = ["sh", "-c", 'ulimit -n 400; exec "$@"', "sh"]
    words = ("run", "--rm", "-p", "47000-47599:7000-7599", "busybox", "true")
    rooted.call(*few, *rooted.argv(*words))


def test_a_flushed_table_comes_back_with_the_next_container(rooted: Program) -> None:
    serve(rooted, "web", "-p", "80")
    port = int(rooted.run("port", "web").lines[0].rpartition(":")[2])
    for words in (("flush", "table", "inet", "argosy"), ("flush", "chain", "inet", "argosy", "published")):
        subprocess.run(["nft", *words], check=True)
        rooted.run("run", "--rm", "busybox", "true")
        assert get(port) == b"served-by-web"
    subprocess.run(["nft", "delete", "table", "inet", "argosy"], check=True)
    rooted.run("run", "--rm", "busybox", "true")
    assert get(port) == b"served-by-web"
    subprocess.run(["nft", "delete", "table", "inet", "argosy"], check=True)
    assert rooted.run("network", "reload", "--all").lines == rooted.run("ps", "-q", "--no-trunc").lines
    assert get(port) == b"served-by-web"


def test_nobody_on_a_bridge_reaches_what_listens_on_loopback(rooted: Program) -> None:
    """route_localnet, which a published port on 127.0.0.1 needs, would let them (CVE-2020-8558)."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        # The container forgets its own loopback addresses, and sends what is for 127.0.0.1 to the bridge.
        script = (
            "gateway=$(ip route | sed -n 's/default via \\([0-9.]*\\).*/\\1/p'); ip addr del 127.0.0.1/8 dev lo;"
            "echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet; ip route add 127.0.0.1/32 via $gateway dev eth0;"
            f"echo x | timeout 3 nc -w 2 127.0.0.1 {port}; ip route get 127.0.0.1"
        )
        done = rooted.run("run", "--rm", "--privileged", "busybox", "sh", "-c", script, check=False)
        server.settimeout(0.1)
        assert "dev eth0" in done.stdout, done.stderr
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--network", "nosuch"), "unable to find network with name or ID nosuch: network not found"),
        (("--network", "one:ip=1.2.3.4"), "requested static ip 1.2.3.4 not in any subnet on network one"),
        (("--network", "one:foo=1"), "unknown bridge network option: foo"),
        (("--network", "one", "--network", "host"), "selected mode host conflicts with bridge"),
        (("--network", "host", "--ip", "10.1.1.1"), "--ip can only be set when the network mode is bridge"),
        (("--network", "one", "--network", "podman", "--ip", "10.1.1.1"), "--ip can only be set for a single network"),
        (("--network", "one", "--mac-address", "01:00:5e:00:00:01"), "multicast"),
        (("-p", "99999:80"), "port numbers must be between 1 and 65535 (inclusive), got 99999"),
        (("--network", "one", "-p", "47981:80", "-p", "47981:81"), "conflicting port mappings for host port 47981"),
        (("-p", "47981:80", "-p", "127.0.0.1:47981:81"), "conflicting port mappings for host port 47981"),
        (("-p", "8000-8001:80"), "host and container port ranges have different lengths: 2 vs 1"),
    ],
)
def test_what_cannot_be_is_refused(bridged: Program, flags: tuple[str, ...], words: str) -> None:
    assert words in bridged.run("run", "--rm", *flags, "busybox", "true", check=125).stderr
    assert bridged.run("ps", "-aq").stdout == ""


def test_a_network_is_made_listed_and_removed(bridged: Program) -> None:
    bridged.run("network", "create", "--label", "a=b", "--subnet", "10.214.7.0/24", "two")
    assert bridged.run("network", "ls", "-q").lines == ["one", "podman", "two"]
    assert bridged.run("network", "ls", "-q", "--filter", "label=a").lines == ["two"]
    [found] = json.loads(bridged.run("network", "inspect", "two").stdout)
    assert found["subnets"] == [{"subnet": "10.214.7.0/24", "gateway": "10.214.7.1"}]
    assert "is already used" in bridged.run("network", "create", "--subnet", "10.214.0.0/16", check=125).stderr
    assert "already exists" in bridged.run("network", "create", "two", check=125).stderr
    bridged.run("run", "-d", "--name", "user", "--network", "two", "busybox", "sleep", "1000")
    assert "network is being used" in bridged.run("network", "rm", "two", check=2).stderr
    bridged.run("network", "rm", "-f", "-t", "0", "two")
    assert bridged.run("ps", "-aq").stdout == ""
    bridged.run("network", "exists", "two", check=1)
    assert "cannot be removed" in bridged.run("network", "rm", "podman", check=125).stderr
