"""Mounts that are made while a container runs come through as far as its options say, with both runtimes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.rig import host
from tests.rig.program import Program

pytestmark = [host.needs_root]

RUNTIMES = [name for name in ("crun", "runc") if host.program(name) is not None]
# What a container may do that mounts for itself.
MOUNTING = ("--cap-add", "sys_admin", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined")


@pytest.fixture
def shared(tmp_path: os.PathLike[str]) -> Iterator[str]:
    """A file system of its own, which is shared, with two directories."""
    place = f"{tmp_path}/shared"
    os.mkdir(place)
    mount("-t", "tmpfs", "tmpfs", place)
    mount("--make-shared", place)
    os.mkdir(f"{place}/in")
    os.mkdir(f"{place}/out")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--recursive", place], check=True)


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_propagation(argosy: Program, busybox: str, shared: str, runtime: str) -> None:
    places = {"shared": "/a", "rslave": "/b", "private": "/c"}
    volumes = [word for kind, place in places.items() for word in ("-v", f"{shared}:{place}:{kind}")]
    argosy.run(
        *("run", "-d", "--name", "it", "--runtime", runtime, "--network", "none", *MOUNTING, *volumes, busybox),
        *("sleep", "1000"),
    )
    mount("-t", "tmpfs", "tmpfs", f"{shared}/in")
    os.mkdir(f"{shared}/in/of-the-host")
    script = "mount -t tmpfs tmpfs /b/out; mkdir /b/out/hidden; mount -t tmpfs tmpfs /a/out; mkdir /a/out/seen"
    done = argosy.run("exec", "it", "sh", "-c", f"ls /a/in /b/in /c/in; {script}")
    assert done.lines == ["/a/in:", "of-the-host", "", "/b/in:", "of-the-host", "", "/c/in:"]
    assert os.listdir(f"{shared}/out") == ["seen"]
    argosy.run("rm", "--force", "--time", "0", "it")
