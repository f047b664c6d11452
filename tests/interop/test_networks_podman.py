"""The same networks, containers, aliases and ports, ours and podman's with netavark: who reaches whom, by what name.

Each engine works in a network namespace of its own, so that neither meets the other's bridges, nor the host's.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from argosy.network import dns
from tests.interop.peer import Podman, podman, side_by_side
from tests.rig import host, images
from tests.rig.program import Program

__all__ = ["podman"]
pytestmark = [
    host.needs_root,
    host.needs_podman_4(),
    host.needs_program("nft"),
    host.needs_program("iptables"),  # netavark's
    pytest.mark.skipif(not os.path.exists("/usr/lib/podman/netavark"), reason="netavark is not installed"),
    pytest.mark.skipif(dns.find(()) is None, reason="aardvark-dns is not installed"),
]

Run = Callable[..., Any]

NETWORKS = (
    ("one", "--subnet", "10.201.1.0/24"),
    ("two", "--subnet", "10.201.2.0/24", "--subnet", "fd00:201:2::/64", "-o", "isolate=true"),
    ("shut", "--subnet", "10.201.3.0/24", "--internal"),
)
CONTAINERS = {
    "a": ("--network", "one:ip=10.201.1.11,alias=first", "-p", "8081:80", "-p", "127.0.0.1:8082:80"),
    "b": ("--network", "one:ip=10.201.1.12,alias=first"),
    "c": ("--network", "two:ip=10.201.2.11,ip6=fd00:201:2::11,alias=second"),
    "d": ("--network", "two:ip=10.201.2.12,ip6=fd00:201:2::12"),
    "e": ("--network", "shut:ip=10.201.3.11"),
    "f": ("--network", "one:ip=10.201.1.13", "--network", "shut:ip=10.201.3.13,alias=third"),
}
TARGETS = (
    *("10.201.1.11", "10.201.1.12", "10.201.1.13", "10.201.2.11", "10.201.2.12", "10.201.3.11", "10.201.3.13"),
    *("fd00:201:2::11", "fd00:201:2::12", "10.201.2.13"),
)
NAMES = ("a", "b", "c", "d", "e", "f", "first", "second", "third", "nosuch")
SERVE = "echo served-by-$HOSTNAME >/index.html; httpd -f -h / -p 80"
REACH = "for t in $*; do (echo $t $(printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 4 $t 80 | tail -n 1)) & done; wait"
# Every server is asked: in which order podman names them is left to chance.
NAMED = (
    "servers=$(sed -n 's/^nameserver //p' /etc/resolv.conf); for n in $*; do "
    "(echo $n $(for s in $servers; do nslookup $n $s 2>&1 | sed 1,2d | grep ^Address; done | sort -u)) & done; wait"
)
PORTS = """
import socket
for place in (("127.0.0.1", 8081), ("127.0.0.1", 8082), ("10.201.1.1", 8081), ("10.201.1.1", 8082)):
    try:
        with socket.create_connection(place, 3) as connection:
            connection.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
            answer = b""
            while block := connection.recv(4096):
                answer += block
        print(*place, answer.splitlines()[-1].decode())
    except OSError as error:
        print(*place, type(error).__name__)
"""


def namespace() -> subprocess.Popen[bytes]:
    """A process in namespaces of its own that lives until it is killed, with nothing of the host's networks."""
    script = "mkdir -p /run/argosy; mount -t tmpfs tmpfs /run/argosy; ip link set lo up; echo ready; exec sleep 1000"
    process = subprocess.Popen(["unshare", "-n", "-m", "sh", "-c", script], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"ready\n"
    return process


@pytest.fixture
def apart() -> Iterator[tuple[list[str], ...]]:
    """The words that come before a program which is to run in one of two places."""
    places = [namespace(), namespace()]
    yield tuple(["nsenter", "-t", str(place.pid), "-n", "-m"] for place in places)
    for place in places:
        place.kill()
        place.wait()


def sections(run: Run, before: list[str]) -> dict[str, list[str]]:
    """What each container reaches and resolves, and what answers on the ports of the host."""

    def asked(name: str) -> tuple[list[str], list[str]]:
        reached = run("exec", name, "sh", "-c", REACH, "sh", *TARGETS).stdout.splitlines()
        named = run("exec", name, "sh", "-c", NAMED, "sh", *NAMES).stdout.splitlines()
        return sorted(line.strip() for line in reached), sorted(line.strip() for line in named)

    with ThreadPoolExecutor(3) as pool:
        found = dict(zip(CONTAINERS, pool.map(asked, CONTAINERS), strict=True))
    answers = subprocess.run([*before, "/usr/bin/python3", "-c", PORTS], check=True, capture_output=True, text=True)
    result = {f"{name} reaches": reached for name, (reached, _) in found.items()}
    result |= {f"{name} resolves": named for name, (_, named) in found.items()}
    return result | {"ports": answers.stdout.splitlines()}


def scenario(run: Run, before: list[str]) -> list[dict[str, list[str]]]:
    """The state after the set-up, and after one container was connected and one disconnected."""
    for name, *flags in NETWORKS:
        run("network", "create", *flags, name)
    for name, chosen in CONTAINERS.items():
        run("run", "-d", "--name", name, "--hostname", name, *chosen, "busybox", "sh", "-c", SERVE)
    first = sections(run, before)
    run("network", "connect", "--ip", "10.201.2.13", "--ip6", "fd00:201:2::13", "--alias", "late", "two", "b")
    run("network", "disconnect", "two", "d")
    second = sections(run, before)
    run("rm", "-fa", "-t", "0")
    run("network", "rm", *(name for name, *_ in NETWORKS))
    return [first, second]


def test_networks_are_the_same(argosy: Program, busybox: str, podman: Podman, apart: tuple[list[str], ...]) -> None:
    ours, theirs = apart
    argosy.prefix = list(ours)
    podman.run("import", "-q", images.busybox_archive(), busybox)
    flags = ["--network-backend", "netavark", "--network-config-dir", f"{podman.directory}/networks"]
    stores = ["--root", f"{podman.directory}/root", "--runroot", f"{podman.directory}/run"]

    def peer(*words: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*theirs, "podman", *stores, *flags, *words], check=False, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, f"podman {' '.join(words)}: {done.stderr}"
        return done

    for we, they in zip(*side_by_side(lambda: scenario(argosy.run, ours), lambda: scenario(peer, theirs)), strict=True):
        assert we == they
