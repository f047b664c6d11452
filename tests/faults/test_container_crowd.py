"""Many at once on one store: eight workers that pull, run, tag, prune and remove; fifty `run -d` from a cold store.

Nothing fails but for reasons that a single user would understand, and nothing is left over.  ARGOSY_CROWD_S is how long
the eight go on, ARGOSY_CROWD how many run at once.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable

import pytest

from tests.faults.test_image_crowd import SECONDS, WORKERS
from tests.rig import images, leaks, processes
from tests.rig.program import Program, finish
from tests.rig.registry import Registry, image

CROWD = int(os.environ.get("ARGOSY_CROWD", "50"))
INSECURE = "--tls-verify=false"
NO_NETWORK = ("--network", "none")
# What another worker may have done meanwhile.
EXPECTED = (
    "image not known",
    "tag not known",
    "image is in use by a container",
    "was removed meanwhile",
    "is already in use",
    "no container with name or ID",
    "no such container",
    "no such object",
    "container state improper",
    "has ended meanwhile",
    "is not running",
    "several images have names that end so",
)


def push(registry: Registry, repository: str, count: int) -> list[str]:
    """Images of a busybox that they share, each with a layer of its own above."""
    with open(images.busybox_archive(), "rb") as file:
        base = file.read()
    made = (image([base, {f"top{number}": os.urandom(50_000)}], config={"Cmd": ["true"]}) for number in range(count))
    return [registry.push(repository, str(number), one) for number, one in enumerate(made)]


class Crowd:
    """Workers that choose what to do by chance, each with its own seed and a container of its own."""

    def __init__(self, program: Program, references: list[str]) -> None:
        self.program = program
        self.references = references
        self.unexpected: list[str] = []
        self.done: dict[str, int] = {}
        self.end = time.monotonic() + SECONDS

    def work(self, number: int) -> None:
        chance = random.Random(number)
        while time.monotonic() < self.end:
            words = self._choose(chance, f"c{number}", f"c{chance.randrange(WORKERS)}", chance.choice(self.references))
            done = self.program.run(*words, check=False)
            self.done[words[0]] = self.done.get(words[0], 0) + 1
            ended = words[0] == "exec" and not done.stderr  # its process went with the container
            if done.returncode and not ended and not any(text in done.stderr for text in EXPECTED):
                self.unexpected.append(f"{' '.join(words)}: {done.returncode}: {done.stdout}{done.stderr}")

    def _choose(self, chance: random.Random, own: str, other: str, reference: str) -> tuple[str, ...]:
        choices: tuple[tuple[str, ...], ...] = (
            ("pull", "-q", INSECURE, reference),
            ("run", "--rm", INSECURE, *NO_NETWORK, reference),
            ("run", "--rm", INSECURE, *NO_NETWORK, "-v", "/data", "-v", "shared:/shared", reference),
            ("run", "-d", "--name", own, INSECURE, *NO_NETWORK, reference, "sleep", "600"),
            ("create", "--name", own, INSECURE, *NO_NETWORK, reference, "sleep", "600"),
            ("start", other),
            ("exec", other, "true"),
            ("stop", "-t", "0", other),
            ("kill", other),
            ("rm", "-f", "-t", "0", other),
            ("ps", "-a"),
            ("logs", other),
            ("inspect", other),
            ("tag", reference, f"local{chance.randrange(4)}"),
            ("rmi", f"local{chance.randrange(4)}"),
            ("rmi", "-f", reference),
            ("container", "prune", "-f"),
            ("image", "prune", "-f"),
            ("system", "prune", "-a", "-f"),
            ("system", "check", "--repair", "--quick"),
        )
        return chance.choice(choices)


def together(workers: list[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=worker) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_crowd(argosy_both: Program, insecure_registry: Registry) -> None:
    program = argosy_both
    known = set(processes.descendants())
    crowd = Crowd(program, push(insecure_registry, "crowd/containers", 4))
    together([lambda number=number: crowd.work(number) for number in range(WORKERS)])  # type: ignore[misc]
    assert not crowd.unexpected, "\n".join(crowd.unexpected)
    assert len(crowd.done) > 5
    program.run("rm", "-a", "-f", "-t", "0")
    program.run("rmi", "-a", "-f")
    assert processes.settle(known | leaks.pause_processes(program), 20) == {}
    assert program.run("system", "check").stdout == "No damage, nothing left over\n"
    assert leaks.left_over(program, known) == []
    for name in ("containers", "layers", "images", "chains", "blobs/sha256"):
        assert leaks.names(f"{program.root}/{name}") == []


@pytest.mark.parametrize("flags", [NO_NETWORK, ()], ids=["none", "private"])
def test_run_from_a_cold_store(argosy_both: Program, insecure_registry: Registry, flags: tuple[str, ...]) -> None:
    """There is nothing yet: no store, no user namespace, no image."""
    program = argosy_both
    (reference,) = push(insecure_registry, "crowd/cold", 1)
    command = ("run", "-d", "-q", INSECURE, *flags, reference, "sleep", "600")
    running = [program.start(*command) for _ in range(CROWD)]
    done = [finish(process, check=False) for process in running]
    assert [one.stderr for one in done if one.returncode] == []
    ids = {one.stdout.strip() for one in done}
    assert len(ids) == CROWD
    assert set(program.run("ps", "-q", "--no-trunc").lines) == ids
    program.run("rm", "-a", "-f", "-t", "0")
