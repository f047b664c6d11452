"""What one does all day with containers, beside podman: commit, cp of a large file and of many.

Both stores, and the files to copy, are on one disk.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence

from bench.peers import IMAGE, Peer
from bench.timing import Contender, Result, race

Peers = Sequence[Peer]

LARGE_BYTES = 1 << 30
FILES, PER_DIRECTORY, FILE_BYTES = 50_000, 500, 100
CHANGED_FILES, CHANGED_BYTES = 2_000, 64 << 20
_BARS = {"podman": 0.7}
_NAME = "bench-everyday"


def measure(base: str, peers: Peers, *, runs: int = 5) -> Iterator[Result]:
    """All rows."""
    directory = f"{base}/everyday"
    os.mkdir(directory)
    try:
        for peer in peers:
            peer("create", "--name", _NAME, "--network", "none", IMAGE, "true")
        yield _commit(directory, peers, runs)
        yield from _copies(directory, peers, runs)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def make_files(directory: str, count: int, size: int) -> str:
    """A tree of so many files; its path."""
    data = os.urandom(size)
    for number in range(count):
        below = f"{directory}/{number // PER_DIRECTORY}"
        if number % PER_DIRECTORY == 0:
            os.makedirs(below)
        with open(f"{below}/{number}", "wb") as file:
            file.write(data)
    return directory


def _commit(directory: str, peers: Peers, runs: int) -> Result:
    """A container with changes that fill a layer; the image is new each time, and the one before goes unnoticed."""
    changes = make_files(f"{directory}/changes", CHANGED_FILES, CHANGED_BYTES // CHANGED_FILES)
    for peer in peers:
        peer("cp", changes, f"{_NAME}:/changes")
    contenders = [peer.contender("commit", "-q", _NAME, "localhost/bench/committed") for peer in peers]
    return race(f"commit, {CHANGED_BYTES >> 20} MiB in {CHANGED_FILES} files", contenders, runs=runs, bars=_BARS)


def _copies(directory: str, peers: Peers, runs: int) -> Iterator[Result]:
    """Into a container that does not run, and out of it."""
    large = f"{directory}/large"
    with open(large, "wb") as file:
        for _ in range(LARGE_BYTES >> 20):
            file.write(os.urandom(1 << 20))
    many = make_files(f"{directory}/many", FILES, FILE_BYTES)
    for what, source, inside in (
        (f"cp of {LARGE_BYTES >> 20} MiB", large, "/large"),
        (f"cp of {FILES} files", f"{many}/.", "/many"),
    ):
        into = [peer.contender("cp", source, f"{_NAME}:{inside}") for peer in peers]
        yield race(f"{what}, into a container", into, runs=runs, bars=_BARS)
        out = [
            Contender(
                peer.name,
                [*peer.words, "cp", f"{_NAME}:{inside}", f"{directory}/out-{peer.name}"],
                before=_remover(f"{directory}/out-{peer.name}"),
            )
            for peer in peers
        ]
        yield race(f"{what}, out of a container", out, runs=runs, bars=_BARS)
        for peer in peers:
            _remover(f"{directory}/out-{peer.name}")()


def _remover(path: str) -> Callable[[], None]:
    def remove() -> None:
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.exists(path):
            os.unlink(path)
        os.sync()  # what one leaves to be written would be the other's wait

    return remove
