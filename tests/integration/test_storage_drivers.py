"""Containers and builds with each storage driver, so that what overlay cannot serve works as well."""

from __future__ import annotations

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
