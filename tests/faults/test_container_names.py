"""Eight at once over four names: create, replace, start, restart, rename, stop, remove, exec, with restart policies.

Each command fails only for what another did meanwhile, and in the end nothing is left of any container, also where some
of the commands are killed.  ARGOSY_CROWD_S is how long it goes on, ARGOSY_CROWD_SEED what chance begins with.
"""

from __future__ import annotations

import os
import random
import threading
import time

import pytest

from tests.faults.test_container_crowd import EXPECTED, NO_NETWORK, together
from tests.faults.test_image_crowd import WORKERS
from tests.rig import leaks, processes
from tests.rig.program import Program

SECONDS = float(os.environ.get("ARGOSY_CROWD_S", "6"))
SEED = int(os.environ.get("ARGOSY_CROWD_SEED", "1"))
NAMES = 4
# What another worker may have done meanwhile, beside what may happen to any container.
MEANWHILE = (
    *EXPECTED,
    "started again meanwhile",
    "has dependent containers",
    "already in use",
    "is not a valid container",
    "which is not there any more",
)
PROGRAMS = (
    ("busybox", "true"),
    ("busybox", "sleep", "0.2"),
    ("busybox", "sleep", "600"),
    ("busybox", "sh", "-c", "trap 'exit 0' TERM; sleep 600"),
)


class Crowd:
    """Workers that choose what to do by chance, each with its own seed; a share of the commands is killed."""

    def __init__(self, program: Program, killed: float) -> None:
        self.program = program
        self.killed = killed
        self.unexpected: list[str] = []
        self.succeeded: set[str] = set()
        self.end = time.monotonic() + SECONDS

    def work(self, number: int) -> None:
        chance = random.Random(SEED * WORKERS + number)
        while time.monotonic() < self.end:
            words = self._choose(chance)
            if chance.random() < self.killed:
                self._kill(words, after_s=chance.random() * 0.5)
                continue
            done = self.program.run(*words, check=False)
            if not done.returncode:
                self.succeeded.add(words[0])
            elif not self._is_expected(words[0], done.returncode, done.stderr):
                self.unexpected.append(f"{' '.join(words)}: {done.returncode}: {done.stdout}{done.stderr}")

    def _is_expected(self, command: str, status: int, said: str) -> bool:
        killed = {
            "run": (137,),
            "exec": (137, 255),
        }  # the runtime's own word for a process that went with its container
        ended_by_others = status in killed.get(command, ()) and not said
        return ended_by_others or any(text in said for text in MEANWHILE)

    def _kill(self, words: tuple[str, ...], *, after_s: float) -> None:
        process = self.program.start(*words, stdout=-3, stderr=-3)
        threading.Event().wait(after_s)
        process.kill()
        process.wait()

    def _choose(self, chance: random.Random) -> tuple[str, ...]:
        one, other = (f"name{chance.randrange(NAMES)}" for _ in range(2))
        what = chance.choice(PROGRAMS)
        new = ("--replace", "--name", one, "--stop-timeout", "1", *NO_NETWORK)
        choices: tuple[tuple[str, ...], ...] = (
            ("run", "-d", *new, *what),
            ("run", "-d", "--rm", *new, *what),
            ("run", "--rm", "--name", one, *NO_NETWORK, "busybox", "true"),
            ("run", "-d", "--restart", "always", *new, *what),
            ("run", "-d", "--restart", "always", *new, "-v", "/data", *what),
            ("create", "--requires", other, *new, *what),
            ("create", *new, *what),
            ("create", "--volumes-from", other, *new, *what),
            ("restart", "-t", "0", one),
            ("restart", "-t", "1", one),
            ("rename", one, other),
            ("rm", "-f", "-t", "0", one),
            ("rm", "-f", "-t", "1", one),
            ("start", one),
            ("start", one),
            ("stop", "-t", "0", one),
            ("kill", one),
            ("exec", one, "true"),
            ("exec", "-d", one, "sleep", "5"),
            ("container", "prune", "-f"),
        )
        return chance.choice(choices)


@pytest.mark.parametrize("killed", [0.0, 0.2], ids=["", "some killed"])
def test_eight_over_four_names(argosy_both: Program, busybox: str, killed: float) -> None:
    program = argosy_both
    known = set(processes.descendants())
    crowd = Crowd(program, killed)
    together([lambda number=number: crowd.work(number) for number in range(WORKERS)])  # type: ignore[misc]
    assert not crowd.unexpected, "\n".join(crowd.unexpected)
    assert len(crowd.succeeded) > 5
    program.run("rm", "-a", "-f", "-t", "0")
    if killed:
        program.run("system", "check", "--repair", "--quick")
    assert leaks.left_over(program, known | leaks.pause_processes(program)) == []
    assert leaks.names(f"{program.root}/containers") == []
    assert program.run("system", "check").stdout == "No damage, nothing left over\n"
