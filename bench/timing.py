"""Timing of commands against each other: interleaved, so that what else the machine does hits all of them alike."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Contender:
    """A program in the race: what it is called, its command, and the user it runs as (None: ours)."""

    name: str
    argv: Sequence[str]
    user: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], object] | None = None


@dataclass(frozen=True)
class Result:
    """Seconds of each run, by contender, in the order they were taken, and the ratios that are to be kept."""

    work: str
    seconds: Mapping[str, tuple[float, ...]]
    bars: Mapping[str, float]

    def median_s(self, name: str) -> float:
        return median(self.seconds[name])

    def ratio(self, other: str) -> float:
        """Argosy's median over another's."""
        return self.median_s("argosy") / self.median_s(other)


class Failed(Exception):
    """A command that is to be timed did not work."""


def once(contender: Contender) -> float:
    """Run a contender's command once: its wall-clock time in seconds.  Raises Failed with its output."""
    if contender.before is not None:
        contender.before()
    environment = {**os.environ, **contender.env}
    argv = [*(as_user(contender.user) if contender.user else ()), *contender.argv]
    start = time.perf_counter()
    done = subprocess.run(
        argv, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=600, check=False, cwd="/"
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        output = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise Failed(f"{contender.name}: {' '.join(argv)}: exit status {done.returncode}: {output[-500:]}")
    return seconds


def as_user(user: str) -> list[str]:
    """The words that run a command as another user, with that user's home and nothing of our environment's own."""
    import pwd

    entry = pwd.getpwnam(user)
    return [
        *("setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--init-groups"),
        *("env", "-u", "XDG_RUNTIME_DIR", f"HOME={entry.pw_dir}", f"USER={user}"),
    ]


def race(work: str, contenders: Sequence[Contender], *, runs: int, bars: Mapping[str, float]) -> Result:
    """Time the contenders in turn, `runs` times each, after one run each that does not count.

    One other than argosy that fails that run takes no part, and a line says why.
    """
    contenders = [contender for contender in contenders if _takes_part(contender, work)]
    seconds: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for number in range(runs):
        order = contenders if number % 2 == 0 else list(reversed(contenders))
        for contender in order:
            seconds[contender.name].append(once(contender))
    return Result(work, {name: tuple(values) for name, values in seconds.items()}, bars)


def _takes_part(contender: Contender, work: str) -> bool:
    try:
        once(contender)
    except Failed as failure:
        if contender.name == "argosy":
            raise
        print(f"  ({work}: {contender.name} takes no part: {failure})", flush=True)
        return False
    return True
