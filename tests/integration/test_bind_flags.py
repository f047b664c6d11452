"""What the host forbids on a file system stays forbidden where a container sees a part of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.rig import host
from tests.rig.program import Program

pytestmark = [host.needs_root]

FORBIDDEN = {"nosuid", "nodev", "noexec"}


@pytest.fixture
def bound(argosy_both: Program, rig_directory: str) -> Iterator[str]:
    """A directory of the user's on a file system like /tmp of Debian 13, but stricter.

    It comes before the first command: the namespace that this makes sees later mounts only where / is shared.
    """
    place = f"{rig_directory}/strict"
    os.mkdir(place)
    options = f"size=1m,mode=755,uid={argosy_both.uid},{','.join(sorted(FORBIDDEN))}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)
        os.rmdir(place)


def flags(program: Program, runtime: str, volume: str, image: str) -> set[str]:
    """The flags of the mount at /d, in a container that this runtime runs."""
    done = program.run(
        *("run", "--rm", "--runtime", runtime, "--network", "none", "-v", volume, image),
        *("awk", '$2 == "/d" { print $4 }', "/proc/mounts"),
    )
    return set(done.stdout.strip().split(","))


@pytest.mark.parametrize("runtime", ["crun", "runc"])
@pytest.mark.parametrize("option", ["", ":ro"])
def test_flags_of_the_source_stay(argosy_both: Program, bound: str, busybox: str, runtime: str, option: str) -> None:
    if host.program(runtime) is None:
        pytest.skip(f"{runtime} is not installed")
    found = flags(argosy_both, runtime, f"{bound}:/d{option}", busybox)
    assert found > FORBIDDEN
    assert ("ro" in found) == (option == ":ro")


def test_root_may_say_otherwise(argosy: Program, busybox: str, tmp_path: os.PathLike[str]) -> None:
    place = f"{tmp_path}/strict"
    os.mkdir(place)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,noexec,nodev,nosuid", "tmpfs", place], check=True)
    try:
        found = flags(argosy, "runc", f"{place}:/d:exec", busybox)
    finally:
        subprocess.run(["umount", place], check=True)
    assert "noexec" not in found
    assert found > {"nodev", "nosuid"}
