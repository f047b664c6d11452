"""Write what podman makes of the corpus: `python -m tests.interop.builds [NAME...]`, as root.

Cases that are named are made anew; without names, those that the file does not have yet, for as long as a few minutes.
"""

from __future__ import annotations

import base64
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

from tests.interop.builds import corpus, outcome
from tests.interop.builds.outcome import Outcome
from tests.rig import images

PODMAN_FILE = f"{os.path.dirname(os.path.abspath(__file__))}/podman.json"
_LONGEST_S = 240.0


class Podman:
    """podman on a store of its own."""

    def __init__(self, directory: str) -> None:
        self._store = f"{directory}/root"
        self._argv = ["podman", "--root", self._store, "--runroot", f"{directory}/run"]

    def run(self, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([*self._argv, *words], check=False, capture_output=True, input=stdin)

    def config(self, image: str) -> bytes:
        name = "=" + base64.b64encode(f"sha256:{image}".encode()).decode()
        (path,) = glob.glob(f"{self._store}/overlay-images/{image}/{glob.escape(name)}")
        with open(path, "rb") as file:
            return file.read()

    def tree(self, image: str) -> dict[str, str]:
        place = self.run("image", "mount", image).stdout.decode().strip()
        try:
            return outcome.tree(place)
        finally:
            self.run("image", "unmount", "--force", image)

    def build(self, context: str, text: str, flags: tuple[str, ...], base: dict[str, str]) -> Outcome:
        words = ("build", "-q", "--layers=false", "--format", "docker", "--network", "none", *flags, "-f", "-", context)
        done = self.run(*words, stdin=text.encode())
        if done.returncode:
            return {"error": done.stderr.decode(errors="replace").strip().splitlines()[-1][:200]}
        image = done.stdout.decode().strip()
        return outcome.outcome(self.config(image), self.tree(image), base)


def main(names: list[str]) -> None:
    with open(PODMAN_FILE, encoding="utf-8") as file:
        known: dict[str, Outcome] = json.load(file)
    cases = corpus.cases()
    wanted = names or [name for name in cases if name not in known]
    known = {name: found for name, found in known.items() if name in cases}
    directory = tempfile.mkdtemp(prefix="argosy-corpus.")
    podman = Podman(directory)
    began = time.monotonic()
    try:
        os.mkdir(f"{directory}/context")
        outcome.make_context(f"{directory}/context")
        outcome.make_base(images.busybox_archive(), f"{directory}/base.tar")
        podman.run("import", f"{directory}/base.tar", "base")
        base = podman.tree("base")
        for name in wanted:
            if time.monotonic() - began > _LONGEST_S:
                break
            known[name] = podman.build(f"{directory}/context", cases[name], corpus.FLAGS.get(name, ()), base)
    finally:
        podman.run("rmi", "--all", "--force")
        subprocess.run(["umount", "-l", f"{directory}/root/overlay"], check=False, capture_output=True)
        shutil.rmtree(directory, ignore_errors=True)
        with open(PODMAN_FILE, "w", encoding="utf-8") as file:
            json.dump(known, file, indent=1, sort_keys=True, ensure_ascii=False)
            file.write("\n")
    sys.stdout.write(f"{len(known)} of {len(cases)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
