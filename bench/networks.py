"""Networks: what a bridge costs at the start of a container, whether that grows, and how fast packets travel.

Root's programs work in network namespaces of the bench's own, one for each, so that neither meets the other's bridges
nor the host's.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from bench.peers import IMAGE, Peer, call
from bench.timing import Result, race

_SECONDS = 1
_ROUNDS = 12
_PORT = 5201
Path = tuple[list[str], list[str], str, int]  # what comes before iperf3 on both sides, and where the server is
_SPACE = (
    "mkdir -p /run/argosy; mount -t tmpfs tmpfs /run/argosy; ip link set lo up;"
    "ip link add ext type bridge; ip addr add 198.51.100.1/24 dev ext; ip link set ext up;"
    "ip route add default via 198.51.100.2; echo ready; exec sleep 100000"
)


@contextmanager
def apart(team: Sequence[Peer]) -> Iterator[list[Peer]]:
    """Each of root's programs in a network namespace of its own; docker has a daemon and takes no part."""
    spaces, moved = [], []
    try:
        for peer in team:
            if peer.name == "docker":
                continue
            space = subprocess.Popen(["unshare", "-n", "-m", "sh", "-c", _SPACE], stdout=subprocess.PIPE)
            spaces.append(space)
            assert space.stdout is not None
            space.stdout.readline()
            words = ["nsenter", "-t", str(space.pid), "-n", "-m", *peer.words]
            if peer.name == "podman":
                words += ["--network-backend", "netavark"]
            moved.append(Peer(peer.name, words, peer.user))
        yield moved
    finally:
        for peer in moved:
            subprocess.run(peer.argv("rm", "-fa", "-t", "0"), capture_output=True, check=False, cwd="/")
        for space in spaces:
            space.kill()
            space.wait()


def starts(team: Sequence[Peer], runs: int) -> Result:
    """`run --rm` on the default bridge."""
    contenders = [peer.contender("run", "--rm", IMAGE, "true") for peer in team]
    return race("run --rm, default bridge (root)", contenders, runs=runs, bars={"podman": 0.35, "docker": 0.40})


def growth(argosy: Peer, sizes: Sequence[int], runs: int) -> Iterator[Result]:
    """What a bridge adds to `run --rm --network none`, with so many containers on it: the bar is 15 ms."""
    have = 0
    for size in sorted(sizes):
        for _ in range(have, size):
            argosy("run", "-d", IMAGE, "sleep", "100000")
        have = size
        contenders = [
            replace(argosy.contender("run", "--rm", "--network", network, IMAGE, "true"), name=name)
            for name, network in (("argosy", "bridge"), ("without", "none"))
        ]
        yield race(f"run --rm, bridge with {size} containers, against --network none", contenders, runs=runs, bars={})


def throughput(team: Sequence[Peer], who: str) -> Iterator[Result]:
    """Seconds for a gigabyte, by iperf3, in turns: what else the machine does is fair to all then."""
    if shutil.which("iperf3") is None:
        print("  (iperf3 is not installed)", flush=True)
        return
    found: dict[str, dict[str, list[float]]] = {}
    with ExitStack() as stack:
        paths = {peer.name: (_bridged if who == "root" else _published)(peer, stack) for peer in team}
        for number in range(_ROUNDS):
            for name in sorted(paths, reverse=bool(number % 2)):
                for work, (server, client, address, port) in paths[name].items():
                    seconds = _seconds(server, client, address, port)
                    found.setdefault(work, {}).setdefault(name, []).append(seconds)
    for work, by_name in found.items():
        values = {name: tuple(seconds) for name, seconds in by_name.items()}
        yield Result(f"a gigabyte, {work} ({who})", values, {"podman": 1.05})


def _bridged(peer: Peer, stack: ExitStack) -> dict[str, Path]:
    """From the host, and from another container, to one on the default bridge."""
    for name in ("bench-server", "bench-client"):
        peer("run", "-d", "--name", name, IMAGE, "sleep", "100000")
        stack.callback(peer, "rm", "-f", "-t", "0", name)
    shape = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    address = peer("inspect", "--format", shape, "bench-server")
    server, client = (_inside(peer, name) for name in ("bench-server", "bench-client"))
    place = list(peer.words[:5])  # nsenter and where the host is
    return {
        "host to container": (server, [*place, "iperf3"], address, _PORT),
        "container to container": (server, [*client, "iperf3"], address, _PORT),
    }


def _published(peer: Peer, stack: ExitStack) -> dict[str, Path]:
    """From the host to a published port of a user's container, and back."""
    port = 15201 if peer.name == "argosy" else 15202
    network = "pasta" if peer.name == "argosy" else "slirp4netns:port_handler=slirp4netns"
    flags = ("--network", network, "-p", f"127.0.0.1:{port}:{_PORT}")
    peer("run", "-d", "--name", "bench-server", *flags, IMAGE, "sleep", "100000")
    stack.callback(peer, "rm", "-f", "-t", "0", "bench-server")
    server = _inside(peer, "bench-server")
    return {
        "host to a user's published port": (server, ["iperf3"], "127.0.0.1", port),
        "a user's published port to host": (server, ["iperf3", "-R"], "127.0.0.1", port),
    }


def _inside(peer: Peer, name: str) -> list[str]:
    return ["nsenter", "-t", peer("inspect", "--format", "{{.State.Pid}}", name), "-n"]


def _seconds(server: Sequence[str], client: Sequence[str], address: str, port: int) -> float:
    """What a gigabyte took.  Under load iperf3 at times ends without a sum: then it is asked again."""
    for _ in range(5):
        sums = _measured(server, client, address, port)
        if "sum_received" in sums:
            return float(8e9 / sums["sum_received"]["bits_per_second"])
    raise RuntimeError(f"iperf3 gives no result from {address}:{port}")


def _measured(server: Sequence[str], client: Sequence[str], address: str, port: int) -> dict[str, dict[str, float]]:
    serving = subprocess.Popen([*server, "iperf3", "-s", "-1", "-p", str(_PORT)], stdout=subprocess.DEVNULL)
    try:
        for _ in range(50):
            time.sleep(0.1)
            try:
                said = call([*client, "-c", address, "-p", str(port), "-t", str(_SECONDS), "-J"])
            except RuntimeError:
                continue  # it does not listen yet
            return dict(json.loads(said)["end"])
        raise RuntimeError(f"iperf3 does not reach {address}:{port}")
    finally:
        serving.kill()
        serving.wait()
