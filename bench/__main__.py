"""`python3 -m bench`: measure, print the ratios, remember them.

Root measures both as root and as the unprivileged user of the tests; anybody else as himself.  Where a peer is missing,
its column is.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile

from bench import builds, copies, everyday, networks, peers, pulls, report, userns, work
from bench.timing import Result

TEST_USER = "argosy-test"
_RUNNING = 100  # containers, for what looks at all that run


class Bench:
    """The programs that take part, with their stores, and what has been measured."""

    def __init__(self, base: str, runs: int, objects: list[int], networked: list[int]) -> None:
        self.base = base
        self.runs = runs
        self.objects = objects
        self.networked = networked
        self.results: list[Result] = []
        self.memory_kib: dict[str, dict[str, int]] = {}
        self.all: list[peers.Peer] = []
        self.archive = peers.busybox_archive()
        self._teams: dict[str, list[peers.Peer]] = {}

    def users(self) -> list[str | None]:
        """Who runs the programs: us, and the test user if we are root and there is one."""
        if os.geteuid() != 0 or not peers.user_exists(TEST_USER):
            return [None]
        return [None, TEST_USER]

    def team(self, user: str | None) -> list[peers.Peer]:
        """Argosy and its peers as this user, each with the busybox image."""
        name = user or "self"
        if name not in self._teams:
            launcher = peers.launcher_for(self.base, user)
            found = [peers.argosy(self.base, launcher, user), peers.podman(self.base, user)]
            if user is None:
                found.append(peers.docker())
            self._teams[name] = [peer for peer in found if peer is not None]
            self.all += self._teams[name]
            for peer in self._teams[name]:
                peers.give_image(peer, self.archive)
        return self._teams[name]

    def add(self, result: Result) -> None:
        """Print and keep one measurement."""
        self.results.append(result)
        for line in report.lines(result):
            print(line, flush=True)


def _who(user: str | None) -> str:
    return "root" if user is None and os.geteuid() == 0 else "rootless"


def run(bench: Bench) -> None:
    """Containers: without a network, with the default one, exec."""
    for user in bench.users():
        team = bench.team(user)
        runtime = peers.bare_runtime(bench.base, bench.archive) if _who(user) == "root" else None
        bench.add(work.run_without_network(team, runtime, bench.runs, _who(user)))
        if _who(user) == "rootless":
            bench.add(work.run_with_default_network(team, bench.runs, _who(user)))
        bench.add(work.exec_in_running(team, bench.runs, _who(user)))


def lists(bench: Bench) -> None:
    """`--version`, and the lists with growing numbers of objects."""
    team = bench.team(None)
    bench.add(work.versions(team, bench.runs))
    have = 0
    for count in sorted(bench.objects):
        work.grow_containers(team, have, count)
        work.grow_images(team, have, count)
        have = count
        for result in work.lists(team, count, max(5, bench.runs // 2)):
            bench.add(result)


def crowd(bench: Bench) -> None:
    """Many containers: what they use, and all of them removed."""
    team = bench.team(None)
    most = max(bench.objects)
    if most:
        bench.add(work.stats(team, min(most, _RUNNING), max(5, bench.runs // 2)))
        bench.add(work.prune(team, most))


def burst(bench: Bench) -> None:
    """Many detached containers at once."""
    bench.add(work.many_at_once(bench.team(None)))


def memory(bench: Bench) -> None:
    """What one idle container holds."""
    for peer in bench.team(None):
        if peer.name == "docker":
            continue
        try:
            held = work.idle_memory(peer)
        except RuntimeError as failure:
            if peer.name == "argosy":
                raise
            print(f"  (memory: {peer.name} takes no part: {failure})", flush=True)
            continue
        bench.memory_kib[peer.name] = held
        shown = ", ".join(f"{name} {kib} KiB" for name, kib in held.items()) or "nothing"
        print(f"memory of an idle container, {peer.name}: {shown}", flush=True)


def pull(bench: Bench) -> None:
    """A large image from a registry on this machine, on disk and on tmpfs."""
    for result in pulls.measure(bench.base):
        bench.add(result)


def namespaces(bench: Bench) -> None:
    """A large image in user namespaces of its own, without privilege."""
    user = bench.users()[-1]
    if _who(user) == "rootless":
        for result in userns.measure(bench.team(user), bench.archive, bench.runs):
            bench.add(result)


def copy(bench: Bench) -> None:
    """Images between registries, layouts, archives and stores."""
    for result in copies.measure(bench.base):
        bench.add(result)


def build(bench: Bench) -> None:
    """Builds, against buildah."""
    for user in bench.users():
        for result in builds.measure(bench.base, user, runs=bench.runs):
            bench.add(result)


def network(bench: Bench) -> None:
    """Bridges: the start of a container, with growing numbers of them, and throughput."""
    for user in bench.users():
        if _who(user) == "rootless":
            for result in networks.throughput(bench.team(user), "rootless"):
                bench.add(result)
            continue
        with networks.apart(bench.team(user)) as team:
            bench.add(networks.starts(team, bench.runs))
            for result in networks.throughput(team, "root"):
                bench.add(result)
            for result in networks.growth(team[0], bench.networked, bench.runs):
                bench.add(result)


def daily(bench: Bench) -> None:
    """commit, and cp of a large file and of many."""
    team = [peer for peer in bench.team(None) if peer.name != "docker"]
    for result in everyday.measure(bench.base, team):
        bench.add(result)


PARTS = {
    "network": network,
    "run": run,
    "userns": namespaces,
    "burst": burst,
    "memory": memory,
    "pull": pull,
    "copy": copy,
    "build": build,
    "crowd": crowd,
    "everyday": daily,
    "lists": lists,
}


def main() -> int:
    """Run the benches that the command line names."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="timed runs of each short command")
    parser.add_argument("--only", action="append", default=[], choices=sorted(PARTS), help="measure this part alone")
    parser.add_argument("--objects", type=int, nargs="*", default=[0, 100, 1000], help="sizes for the lists")
    parser.add_argument("--networked", type=int, nargs="*", default=[1, 100, 500], help="containers on the bridge")
    options = parser.parse_args()
    base = tempfile.mkdtemp(prefix="argosy-bench.")
    os.chmod(base, 0o711)
    bench = Bench(base, options.runs, options.objects, options.networked)
    try:
        for name in options.only or PARTS:
            PARTS[name](bench)
    finally:
        for peer in reversed(bench.all):
            peers.clear(peer)
        shutil.rmtree(base, ignore_errors=True)
    report.remember(bench.results, bench.memory_kib)
    missed = [
        f"{result.work}: {result.ratio(name):.3f} of {name}, bar {bar:.2f}"
        for result in bench.results
        for name, bar in result.bars.items()
        if name in result.seconds and result.ratio(name) > bar
    ]
    print(f"\n{len(bench.results)} measurements, {len(missed)} bars missed" + "".join(f"\n  {text}" for text in missed))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
