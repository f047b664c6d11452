"""podman beside us: a store of its own for each test."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from tests.interop import tree
from tests.interop.tree import Tree
from tests.rig import host

T = TypeVar("T")


class Podman:
    """podman as root, on a store of its own."""

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def run(self, *arguments: str, check: bool = True, input: bytes = b"") -> subprocess.CompletedProcess[str]:
        argv = ["podman", "--root", f"{self.directory}/root", "--runroot", f"{self.directory}/run"]
        done = subprocess.run([*argv, *arguments], check=False, capture_output=True, input=input)
        text = subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        )
        assert not check or done.returncode == 0, f"podman {' '.join(arguments)}:\n{text.stderr}"
        return text

    @property
    def major(self) -> int:
        """The first number of podman's version."""
        return int(self.run("--version").stdout.split()[-1].split(".")[0])

    def image_id(self, name: str) -> str:
        found: str = json.loads(self.run("image", "inspect", name).stdout)[0]["Id"]
        return found

    def tree(self, name: str) -> Tree:
        """The tree of an image, as podman mounts it."""
        place = self.run("image", "mount", name).stdout.strip()
        try:
            return tree.of_directory(place)
        finally:
            self.run("image", "unmount", "--force", name)


def side_by_side(ours: Callable[[], T], theirs: Callable[[], T]) -> tuple[T, T]:
    """What both give, who work at once."""
    with ThreadPoolExecutor(2) as pool:
        running = pool.submit(ours), pool.submit(theirs)
        return running[0].result(), running[1].result()


def inspected(run: Callable[..., Any], words: Iterable[list[str]]) -> list[dict[str, Any]]:
    """What `inspect` tells of the containers that these words create, whose names are given to them."""
    made = {f"it{number}": command for number, command in enumerate(words)}
    for name, command in made.items():
        run(command[0], "--name", name, *command[1:])
    found = {document["Name"]: document for document in json.loads(run("inspect", *made).stdout)}
    return [found[name] for name in made]


@pytest.fixture
def podman() -> Iterator[Podman]:
    """podman, where it is installed and we are root."""
    if host.program("podman") is None:
        pytest.skip("podman is not installed")
    if not host.is_root():
        pytest.skip("needs root: the trees are compared with those of podman's root")
    directory = tempfile.mkdtemp(prefix="argosy-podman.")
    peer = Podman(directory)
    yield peer
    peer.run("rmi", "--all", "--force", check=False)
    peer.run("unshare", "true", check=False)
    for line in reversed(_mounts(directory)):
        subprocess.run(["umount", "-l", line], check=False)
    shutil.rmtree(directory, ignore_errors=True)
    assert not os.path.exists(directory)


def _mounts(directory: str) -> list[str]:
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        return [line.split()[4] for line in table if line.split()[4].startswith(directory)]
