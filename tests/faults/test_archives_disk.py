"""A full disk under what goes out of the store and comes in by archives, and under volumes.

The command says that there is no room; of what it was making nothing is left, and with room again it succeeds.
"""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.faults.disk import Disk, can_cut
from tests.rig import leaks, processes
from tests.rig.program import Completed, Program

pytestmark = pytest.mark.skipif(not can_cut(), reason="needs root, loop devices and mkfs.ext4")

OUT: dict[str, tuple[str, ...]] = {
    "save": ("save", "-q", "-o", "PLACE", "busybox"),
    "save oci-archive": ("save", "-q", "--format", "oci-archive", "-o", "PLACE", "busybox"),
    "save oci-dir": ("save", "-q", "--format", "oci-dir", "-o", "PLACE", "busybox"),
    "save docker-dir": ("save", "-q", "--format", "docker-dir", "-o", "PLACE", "busybox"),
    "push dir": ("push", "-q", "busybox", "dir:PLACE"),
    "push oci": ("push", "-q", "busybox", "oci:PLACE:tag"),
    "push docker-archive": ("push", "-q", "busybox", "docker-archive:PLACE"),
    "export": ("export", "-o", "PLACE", "c"),
}
ROOM = (0, 8192, 300_000)  # a compressed busybox has about a million


def failed_for_room(done: Completed) -> None:
    assert done.returncode == 125
    assert "no space left" in done.stderr.lower()


def test_what_goes_out(argosy: Program, busybox: str) -> None:
    argosy.run("create", "--name", "c", "--network", "none", "busybox")
    with Disk(argosy.base, 8) as disk:
        place = f"{disk.path}/place"
        before = set(os.listdir(disk.path))
        for words in OUT.values():
            command = [word.replace("PLACE", place) for word in words]
            for room in ROOM:
                filling = disk.fill(room)
                failed_for_room(argosy.run(*command, check=False))
                os.unlink(filling)
                assert set(os.listdir(disk.path)) == before, command
            argosy.run(*command)
            _remove(place)
    assert leaks.names(f"{argosy.root}/tmp") == []


def _remove(path: str) -> None:
    if os.path.isdir(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)
    subprocess.run(["sync", "-f", os.path.dirname(path)], check=True)  # or its blocks come free while others are filled


IN: dict[str, tuple[str, ...]] = {
    "load": ("load", "-q", "-i", "DOCKER"),
    "load oci-archive": ("load", "-q", "-i", "OCI"),
    "pull oci-archive": ("pull", "-q", "oci-archive:OCI"),
    "import": ("import", "-q", "DOCKER", "new:1"),
    "volume create": ("volume", "create", "new"),
}


def test_what_comes_in(argosy: Program, busybox: str) -> None:
    program = argosy
    for name, form in (("DOCKER", "docker-archive"), ("OCI", "oci-archive")):
        program.run("save", "-q", "--format", form, "-o", f"{program.files}/{name}", "busybox")
    program.run("rmi", "busybox")
    program.run("system", "reset", "-f")
    known = set(processes.descendants())
    with Disk(program.base, 12, path=program.root) as disk:
        program.run("images")
        failures = 0
        for words in IN.values():
            command = [f"{program.files}/{word}" if word in ("DOCKER", "OCI") else word for word in words]
            command = [word.replace(":OCI", f":{program.files}/OCI") for word in command]
            for room in (*ROOM, 2_500_000):
                failures += _comes_in(program, disk, command, room, known)
        assert failures > len(IN)
        program.run("system", "reset", "-f", check=False)


def _comes_in(program: Program, disk: Disk, command: list[str], room: int, known: set[int]) -> bool:
    """Try it with so much room, and then with enough; whether the first failed."""
    filling = disk.fill(room)
    done = program.run(*command, check=False)
    failed = done.returncode != 0
    if failed:
        failed_for_room(done)
        assert _there(program) == []
    os.unlink(filling)
    if failed:
        program.run(*command)
    assert len(_there(program)) == 1
    filling = disk.fill()  # removing needs no room
    program.run("rmi", "-a", "-f")
    program.run("volume", "rm", "-a", "-f")
    os.unlink(filling)
    assert processes.settle(known) == {}
    assert program.run("system", "check").stdout == "No damage, nothing left over\n"
    return failed


def _there(program: Program) -> list[str]:
    return program.run("images", "-q").lines + program.run("volume", "ls", "-q").lines
