"""Eight at once on one store: pull, import, tag, untag, create, rm, rmi, prune and look, over images that share layers.

Nothing fails but for reasons that a single user would understand (the image or name is gone, or in use), and nothing is
left over.  ARGOSY_CROWD_S is how long it goes on.
"""

from __future__ import annotations

import io
import os
import random
import tarfile
import threading
import time

from tests.rig import leaks, processes
from tests.rig.program import Program
from tests.rig.registry import Registry, image

SECONDS = float(os.environ.get("ARGOSY_CROWD_S", "10"))
WORKERS = 8
EXPECTED = (
    "image not known",
    "tag not known",
    "image is in use by a container",
    "was removed meanwhile",
    "is already in use",
    "no container with name or ID",
    "several images have names that end so",
)


class Crowd:
    """Workers that choose what to do by chance, each with its own seed."""

    def __init__(self, program: Program, references: list[str]) -> None:
        self.program = program
        self.references = references
        self.unexpected: list[str] = []
        self.done: dict[str, int] = {}
        self.end = time.monotonic() + SECONDS

    def work(self, number: int) -> None:
        chance = random.Random(number)
        while time.monotonic() < self.end:
            reference, local = chance.choice(self.references), f"local{chance.randrange(4)}"
            words = chance.choice(
                (
                    ("pull", "-q", "--tls-verify=false", reference),
                    ("pull", "-q", "--tls-verify=false", reference),
                    ("import", "-q", "-", local),
                    ("tag", reference, local),
                    ("untag", reference),
                    ("rmi", local),
                    ("rmi", "-f", reference),
                    ("image", "prune", "-f"),
                    ("image", "prune", "-a", "-f"),
                    ("images", "--format", "json"),
                    ("image", "inspect", reference),
                    ("history", reference),
                    ("create", "--pull", "never", "--network", "none", "--name", f"c{number}", reference, "/x"),
                    ("rm", "-f", f"c{number}"),
                )
            )
            self._do(words)

    def _do(self, words: tuple[str, ...]) -> None:
        done = self.program.run(*words, check=False, input=ARCHIVE if words[0] == "import" else b"")
        self.done[words[0]] = self.done.get(words[0], 0) + 1
        if (done.returncode or done.stderr) and not any(text in done.stderr for text in EXPECTED):
            self.unexpected.append(f"{' '.join(words)}: {done.returncode}: {done.stderr.strip()}")


def _archive() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        entry = tarfile.TarInfo("imported")
        made.addfile(entry)
    return out.getvalue()


ARCHIVE = _archive()


def test_a_crowd(argosy: Program, insecure_registry: Registry) -> None:
    known = set(processes.descendants())
    shared = [{"base": os.urandom(200_000)}, {"more": os.urandom(50_000)}]
    references = [
        insecure_registry.push(
            "crowd/image", str(tag), image([*shared[: 1 + tag % 2], {f"top{tag}": os.urandom(60_000)}])
        )
        for tag in range(6)
    ]
    crowd = Crowd(argosy, references)
    threads = [threading.Thread(target=crowd.work, args=(number,)) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert crowd.unexpected == []
    assert crowd.done["pull"] > 1
    argosy.run("rm", "--all", "--force", "--time", "0")
    argosy.run("rmi", "--all", "--force")
    assert processes.settle(known | leaks.pause_processes(argosy), 20) == {}
    assert argosy.run("system", "check").returncode == 0
    for name in ("layers", "images", "chains", "blobs/sha256", "tmp"):
        assert os.listdir(f"{argosy.root}/{name}") == []
