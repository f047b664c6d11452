"""What is measured: one function for each row of the table."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence

from bench.peers import IMAGE, Peer
from bench.timing import Contender, Result, race

Peers = Sequence[Peer]


def versions(peers: Peers, runs: int) -> Result:
    """`--version`: what a program costs that does nothing."""
    bars = {"podman": 1.0, "docker": 1.0}
    return race("--version", [peer.contender("--version") for peer in peers], runs=runs, bars=bars)


def run_without_network(peers: Peers, runtime: Contender | None, runs: int, who: str) -> Result:
    """`run --rm --network none IMAGE true`."""
    contenders = [peer.contender("run", "--rm", "--network", "none", IMAGE, "true") for peer in peers]
    bars = {"podman": 0.45}
    if runtime is not None:
        contenders.append(runtime)
        bars[runtime.name] = 5.0
    return race(f"run --rm --network none ({who})", contenders, runs=runs, bars=bars)


def run_with_default_network(peers: Peers, runs: int, who: str) -> Result:
    """`run --rm IMAGE true` with the network that one gets without asking."""
    contenders = [peer.contender("run", "--rm", IMAGE, "true") for peer in peers]
    return race(f"run --rm, default network ({who})", contenders, runs=runs, bars={"podman": 0.45})


def exec_in_running(peers: Peers, runs: int, who: str) -> Result:
    """`exec` of `true` in a container that runs."""
    for peer in peers:
        try:
            peer("run", "-d", "--name", "bench-exec", "--network", "none", IMAGE, "sleep", "3600")
        except RuntimeError:
            if peer.name == "argosy":
                raise  # any other's first exec fails as well, and drops it from the race
    try:
        contenders = [peer.contender("exec", "bench-exec", "true") for peer in peers]
        return race(f"exec ({who})", contenders, runs=runs, bars={"podman": 0.5, "docker": 1.0})
    finally:
        for peer in peers:
            subprocess.run(peer.argv("rm", "-f", "-t", "0", "bench-exec"), capture_output=True, check=False, cwd="/")


def grow_containers(peers: Peers, have: int, want: int) -> None:
    """Create containers until there are `want`."""
    for peer in peers:
        for number in range(have, want):
            peer("create", "--name", f"bench-{number}", "--network", "none", IMAGE, "true")


def grow_images(peers: Peers, have: int, want: int) -> None:
    """Tag the image until it has `want` names."""
    for peer in peers:
        for number in range(have, want):
            peer("tag", IMAGE, f"localhost/bench/tag:{number}")


def lists(peers: Peers, count: int, runs: int) -> list[Result]:
    """`ps -a`, `images`, and `inspect` of one container, with so many containers and names of images."""
    bars = {"podman": 1.0, "docker": 1.0}
    commands = [("ps", "-a"), ("images",)] + ([("inspect", "bench-0")] if count else [])
    return [
        race(f"{' '.join(words)} with {count}", [peer.contender(*words) for peer in peers], runs=runs, bars=bars)
        for words in commands
    ]


def stats(peers: Peers, count: int, runs: int) -> Result:
    """`stats --no-stream` with so many containers that run."""
    names = [f"bench-run-{number}" for number in range(count)]
    try:
        for peer in peers:
            for name in names:
                peer("run", "-d", "--name", name, "--network", "none", IMAGE, "sleep", "3600")
        contenders = [peer.contender("stats", "--no-stream") for peer in peers]
        return race(f"stats --no-stream with {count}", contenders, runs=runs, bars={"podman": 0.7})
    finally:
        for peer in peers:
            subprocess.run(peer.argv("rm", "-f", "-t", "0", *names), capture_output=True, check=False, cwd="/")


def prune(peers: Peers, count: int) -> Result:
    """`container prune` of so many containers: once, since they are gone then.  docker's are not ours to remove."""
    ours = [peer for peer in peers if peer.name != "docker"]
    seconds = {}
    grow_containers(ours, 0, count)
    for peer in ours:
        start = time.perf_counter()
        removed = peer("container", "prune", "--force")
        seconds[peer.name] = (time.perf_counter() - start,)
        if len(removed.splitlines()) != count:
            raise RuntimeError(f"{peer.name} has removed {len(removed.splitlines())} of {count} containers")
    return Result(f"container prune of {count}", seconds, {"podman": 0.7})


def pull(peers: Peers, image: str, runs: int, where: str, bar: float) -> Result:
    """`pull` into a store without the image.  Each run is preceded by a removal that is not timed."""

    def removal(peer: Peer) -> Callable[[], object]:
        return lambda: subprocess.run(peer.argv("rmi", "-f", image), capture_output=True, check=False)

    contenders = [
        Contender(peer.name, [*peer.words, "pull", "-q", "--tls-verify=false", image], peer.user, before=removal(peer))
        for peer in peers
    ]
    return race(f"pull, 3 layers, 50,000 files ({where})", contenders, runs=runs, bars={"podman": bar})


def many_at_once(peers: Peers, count: int = 50) -> Result:
    """So many `run -d` at once: seconds until all have answered.  A failure of argosy's is an error of the bench."""
    seconds = {}
    for peer in peers:
        start = time.perf_counter()
        running = [
            subprocess.Popen(
                peer.argv("run", "-d", "--name", f"burst-{number}", "--network", "none", IMAGE, "sleep", "600"),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd="/",
            )
            for number in range(count)
        ]
        failures = [done.stderr.read().decode() for done in running if done.stderr and done.wait()]
        seconds[peer.name] = (time.perf_counter() - start,)
        names = [f"burst-{number}" for number in range(count)]
        subprocess.run(peer.argv("rm", "-f", "-t", "0", *names), capture_output=True, check=False, cwd="/")
        if failures and peer.name == "argosy":
            raise RuntimeError(f"{len(failures)} of {count} failed: {failures[0]}")
        if failures:
            print(f"  ({peer.name}: {len(failures)} of {count} failed: {failures[0].strip()[-200:]})")
    return Result(f"{count} run -d at once", seconds, {"podman": 0.5})


def idle_memory(peer: Peer) -> dict[str, int]:
    """What an idle detached container holds: the proportional set size in KiB of each program's processes."""
    container_id = peer("run", "-d", "--name", "bench-idle", "--network", "none", IMAGE, "sleep", "3600")
    try:
        time.sleep(0.5)
        held: dict[str, int] = {}
        for name, kib in _processes_naming(container_id):
            held[name] = held.get(name, 0) + kib
        return held
    finally:
        peer("rm", "-f", "-t", "0", "bench-idle")


def _processes_naming(text: str) -> list[tuple[str, int]]:
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                words = file.read().decode(errors="replace")
            if text not in words:
                continue
            with open(f"/proc/{entry}/smaps_rollup") as file:
                kib = next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except (OSError, StopIteration):
            continue
        found.append((os.path.basename(words.split("\0")[0]), kib))
    return found
