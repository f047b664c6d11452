"""The same networks, containers, aliases and ports, ours and podman's with netavark: who reaches whom, by what name.

Each engine works in a network namespace of its own, so that neither meets the other's bridges, nor the host's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from argosy.network.ports import free_port
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
    pytest.mark.skipif(not os.path.exists("/usr/lib/podman/aardvark-dns"), reason="aardvark-dns is not installed"),
]

Run = Callable[..., Any]
PLACES = ("8081", "8082", "127.0.0.1", "10.201.1.1")

NETWORKS = (
    ("one", "--subnet", "10.201.1.0/24"),
    ("two", "--subnet", "10.201.2.0/24", "--subnet", "fd00:201:2::/64", "-o", "isolate=true"),
    ("shut", "--subnet", "10.201.3.0/24", "--internal"),
)
CONTAINERS = {
    "a": ("--network", "one:ip=10.201.1.11,alias=first", "-p", "{0}:80", "-p", "127.0.0.1:{1}:80"),
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
import socket, sys
ports, addresses = sys.argv[1:3], sys.argv[3:]
for place in ((address, int(port)) for address in addresses for port in ports):
    print(place[0], ports.index(str(place[1])), end=" ")
    try:
        with socket.create_connection(place, 3) as connection:
            connection.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
            answer = b""
            while block := connection.recv(4096):
                answer += block
        print(answer.splitlines()[-1].decode())
    except OSError as error:
        print(type(error).__name__)
"""


def namespace() -> subprocess.Popen[bytes]:
    """A process in namespaces of its own that lives until it is killed, with nothing of the host's networks."""
    hidden = "for place in /run/argosy /run/containers; do mkdir -p $place; mount -t tmpfs tmpfs $place; done"
    script = f"{hidden}; ip link set lo up; echo ready; exec sleep 1000"
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


def sections(run: Run, before: list[str], places: Sequence[str]) -> dict[str, list[str]]:
    """What each container reaches and resolves, and what answers on the host: `places` are two ports, and addresses."""

    def asked(name: str) -> tuple[list[str], list[str]]:
        reached = run("exec", name, "sh", "-c", REACH, "sh", *TARGETS).stdout.splitlines()
        named = run("exec", name, "sh", "-c", NAMED, "sh", *NAMES).stdout.splitlines()
        return sorted(line.strip() for line in reached), sorted(line.strip() for line in named)

    with ThreadPoolExecutor(3) as pool:
        found = dict(zip(CONTAINERS, pool.map(asked, CONTAINERS), strict=True))
    answers = subprocess.run(
        [*before, "/usr/bin/python3", "-c", PORTS, *places], check=True, capture_output=True, text=True
    )
    result = {f"{name} reaches": reached for name, (reached, _) in found.items()}
    result |= {f"{name} resolves": named for name, (_, named) in found.items()}
    return result | {"ports": answers.stdout.splitlines()}


def scenario(run: Run, before: list[str], places: Sequence[str]) -> list[dict[str, list[str]]]:
    """The state after the set-up, and after one container was connected and one disconnected."""
    for name, *flags in NETWORKS:
        run("network", "create", *flags, name)
    for name, chosen in CONTAINERS.items():
        flags = [flag.format(*places) for flag in chosen]
        run("run", "-d", "--name", name, "--hostname", name, *flags, "busybox", "sh", "-c", SERVE)
    first = sections(run, before, places)
    run("network", "connect", "--ip", "10.201.2.13", "--ip6", "fd00:201:2::13", "--alias", "late", "two", "b")
    run("network", "disconnect", "two", "d")
    second = sections(run, before, places)
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

    for we, they in zip(
        *side_by_side(lambda: scenario(argosy.run, ours, PLACES), lambda: scenario(peer, theirs, PLACES)), strict=True
    ):
        assert we == they


@pytest.fixture
def users_podman(argosy_user: Program) -> Iterator[Run]:
    """podman as the user of `argosy_user`, on a store of its own."""
    base = tempfile.mkdtemp(prefix="argosy-podman.")  # podman takes no long path
    shutil.chown(base, argosy_user.user)
    environ = {"XDG_RUNTIME_DIR": f"{base}/xdg", "HOME": f"{base}/home", "PATH": os.environ["PATH"]}
    argosy_user.call("mkdir", "-m", "700", *(f"{base}/{name}" for name in ("xdg", "home", "networks")))
    flags = ["--root", f"{base}/root", "--runroot", f"{base}/run", "--cgroup-manager", "cgroupfs"]
    flags += ["--network-backend", "netavark", "--network-config-dir", f"{base}/networks"]

    def peer(*words: str, input: bytes = b"", check: bool = True) -> subprocess.CompletedProcess[str]:
        as_user = ["runuser", "-u", argosy_user.user, "--", "podman", *flags, *words]
        done = subprocess.run(as_user, check=False, capture_output=True, input=input, timeout=240, env=environ, cwd="/")
        assert not check or done.returncode == 0, f"podman {' '.join(words)}: {done.stderr.decode()}"
        return subprocess.CompletedProcess(done.args, 0, done.stdout.decode(), done.stderr.decode())

    yield peer
    peer("rm", "-fa", "-t", "0")
    peer("system", "reset", "--force", check=False)  # it may write of its own end into what it removes
    shutil.rmtree(base)


@host.needs_tun
def test_a_users_networks_are_the_same(argosy_user: Program, busybox: str, users_podman: Run) -> None:
    """Both in the host's network namespace, so with ports of their own."""
    users_podman("import", "-q", "-", busybox, input=Path(images.busybox_archive()).read_bytes())

    def at(run: Run) -> list[dict[str, list[str]]]:
        return scenario(run, [], (str(free_port("tcp", "", 1)), str(free_port("tcp", "", 1)), "127.0.0.1"))

    ours, theirs = side_by_side(lambda: at(argosy_user.run), lambda: at(users_podman))
    assert ours == theirs
