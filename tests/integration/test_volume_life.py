"""Volumes as archives, and volumes that are something mounted; `mount` and `unmount` of containers."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator

import pytest

from tests.rig.program import Completed, Program


@pytest.fixture(scope="module")
def program(shared_both: Program) -> Iterator[Program]:
    shared_both.busybox()
    yield shared_both
    shared_both.run("rm", "--all", "--force", "--time", "0")
    shared_both.run("volume", "rm", "--all", "--force")


def inside(program: Program, *words: str, check: bool | int = True) -> Completed:
    """Run where the store's mounts can be seen."""
    if not program.rootless:
        return program.run(*words, check=check)
    return program.run("unshare", *program.argv(*words), check=check)


def in_volume(program: Program, volume: str, script: str) -> list[str]:
    return program.run("run", "--rm", "--network", "none", "-v", volume, "busybox", "sh", "-c", script).lines


def test_export_and_import(program: Program) -> None:
    program.run("volume", "create", "data")
    in_volume(program, "data:/v", "mkdir /v/d; echo old >/v/d/f; echo stays >/v/stays; ln -s f /v/d/l; chown 3:4 /v/d")
    archive = program.run("volume", "export", "data").stdout_bytes
    with tarfile.open(fileobj=io.BytesIO(archive)) as file:
        assert sorted(file.getnames()) == ["d", "d/f", "d/l", "stays"]
    program.run("volume", "create", "copy")
    in_volume(program, "copy:/v", "mkdir /v/d; echo kept >/v/d/kept; mkdir /v/stays")
    program.run("volume", "import", "copy", "-", input=archive)
    assert in_volume(program, "copy:/v", "cat /v/d/* /v/stays; stat -c '%u %g' /v/d") == [
        "old",
        "kept",
        "old",
        "stays",
        "3 4",
    ]
    path = f"{program.files}/data.tar"
    program.run("volume", "export", "--output", path, "data")
    with open(path, "rb") as written:
        assert written.read() == archive
    program.run("volume", "import", "copy", path)


def test_broken_archives_change_nothing(program: Program) -> None:
    program.run("volume", "create", "safe")
    with io.BytesIO() as buffer:
        with tarfile.open(fileobj=buffer, mode="w") as file:
            for name in ("a", "../../out"):
                file.addfile(tarfile.TarInfo(name))
        climbing = buffer.getvalue()
    for archive in (b"", b"nothing" * 200, climbing, climbing[:700]):
        program.run("volume", "import", "safe", "-", input=archive, check=125)
    assert in_volume(program, "safe:/v", "ls -A /v") == []
    assert "no such volume nosuch" in program.run("volume", "export", "nosuch", check=125).stderr
    assert "no such volume nosuch" in program.run("volume", "import", "nosuch", "-", check=125).stderr


def test_volumes_in_memory(program: Program) -> None:
    program.run("volume", "create", "-o", "type=tmpfs", "-o", "o=size=1m,uid=7,gid=8", "memory")
    shows = "grep ' /v ' /proc/mounts | cut -d ' ' -f 1; stat -c '%u %g' /v"
    assert in_volume(program, "memory:/v", f"{shows}; touch /v/x") == ["tmpfs", "7 8"]
    assert in_volume(program, "memory:/v", "ls /v") == []  # the last user took it along
    run = ("run", "-d", "--network", "none", "-v", "memory:/v", "busybox")
    program.run(*run[:2], "--name", "first", *run[2:], "sh", "-c", "echo shared >/v/x; sleep 600")
    fills = "dd if=/dev/zero of=/v/y bs=1M count=2 2>&1 | grep -c space"
    looks = f"until [ -e /v/x ]; do sleep 0.05; done; cat /v/x; {fills}"
    assert in_volume(program, "memory:/v", looks) == ["shared", "1"]
    assert program.run("volume", "inspect", "memory", "--format", "{{.Options.o}} {{.UID}}").lines == [
        "size=1m,uid=7,gid=8 7"
    ]
    program.run("rm", "--force", "--time", "0", "first")
    place = inside(program, "volume", "mount", "memory").stdout.strip()
    mounts = "cat /proc/self/mounts"
    shown = program.run("unshare", "sh", "-c", mounts) if program.rootless else program.call("sh", "-c", mounts)
    assert f"tmpfs {place} tmpfs" in shown.stdout
    assert inside(program, "volume", "unmount", "memory").lines == ["memory"]
    program.run("volume", "rm", "memory")


def test_volumes_of_the_host(program: Program) -> None:
    directory = f"{program.files}/bound"
    program.call("mkdir", "-p", directory)
    program.call("touch", f"{directory}/f")
    program.run("volume", "create", "-o", "type=bind", "-o", f"device={directory}", "bound")
    assert in_volume(program, "bound:/v", "ls /v; touch /v/g") == ["f"]
    assert sorted(os.listdir(directory)) == ["f", "g"]
    program.run("volume", "rm", "bound")
    assert sorted(os.listdir(directory)) == ["f", "g"]
    program.run("volume", "create", "-o", "o=uid=7,gid=8", "own")
    assert in_volume(program, "own:/etc", "stat -c '%u %g' /etc; ls /etc/passwd") == ["7 8", "/etc/passwd"]
    program.run("volume", "create", "-o", "o=nocopy", "empty")
    assert in_volume(program, "empty:/etc", "ls -A /etc | grep -v host | grep -v resolv || true") == []


def test_volumes_that_begin_as_an_image(program: Program) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in ("kept", "gone"):
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    program.run("import", "-", "small", input=archive.getvalue())
    program.run("volume", "create", "--driver", "image", "--opt", "image=small", "tree")
    described = program.run("volume", "inspect", "tree").json()[0]
    assert (described["Driver"], described["Options"]) == ("image", {"image": "small"})
    assert in_volume(program, "tree:/v", "ls /v; rm /v/gone; echo x >/v/new") == ["gone", "kept"]
    program.run("rmi", "small")
    program.run("image", "prune", "--force")  # the volume keeps what it is made of
    assert in_volume(program, "tree:/v:ro", "cd /v; ls; touch more 2>/dev/null || echo no") == ["kept", "new", "no"]
    assert program.run("system", "check", "--quick").returncode == 0
    with tarfile.open(fileobj=io.BytesIO(program.run("volume", "export", "tree").stdout_bytes)) as tar:
        assert sorted(name for name in tar.getnames() if name != ".") == ["kept", "new"]
    program.run("volume", "rm", "tree")
    assert program.run("images", "--quiet").lines == program.run("images", "--quiet", "busybox").lines


REFUSED = {
    ("-o", "foo=bar"): "invalid mount option foo for driver 'local': invalid argument",
    ("-o", "size=1m"): "volume options size and inodes not supported. Filesystem does not support Project Quota",
    ("-o", "o=size=1m"): "volume options size and inodes not supported. Filesystem does not support Project Quota",
    ("-o", "o=uid=x"): 'cannot convert UID x to integer: strconv.Atoi: parsing "x": invalid syntax',
    ("-o", "type=bind", "-o", "device=/nodir"): "invalid volume option device for driver 'local': stat /nodir: no "
    "such file or directory",
    ("--driver", "image"): "must provide an image name when creating a volume with the image driver: invalid argument",
    (
        "--driver",
        "image",
        "--opt",
        "image=nosuch",
    ): "looking up image nosuch to create volume failed: nosuch: image not",
    ("--driver", "image", "--opt", "image=busybox", "--opt", "a=b"): "invalid mount option a for driver 'image'",
    ("--driver", "foo"): "no volume plugin with name foo available: required plugin missing",
}


def test_what_is_refused(program: Program) -> None:
    for words, message in REFUSED.items():
        assert message in program.run("volume", "create", *words, check=125).stderr
    assert "takes no arguments" in program.run("volume", "reload", "x", check=125).stderr
    assert program.run("volume", "reload").stdout == ""


def test_mount(program: Program) -> None:
    program.run("create", "--name", "c", "--network", "none", "busybox", "true")
    if program.rootless:
        assert "must execute `argosy unshare` first" in program.run("mount", "c", check=125).stderr
    place = inside(program, "mount", "c").stdout.strip()
    assert inside(program, "mount", "c").stdout.strip() == place
    container_id = program.run("inspect", "c", "--format", "{{.ID}}").stdout.strip()
    assert inside(program, "mount").lines == [f"{container_id[:12]}  {place}"]
    assert inside(program, "mount", "--format", "json").json() == [
        {"id": container_id, "Names": ["c"], "mountpoint": place}
    ]
    program.run("start", "--attach", "c")
    assert inside(program, "mount", "--no-trunc").lines == [f"{container_id}  {place}"]
    assert program.run("system", "check", "--quick").returncode == 0
    inside(program, "unmount", "c")
    assert inside(program, "mount").lines != []
    assert inside(program, "umount", "--all").lines == [container_id]
    assert inside(program, "mount").lines == []
    inside(program, "mount", "c")
    program.run("rm", "c")
    assert inside(program, "mount").lines == []
