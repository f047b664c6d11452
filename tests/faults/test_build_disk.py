"""A build on a disk that becomes full in the middle: it says so, and with room again goes on from the cache."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.faults.disk import Disk, can_cut
from tests.rig import leaks, processes
from tests.rig.program import Program

pytestmark = pytest.mark.skipif(not can_cut(), reason="needs root, loop devices and mkfs.ext4")

DOCKERFILE = b"""FROM busybox
RUN echo one > /one
COPY file /copied/
RUN head -c 900000 /dev/zero | tr '\\0' x > /large && cp /large /again
ENV DONE=1
"""
STEPS = DOCKERFILE.count(b"\n") - 1
ROOM = (0, 100_000, 1_200_000, 2_500_000)


@pytest.fixture
def disk(argosy: Program) -> Iterator[Disk]:
    """The program's store is a disk of its own, with busybox on it."""
    known = set(processes.descendants())
    with Disk(argosy.base, 24, path=argosy.root) as made:
        argosy.busybox()
        os.mkdir(f"{argosy.files}/ctx")
        argosy.write("ctx/file", b"y" * 100_000)
        assert processes.settle(known) == {}
        yield made


def test_a_full_disk(argosy: Program, disk: Disk) -> None:
    words = ("build", "--network", "none", "-t", "built", "-f", "-", f"{argosy.files}/ctx")
    failures, resumed = 0, 0
    for room in ROOM:
        filling = disk.fill(room)
        done = argosy.run(*words, input=DOCKERFILE, check=False)
        assert done.returncode in (0, 1, 125), done.stderr
        failures += done.returncode != 0
        if done.returncode:
            assert "no space left" in (done.stdout + done.stderr).lower()
            assert "built" not in argosy.run("images").stdout
        os.unlink(filling)
        again = argosy.run(*words, input=DOCKERFILE).stdout
        cached = again.count("Using cache")
        resumed += 0 < cached < STEPS
        assert done.returncode or cached == STEPS
        script = "cat /one; wc -c < /large; cmp /large /again && wc -c < /copied/file"
        assert argosy.run("run", "--rm", "--network", "none", "built", "sh", "-c", script).lines == [
            "one",
            "900000",
            "100000",
        ]
        argosy.run("rmi", "-f", "built")
        argosy.run("builder", "prune", "-f")
        assert argosy.run("system", "check", "--quick").stdout == "No damage, nothing left over\n"
    assert 1 < failures < len(ROOM)
    assert resumed
    left = leaks.left_over(argosy, set(processes.descendants()))
    assert [text for text in left if text != f"mount: {argosy.root}"] == []
