"""A day of a docker user: commands, and what docker's client and daemon print for them.

`docker_day.transcript` is what both must say: a line `$ COMMAND` for each step, what it prints, standard error behind
`! `, and `[STATUS]` where it is not 0.  Ids, times, sizes and directories stand in it as words.
`python -m tests.interop.docker_day` writes it anew from docker.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from typing import NamedTuple

PATH = f"{os.path.dirname(os.path.abspath(__file__))}/docker_day.transcript"
_TIMEOUT_S = 120
_WORDS = (
    (r"\b[0-9a-f]{64}\b", "<id>"),
    (r"\b[0-9a-f]{12}\b", "<short>"),
    (r"((About )?an?|Less than a|\d+) (second|minute)s?", "<time>"),
    (r"\b\d+(\.\d+)?[kM]?B\b", "<size>"),
    (r" +", " "),
    (r"\s+$", ""),
)


class Step(NamedTuple):
    """A command, and what it printed, as lines of the transcript."""

    command: str
    said: tuple[str, ...]


def steps() -> Iterator[Step]:
    """The steps of the transcript."""
    with open(PATH) as file:
        for part in file.read().split("\n$ "):
            command, *said = part.removeprefix("$ ").rstrip("\n").split("\n")
            yield Step(command, tuple(said))


def lived(command: str, docker: str, directory: str, environment: Mapping[str, str]) -> Step:
    """The step as it goes when `docker` is the words that call docker; the shell works in `directory`."""
    script = f'docker() {{ {docker} "$@"; }}\n{command}'
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=directory,
        env=environment,
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=_TIMEOUT_S,
    )
    out = _plain(done.stdout, directory)
    errors = [f"! {line}".rstrip() for line in _plain(done.stderr, directory)]
    return Step(command, (*out, *errors, *([f"[{done.returncode}]"] if done.returncode else [])))


def _plain(output: bytes, directory: str) -> list[str]:
    lines = output.decode(errors="replace").replace(directory, "<directory>").splitlines()
    for pattern, word in _WORDS:
        lines = [re.sub(pattern, word, line) for line in lines]
    return lines


def difference(wanted: Step, found: Step) -> str:
    """Both, where they are not the same; else "" """
    if wanted == found:
        return ""
    return "\n".join(
        [f"$ {wanted.command}", *(f"-{line}" for line in wanted.said), *(f"+{line}" for line in found.said)]
    )


def main() -> None:
    """Write the transcript anew."""
    from tests.interop import test_docker_day
    from tests.rig import docker_engine

    with docker_engine.running() as engine:
        made = list(test_docker_day.dockers(engine))
    with open(PATH, "w") as file:
        file.writelines("\n".join([f"$ {step.command}", *step.said, ""]) for step in made)


if __name__ == "__main__":
    main()
