"""User namespaces: what the first `run --userns keep-id` of an image costs, and each that follows."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator, Sequence

from bench.peers import Peer, call
from bench.timing import Contender, Result, once, race

FILES = 20_000
_LARGE = "localhost/bench/large:latest"
_EACH = 50  # files in a directory
_SIZE_BYTES = 18_000  # as in the image of the pull bench


def measure(peers: Sequence[Peer], archive: str, runs: int) -> Iterator[Result]:
    """The first run under each of several maps, then the same map again and again."""
    data = _large(archive)
    peers = [_with_overlay(peer) for peer in peers]
    for peer in peers:
        call([*peer.words, "import", "-", _LARGE], user=peer.user, text=data)
    words = ("run", "--rm", "--network", "none")
    seconds: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for number in range(max(3, runs // 5)):
        for peer in peers:
            flags = ("--userns", f"keep-id:uid={3000 + number}")
            seconds[peer.name].append(once(peer.contender(*words, *flags, _LARGE, "true")))
    first = {name: tuple(times) for name, times in seconds.items()}
    yield Result(f"first run --userns keep-id, {FILES:,} files (rootless)", first, {"podman": 0.5})
    again: list[Contender] = [peer.contender(*words, "--userns", "keep-id", _LARGE, "true") for peer in peers]
    yield race(f"another run --userns keep-id, {FILES:,} files (rootless)", again, runs=runs, bars={"podman": 0.45})
    for peer in peers:
        if peer.name == "podman":
            peer("rmi", "-f", "-a")


def _with_overlay(peer: Peer) -> Peer:
    """podman with the kernel's overlay, where it would take vfs, and copy for each container."""
    if peer.name != "podman":
        return peer
    root = peer.words[peer.words.index("--root") + 1]
    words = [f"{word}-overlay" if word == root else word for word in peer.words]
    return Peer(peer.name, [*words, "--storage-driver", "overlay"], peer.user)


def _large(archive: str) -> bytes:
    """The busybox archive with many small files of two owners."""
    with open(archive, "rb") as file:
        data = io.BytesIO(file.read())
    content = os.urandom(_SIZE_BYTES)
    with tarfile.open(fileobj=data, mode="a") as tar:
        for number in range(FILES):
            directory = f"large/package-{number // _EACH}"
            if number % _EACH == 0:
                below = tarfile.TarInfo(directory)
                below.type, below.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(below)
            member = tarfile.TarInfo(f"{directory}/module-{number}.py")
            member.size, member.mode, member.uid = _SIZE_BYTES, 0o644, 5 * (number % 4 == 0)
            tar.addfile(member, io.BytesIO(content))
    return data.getvalue()
