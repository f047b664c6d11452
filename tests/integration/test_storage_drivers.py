"""Containers and builds with each storage driver, so that what overlay cannot serve works as well."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile

import pytest

from tests.rig import host
from tests.rig.program import Program


@pytest.mark.parametrize("driver", ["vfs", pytest.param("fuse_overlay", marks=host.needs_program("fuse-overlayfs"))])
def test_a_driver_that_is_not_the_best(argosy_both: Program, driver: str) -> None:
    program = argosy_both
    program.env["STORAGE_DRIVER"] = "" if driver == "fuse_overlay" else driver
    assert (
        program.run("--storage-driver", driver, "info", "--format", "{{.Store.GraphDriverName}}").stdout
        == f"{driver}\n"
    )
    image = program.busybox()
    change = "mkdir -p /new/dir; echo hi > /new/dir/file; rm /bin/uname; rm -r /etc; mkdir /etc; echo ran"
    assert program.run("run", "--name", "c", "--network", "none", image, "sh", "-c", change).stdout == "ran\n"
    changes = set(program.run("diff", "c").lines)
    assert {"A /new", "A /new/dir", "A /new/dir/file", "C /bin", "D /bin/uname"} <= changes
    assert not [change for change in changes if ".wh." in change]
    assert program.run("start", "-a", "c", check=False).stdout == "ran\n"
    program.run("rm", "c")

    if driver == "fuse_overlay":
        _build(program, image)
    named = ("--storage-opt", "overlay.mount_program=/usr/bin/false", "run", "--rm", "--network", "none", image, "true")
    told = program.run(*named, check=125).stderr
    assert ("/usr/bin/false" in told) if driver == "fuse_overlay" else ("which has no mount program" in told)
    assert program.run("system", "check").stdout == "No damage, nothing left over\n"


def _build(program: Program, image: str) -> None:
    """What a build removes and makes anew is so in the image, and in containers made from it."""
    steps = ("mkdir -p /new/dir; rm /bin/uname", "rm -r /new; mkdir /new; echo 2 >/new/two")
    lines = [f"FROM {image}", *(f'RUN ["sh", "-c", "{step}"]' for step in steps)]
    dockerfile = program.write("Dockerfile", "\n".join(lines))
    program.run("build", "--network", "none", "-t", "built:1", "-f", dockerfile, program.files)
    show = ("sh", "-c", "ls /new; [ -e /bin/uname ] || echo gone")
    assert program.run("run", "--rm", "--network", "none", "built:1", *show).stdout == "two\ngone\n"
    program.run("run", "-d", "--name", "d", "--network", "none", "built:1", "sleep", "1000")
    assert program.run("exec", "d", "cat", "/new/two").stdout == "2\n"
    program.run("rm", "--force", "--time", "0", "d")


@host.needs_root
@host.needs_program("fuse-overlayfs")
@pytest.mark.parametrize("driver", ["fuse_overlay", "vfs"])
def test_a_store_on_an_overlay(argosy_both: Program, driver: str) -> None:
    """As in a container without a volume: neither overlays over it nor the devices of whiteouts can be had."""
    program = argosy_both
    place = f"{program.base}/overlay"
    for name in ("", "/lower", "/upper", "/work", "/merged"):
        program.call("mkdir", f"{program.files}/o{name}")
    below = f"{program.files}/o"
    options = f"lowerdir={below}/lower,upperdir={below}/upper,workdir={below}/work"
    os.mkdir(place, 0o755)
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, place], check=True)
    program.flags += ["--root", f"{place}/store", "--storage-driver", driver]
    try:
        noted = program.run("info", "--format", "{{.Store.GraphDriverName}}")
        assert noted.stdout == f"{driver}\n"
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for name, kind in (
                (".wh.gone", b"0"),
                (".wh.made", b"0"),
                ("made", b"5"),
                ("etc", b"5"),
                ("etc/.wh.x", b"0"),
            ):
                entry = tarfile.TarInfo(name)
                entry.type, entry.mode = kind, 0o755
                tar.addfile(entry)
        program.run("import", "-", "markers:1", input=archive.getvalue())
        assert program.run("system", "check").stdout == "No damage, nothing left over\n"
        image = program.busybox()
        show = ("run", "--rm", "--network", "none")
        assert program.run(*show, image, "echo", "ran").stdout == "ran\n"
        if driver == "fuse_overlay":
            _build(program, image)
        program.run("save", "-o", f"{program.files}/saved.tar", "markers:1")
    finally:
        program.run("system", "reset", "--force", check=False)
        subprocess.run(["umount", "--lazy", place], check=True)
        del program.flags[:]
        os.rmdir(place)
