"""--network: what a container sees of the network, and what is left of it."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.rig import host
from tests.rig.program import Program

pytestmark = pytest.mark.usefixtures("busybox")

needs_pasta = host.needs_program("pasta")
needs_slirp = host.needs_program("slirp4netns")
CONNECTORS = [
    pytest.param("pasta", marks=[needs_pasta, host.needs_tun]),
    pytest.param("slirp4netns", marks=[needs_slirp, host.needs_tun]),
]


def sh(program: Program, network: str, script: str, *flags: str) -> str:
    """What a shell script prints in a new container on this network."""
    program.flags = ["--log-level", "error"]
    return program.run("run", "--rm", "--network", network, *flags, "busybox", "sh", "-c", script).stdout


def devices(program: Program, network: str) -> list[str]:
    """The network devices that a container has."""
    return sorted(sh(program, network, "ls /sys/class/net").split())


def own_devices() -> list[str]:
    return sorted(os.listdir("/sys/class/net"))


@contextmanager
def server(address: str) -> Iterator[int]:
    """A server on the host that greets whoever connects: its port."""
    with socket.create_server((address, 0)) as listener:
        listener.settimeout(0.1)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.sendall(b"hello from the host\n")

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        over.set()
        thread.join()


def host_address() -> str:
    """The host's address on its default route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.254", 9))
        except OSError:
            pytest.skip("this host has no IPv4 route")
        return str(probe.getsockname()[0])


def test_none_has_loopback_alone(argosy_both: Program) -> None:
    assert devices(argosy_both, "none") == ["lo"]
    assert "127.0.0.1" in sh(argosy_both, "none", "ip addr show lo")


def test_host_is_the_hosts(argosy_both: Program) -> None:
    assert devices(argosy_both, "host") == own_devices()
    assert sh(argosy_both, "host", "readlink /proc/self/ns/net").strip() == os.readlink("/proc/self/ns/net")


@pytest.mark.parametrize("mode", CONNECTORS)
def test_a_container_reaches_the_host_and_beyond(argosy_both: Program, mode: str) -> None:
    """Another address of the host stands for the rest of the world."""
    address = host_address()
    with server("0.0.0.0") as port:
        if mode == "pasta":
            # With pasta the host's address is the container's own: the gateway would be the world.
            assert address in sh(argosy_both, mode, "ip addr")
        else:
            assert sh(argosy_both, mode, f"nc {address} {port}") == "hello from the host\n"


@pytest.mark.parametrize("mode", CONNECTORS)
def test_the_hosts_loopback_is_out_of_reach(argosy_both: Program, mode: str) -> None:
    with server("127.0.0.1") as port:
        script = (
            f"nc -w 2 127.0.0.1 {port}; nc -w 2 $(ip route | sed -n 's/^default via \\([^ ]*\\).*/\\1/p') {port}; true"
        )
        assert sh(argosy_both, mode, script) == ""


@needs_slirp
@host.needs_tun
def test_slirp_opens_the_hosts_loopback_when_asked(argosy_both: Program) -> None:
    with server("127.0.0.1") as port:
        out = sh(argosy_both, "slirp4netns:allow_host_loopback=true", f"nc -w 5 10.0.2.2 {port}")
    assert out == "hello from the host\n"


@needs_slirp
@host.needs_tun
def test_slirps_own_network(argosy: Program) -> None:
    out = sh(
        argosy,
        "slirp4netns:cidr=10.9.0.0/24,mtu=1400",
        "ip addr show tap0; cat /etc/resolv.conf /etc/hosts",
        "--name",
        "n",
    )
    assert "10.9.0.100/24" in out
    assert "mtu 1400" in out
    assert "nameserver 10.9.0.3\n" in out
    assert "10.9.0.100\t" in out


@needs_pasta
@host.needs_tun
def test_the_default_of_users_is_pasta(argosy_user: Program) -> None:
    out = argosy_user.run("run", "--rm", "busybox", "cat", "/etc/resolv.conf").stdout
    assert out.startswith("nameserver 169.254.1.1\n") or "\nnameserver 169.254.1.1\n" in out


@pytest.mark.parametrize("mode", CONNECTORS)
def test_nothing_is_left(argosy_both: Program, mode: str) -> None:
    """The fixture looks for processes, mounts and namespaces at the end; here, while the store is still in use."""
    argosy_both.run("run", "-d", "--name", "n", "--network", mode, "busybox", "sleep", "1000")
    assert len(os.listdir(f"{argosy_both.runroot}/netns")) == 1
    argosy_both.run("rm", "--force", "--time", "0", "n")
    assert os.listdir(f"{argosy_both.runroot}/netns") == []


@pytest.mark.parametrize("mode", CONNECTORS)
def test_a_killed_connector_does_not_keep_the_container_from_going(argosy: Program, mode: str) -> None:
    argosy.run("run", "-d", "--name", "n", "--network", mode, "busybox", "sleep", "1000")
    (container,) = os.listdir(f"{argosy.runroot}/containers")
    record = argosy.call("cat", f"{argosy.runroot}/containers/{container}/network.json").json()
    os.kill(record["pid"], 9)
    argosy.run("rm", "--force", "--time", "0", "n")


def test_joining_another_container(argosy_both: Program) -> None:
    argosy_both.flags = ["--log-level", "error"]
    script = "ip addr add 192.0.2.77/32 dev lo; sleep 1000"
    argosy_both.run(
        *("run", "-d", "--name", "first", "--hostname", "alpha", "--network", "none", "--cap-add", "NET_ADMIN"),
        *("busybox", "sh", "-c", script),
    )
    deadline = time.monotonic() + 20
    while "192.0.2.77" not in sh(argosy_both, "container:first", "ip addr"):
        assert time.monotonic() < deadline
    assert "127.0.0.1\talpha first\n" in sh(argosy_both, "container:first", "cat /etc/hosts")


def test_joining_what_does_not_run(argosy: Program) -> None:
    argosy.run("create", "--name", "still", "--network", "none", "busybox", "true")
    done = argosy.run("run", "--network", "container:still", "busybox", "true", check=125)
    assert "not running" in done.stderr
    done = argosy.run("run", "--network", "container:nobody", "busybox", "true", check=125)
    assert "no such container" in done.stderr


@host.needs_root
def test_a_namespace_at_a_path(argosy: Program) -> None:
    path = f"{argosy.files}/netns"
    script = (
        f"touch {path}; unshare --net sh -c 'ip addr add 192.0.2.88/32 dev lo; mount --bind /proc/self/ns/net {path}'"
    )
    argosy.call("sh", "-c", script)
    try:
        out = sh(argosy, f"ns:{path}", "ip addr show lo")
        assert "192.0.2.88" in out
    finally:
        argosy.call("umount", path)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("ns:/no/such/file", "cannot find specified network namespace path"),
        ("ns:/etc/passwd", "no network namespace"),
        ("slirp4netns:mtu=x", "an MTU is a number"),
        ("slirp4netns:speed=9", "unknown option for slirp4netns"),
        ("pasta:--netns,/x", "argosy sets it itself"),
        ("pasta:--no-such-flag", "unrecognized option"),
        ("bogus:", "bogus"),
    ],
)
def test_what_makes_no_sense_is_named_and_leaves_nothing(argosy_both: Program, network: str, words: str) -> None:
    done = argosy_both.run("run", "--rm", "--network", network, "busybox", "true", check=125)
    assert words in done.stderr
    argosy_both.run("rm", "--all")
    assert not os.path.exists(f"{argosy_both.runroot}/netns") or os.listdir(f"{argosy_both.runroot}/netns") == []


def test_hosts_and_resolver_files(argosy: Program) -> None:
    out = sh(argosy, "none", "cat /etc/hosts", "--hostname", "me", "--name", "myself")
    assert out.endswith("127.0.0.1\tme myself\n")
    with open("/etc/resolv.conf") as file:
        servers = [line for line in file.read().splitlines() if line.startswith("nameserver")]
    out = sh(argosy, "host", "cat /etc/resolv.conf")
    assert [line for line in out.splitlines() if line.startswith("nameserver")] == servers
    assert "host.containers.internal" in sh(argosy, "host", "cat /etc/hosts")


def test_containers_conf_decides_where_nothing_is_asked(argosy: Program) -> None:
    conf = argosy.write("containers.conf", '[containers]\nnetns = "none"\nno_hosts = true\n')
    argosy.env["CONTAINERS_CONF"] = conf
    done = argosy.run("run", "--rm", "busybox", "sh", "-c", "ls /sys/class/net; cat /etc/hosts", check=False)
    assert done.lines[:1] == ["lo"]
    assert "host.containers.internal" not in done.stdout


def test_without_the_means_there_is_no_network_and_that_is_said_once(argosy: Program) -> None:
    """A host without /dev/net/tun and nft."""
    if not host.is_root():
        pytest.skip("needs root")
    nft = host.program("nft")
    hidden = "mount -t tmpfs tmpfs /dev/net 2>/dev/null && "
    hidden += (f"mount --bind /dev/null {nft} && " if nft else "") + 'exec "$@"'
    argv = ["unshare", "--mount", "sh", "-c", hidden, "sh"]
    first = argosy.call(*argv, *argosy.argv("run", "--rm", "busybox", "ls", "/sys/class/net"))
    assert first.stdout == "lo\n"
    assert "containers have no network" in first.stderr
    assert "/dev/net/tun" in first.stderr
    second = argosy.call(*argv, *argosy.argv("run", "--rm", "busybox", "ls", "/sys/class/net"))
    assert (second.stdout, second.stderr) == ("lo\n", "")
