"""Argosy in a container of its own or of podman: with every right and with the usual ones, devices or none."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable

import pytest

from tests.rig import host, images
from tests.rig.program import Program

pytestmark = [
    host.needs_root,
    pytest.mark.skipif(not os.path.islink("/bin"), reason="the host's programs are not all in /usr"),
]

SCRIPT = """
argosy() { /argosy/bin/argosy "$@"; }
argosy import /image/busybox.tar busybox >/dev/null 2>&1
argosy run --rm --network none busybox sh -c 'echo run as $(id -u) in $(cat /proc/self/comm)'
argosy run -d --network none --name c busybox sleep 1001 >/dev/null
argosy exec c echo exec
argosy doctor --format '{{.Topic}} {{.State}}' userns proc
argosy stop -t 0 c >/dev/null
printf 'FROM busybox\\nRUN echo built > /made\\n' | argosy build -q -t built - >/dev/null
argosy run --rm --network none built cat /made
argosy info --format '{{.Host.Security.Rootless}} {{.Store.GraphDriverName}}'
"""
# The flags of the container around, whether root in it is root, and the driver that works there, on an overlay.
RIGHTS = (
    ((), "true vfs", "less"),
    (("--device", "/dev/fuse"), "true fuse_overlay", "less"),
    (("--security-opt", "unmask=ALL"), "true vfs", "good"),
    (("--cap-add", "SYS_ADMIN"), "true vfs", "less"),
    (("--privileged",), "false fuse_overlay", "good"),
)


def tree() -> bytes:
    """An image that has nothing but places for the host's programs."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name in ("bin", "sbin", "lib", "lib64"):
            if os.path.islink(f"/{name}"):
                link = tarfile.TarInfo(name)
                link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
                archive.addfile(link)
        for name in ("usr", "etc", "tmp", "root", "run", "var", "var/tmp"):
            directory = tarfile.TarInfo(name)
            directory.type, directory.mode = tarfile.DIRTYPE, 0o1777 if "tmp" in name else 0o755
            archive.addfile(directory)
        for name, data in (("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n"), ("etc/group", b"root:x:0:\n")):
            file = tarfile.TarInfo(name)
            file.size = len(data)
            archive.addfile(file, io.BytesIO(data))
    return made.getvalue()


@pytest.fixture(scope="module")
def outer(new_shared: Callable[[str], Program], installed_copy: str) -> Program:
    """A program with the image "host", whose containers can run the installed copy."""
    program = new_shared("")
    program.run("import", "-", "host", input=tree())
    with open(images.busybox_archive(), "rb") as archive:
        program.write("busybox.tar", archive.read())
    program.flags = []
    program.env["COPY"] = os.path.dirname(os.path.dirname(installed_copy))
    return program


def places(outer: Program) -> tuple[str, ...]:
    """What is mounted into the container around."""
    pairs = (("/usr", "/usr"), (outer.env["COPY"], "/argosy"), (outer.files, "/image"))
    return tuple(word for source, target in pairs for word in ("-v", f"{source}:{target}:ro"))


@pytest.mark.parametrize(("flags", "store", "proc"), RIGHTS)
def test_in_a_container_of_our_own(outer: Program, flags: tuple[str, ...], store: str, proc: str) -> None:
    done = outer.run("run", "--rm", "--network", "host", *flags, *places(outer), "host", "sh", "-c", SCRIPT)
    assert done.lines == ["run as 0 in cat", "exec", "userns good", f"proc {proc}", "built", store]
    assert done.stderr.count("parts of /proc are covered") == (proc == "less")
    assert "Error" not in done.stderr


def test_behind_a_filter_like_dockers(outer: Program) -> None:
    """It forbids namespaces and mounts, and even to ask for them: what is left is chroot."""
    names = ["unshare", "setns", "mount", "umount2", "fsopen", "fsmount", "open_tree", "move_mount", "mount_setattr"]
    denied = {"names": names, "action": "SCMP_ACT_ERRNO", "errnoRet": 1}
    profile = outer.write("filter.json", json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [denied]}))
    script = SCRIPT.replace("--network none ", "").replace(" in $(cat /proc/self/comm)", "")
    flags = ("--rm", "--network", "host", "--security-opt", f"seccomp={profile}")
    done = outer.run("run", *flags, *places(outer), "host", "sh", "-c", script)
    assert done.lines == ["run as 0", "exec", "userns less", "proc less", "built", "true vfs"]
    assert done.stderr == ""  # the notice came with the import, whose words are not kept


@host.needs_program("podman")
def test_in_a_container_of_podmans(outer: Program) -> None:
    run = tempfile.mkdtemp(prefix="nested.")  # podman takes no longer name
    podman = ["podman", "--root", f"{outer.base}/podman", "--runroot", run, "--cgroup-manager=cgroupfs"]
    try:
        done = outer.call(*podman, "import", "-q", "-", "host", input=tree())
        flags = ("--rm", "--network", "host", "--security-opt", "label=disable")
        done = outer.call(*podman, "run", *flags, *places(outer), "host", "sh", "-c", SCRIPT)
        assert done.lines[:2] == ["run as 0 in cat", "exec"]
        assert "Error" not in done.stderr
    finally:
        outer.call(*podman, "system", "reset", "--force", check=False)
        shutil.rmtree(run, ignore_errors=True)
