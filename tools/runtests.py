"""Runs the tests: those in the named places, or all, in parts side by side.

usage: python tools/runtests.py [PLACE...]

Most tests wait for a disk, a timer or a program that ends: three parts at once take less than half the time of one.
Each line of theirs is printed as it comes, with its part's name.  What fails is run once more, by itself: tests that
kill, fill and race depend on what else the machine does.
"""

from __future__ import annotations

import glob
import os
import subprocess
import sys
import threading
from fnmatch import fnmatch

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PYTEST = (f"{CHECKOUT}/.venv/bin/python", "-m", "pytest")
# The parts take about the same time; the last one has whatever the others do not name.
PARTS: dict[str, tuple[str, ...]] = {
    "hostile": ("attacks/*", "faults/*"),
    "integration": ("integration/test_[c-z]*",),
    "other": (),
}
_NO_TESTS = 5  # pytest's status


def places() -> dict[str, list[str]]:
    """The files of tests of each part."""
    left = set(glob.glob("tests/**/test_*.py", root_dir=CHECKOUT, recursive=True))
    found = {}
    for part, patterns in PARTS.items():
        chosen = {path for path in left if not patterns or any(fnmatch(path, f"tests/{text}") for text in patterns)}
        found[part] = sorted(chosen)
        left -= chosen
    return found


class Part:
    """One run of pytest, with a cache of what failed that is its own."""

    def __init__(self, name: str, tests: list[str]) -> None:
        self.name = name
        self.tests = tests
        self.status = -1
        self._prefix = f"[{name}] " if name else ""

    def run(self, *more: str) -> None:
        """Run it and print what it says; `status` is pytest's then."""
        cache = f"cache_dir={CHECKOUT}/.pytest_cache/{self.name or 'named'}"
        argv = [*PYTEST, "-q", "-o", cache, *more, *self.tests]
        with subprocess.Popen(
            argv, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as running:
            for line in running.stdout or ():
                sys.stdout.buffer.write(self._prefix.encode() + line)
                sys.stdout.buffer.flush()
        self.status = running.returncode


def run_all(parts: list[Part]) -> None:
    """Run the parts side by side."""
    threads = [threading.Thread(target=part.run) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main(named: list[str]) -> int:
    """Run the tests; 0 when all passed, at the latest the second time."""
    if named:
        parts = [Part("", named)]
    else:
        for rootfs in ("busybox-rootfs", "debian-rootfs"):  # all parts use them: they are made once, before
            subprocess.run([f"{CHECKOUT}/tools/{rootfs}"], check=True, stdin=subprocess.DEVNULL)
        parts = [Part(name, tests) for name, tests in places().items()]
    run_all(parts)
    for part in parts:
        if part.status not in (0, _NO_TESTS):
            print(f"Once more, what failed{' in ' if part.name else ''}{part.name}:", flush=True)
            part.run("--last-failed", "--last-failed-no-failures", "none")
    for part in parts:
        print(f"{part.name or 'tests'}: {'passed' if part.status == 0 else f'FAILED (pytest: {part.status})'}")
    return 0 if all(part.status == 0 for part in parts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
