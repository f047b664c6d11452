"""`image mount` and `image unmount`, as root and in the namespace of a rootless store."""

from __future__ import annotations

import os

from tests.rig.program import Program


def test_mounts_are_counted_and_listed(argosy_both: Program, busybox: str) -> None:
    program = argosy_both

    def run(*words: str, check: bool | int = True) -> str:
        """In the namespace of the store, where there is one."""
        if not program.rootless:
            return program.run("image", *words, check=check).stdout
        inner = program.argv("image", *words)
        return program.run("unshare", *inner, check=check).stdout

    identity = program.run("image", "inspect", "--format", "{{.Id}}", busybox).stdout.strip()
    if program.rootless:
        done = program.run("image", "mount", busybox, check=125)
        assert "must execute `argosy unshare` first" in done.stderr
    assert run("mount") == ""
    place = run("mount", busybox).strip()
    assert run("mount", busybox).strip() == place
    assert run("mount").split() == [f"localhost/{busybox}:latest" if "/" not in busybox else busybox, place]
    listed = run("mount", "--format", "json")
    assert f'"mountpoint": "{place}"' in listed
    assert identity in listed
    if not program.rootless:
        assert os.path.exists(f"{place}/bin/busybox")
        program.run("rmi", "-f", busybox)  # what is mounted stays whole
        assert os.listdir(f"{program.root}/layers")
        program.run("import", "-q", "/dev/null", "x/y", check=False)
        assert run("unmount", "--all").strip() == identity
    else:
        assert run("unmount", busybox).strip() == identity
    run("unmount", "--all", "--force")
    assert run("mount") == ""
    assert run("unmount", "nosuch", check=125) == ""


def test_the_last_unmount_counts(argosy: Program, busybox: str) -> None:
    place = argosy.run("image", "mount", busybox).stdout.strip()
    argosy.run("image", "mount", busybox)
    argosy.run("image", "unmount", busybox)
    assert os.path.exists(f"{place}/bin")
    argosy.run("image", "umount", busybox)
    assert not os.path.exists(place)
    assert argosy.run("image", "unmount", busybox).stdout == ""  # as podman does
    argosy.run("image", "mount", busybox)
    argosy.run("image", "unmount", "-f", busybox)
    argosy.run("image", "mount", busybox)
    argosy.run("system", "reset", "--force")
    assert not os.path.exists(place)
