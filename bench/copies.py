"""Images on the move, beside skopeo and podman: copies between registries and layouts, pushes, save and load.

One image of 3 layers, 12,000 files and 240 MB; both stores on one disk.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator

from bench import peers, pulls
from bench.peers import Peer
from bench.timing import Contender, Result, race

FILES = 12_000
TOTAL_BYTES = 240 << 20
_INSECURE = ("--src-tls-verify=false", "--dest-tls-verify=false")


def measure(base: str, *, runs: int = 5) -> Iterator[Result]:
    """All rows.  Yields nothing where there is no docker-registry or no skopeo."""
    if shutil.which("docker-registry") is None or shutil.which("skopeo") is None:
        print("copies: docker-registry and skopeo are needed (`make test` installs them)")
        return
    directory = f"{base}/copies"
    os.mkdir(directory)
    launcher = peers.launcher_for(base, None)
    with pulls.registry(directory) as address:
        layout = pulls.make_image(f"{directory}/image", files=FILES, total_bytes=TOTAL_BYTES)
        image = f"{address}/bench/copied:1"
        peers.call(["skopeo", "copy", "--dest-tls-verify=false", f"oci:{layout}:1", f"docker://{image}"])
        yield from _skopeo(directory, launcher, address, image, runs)
        team = [peer for peer in (peers.argosy(directory, launcher), peers.podman(directory)) if peer is not None]
        try:
            for peer in team:
                peer("pull", "-q", "--tls-verify=false", image)
            yield from _pushes(team, address, image, runs)
            yield from _archives(team, directory, image, runs)
        finally:
            for peer in team:
                peers.clear(peer)


def _skopeo(directory: str, launcher: str, address: str, image: str, runs: int) -> Iterator[Result]:
    """skopeo's copies, by both programs, each to a place of its own that is empty before each run."""
    state = ["--root", f"{directory}/skopeo-root", "--runroot", f"{directory}/skopeo-run"]
    programs = {"argosy": [f"{os.path.dirname(launcher)}/skopeo", *state], "skopeo": ["skopeo"]}

    def contenders(target: Callable[[str], str], before: Callable[[str], object]) -> list[Contender]:
        return [
            Contender(
                name,
                [*words, "copy", "-q", *_INSECURE, f"docker://{image}", target(name)],
                before=lambda name=name: before(name),  # type: ignore[misc]  # bound in the loop
            )
            for name, words in programs.items()
        ]

    def fresh(name: str) -> str:
        return f"{directory}/to-{name}"

    def clear(name: str) -> None:
        shutil.rmtree(fresh(name), ignore_errors=True)

    bars = {"skopeo": 1.0}
    yield race("copy registry to oci", contenders(lambda name: f"oci:{fresh(name)}:1", clear), runs=runs, bars=bars)
    for name in programs:
        clear(name)
    yield race("copy registry to dir", contenders(lambda name: f"dir:{fresh(name)}", clear), runs=runs, bars=bars)
    target = f"docker://{address}/bench/again"
    yield race(
        "copy registry to registry, all there", contenders(lambda name: f"{target}-{name}:1", str), runs=runs, bars=bars
    )


def _pushes(team: list[Peer], address: str, image: str, runs: int) -> Iterator[Result]:
    """What the registry has, and what it has not: an image of one layer more each time."""

    def push(peer: Peer, source: str, name: str) -> list[str]:
        return [*peer.words, "push", "-q", "--tls-verify=false", source, f"{address}/bench/pushed-{peer.name}:{name}"]

    yield race(
        "push, unchanged",
        [Contender(peer.name, push(peer, image, "same")) for peer in team],
        runs=runs,
        bars={"podman": 0.3},
    )
    rootfs = peers.busybox_archive()

    def change(peer: Peer) -> None:
        with open(rootfs, "rb") as file:
            data = file.read()
        words = [*peer.words, "import", "-q", "-c", f"LABEL run={os.urandom(8).hex()}", "-", "localhost/bench/changed"]
        peers.call(words, text=data)

    yield race(
        "push, one new layer to compress",
        [
            Contender(peer.name, push(peer, "localhost/bench/changed", "new"), before=lambda peer=peer: change(peer))  # type: ignore[misc]
            for peer in team
        ],
        runs=runs,
        bars={"podman": 0.5},
    )


def _archives(team: list[Peer], directory: str, image: str, runs: int) -> Iterator[Result]:
    """save to both archives, and load of what podman has saved."""
    for form in ("docker-archive", "oci-archive"):

        def remove(name: str, form: str = form) -> None:
            shutil.rmtree(f"{directory}/{name}.{form}", ignore_errors=True)
            if os.path.exists(f"{directory}/{name}.{form}"):
                os.unlink(f"{directory}/{name}.{form}")

        yield race(
            f"save, {form}",
            [
                Contender(
                    peer.name,
                    [*peer.words, "save", "-q", "--format", form, "-o", f"{directory}/{peer.name}.{form}", image],
                    before=lambda peer=peer: remove(peer.name),  # type: ignore[misc]
                )
                for peer in team
            ],
            runs=runs,
            bars={"podman": 0.5},
        )

    def forget(peer: Peer) -> None:
        subprocess.run(peer.argv("rmi", "-f", image), capture_output=True, check=False)

    for form in ("docker-archive", "oci-archive"):
        archive = f"{directory}/{team[-1].name}.{form}"
        yield race(
            f"load, {form}",
            [
                Contender(
                    peer.name,
                    [*peer.words, "load", "-q", "-i", archive],
                    before=lambda peer=peer: forget(peer),  # type: ignore[misc]
                )
                for peer in team
            ],
            runs=runs,
            bars={"podman": 0.5},
        )
