"""Namespaces: identity and owner, network namespaces that outlive their makers."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from argosy.linux import mounts, namespaces, process
from tests.rig import host
from tests.rig.as_user import AsUser


def test_a_namespace_is_known_by_its_inode() -> None:
    assert namespaces.inode("net") == int(os.readlink("/proc/self/ns/net").strip("net:[]"))
    assert namespaces.inode("user", os.getpid()) == namespaces.inode("user")


def test_a_user_namespace_has_an_owner(as_user: AsUser) -> None:
    found = as_user.run("""
        from argosy.linux import namespaces, pause, userns
        userns.enter(RUN)
        fd = os.open("/proc/self/ns/user", os.O_RDONLY)
        print(namespaces.owner_uid(fd))
    """)
    assert found == "0\n"  # the owner, as an id of the namespace itself
    child = subprocess.Popen(["unshare", "--user", "sleep", "60"])
    try:
        while process.program_name(child.pid) != "sleep":
            time.sleep(0.01)
        fd = os.open(f"/proc/{child.pid}/ns/user", os.O_RDONLY)
        assert namespaces.owner_uid(fd) == os.geteuid()
        os.close(fd)
    finally:
        child.kill()
        child.wait()


def own() -> int:
    """The network namespace of the calling thread."""
    return namespaces.inode("net", "thread-self")


@host.needs_root
def test_a_network_namespace_lives_until_it_is_removed(tmp_path: Path) -> None:
    path, home = f"{tmp_path}/net", own()
    before = len(os.listdir("/proc/self/fd"))
    namespaces.new_network(path)
    try:
        assert own() == home
        assert mounts.is_mount_point(path)
        with pytest.raises(FileExistsError):
            namespaces.new_network(path)
        assert namespaces.in_network(path, own) == os.stat(path).st_ino != home
        devices = namespaces.in_network(path, lambda: process.run(["cat", "/proc/net/dev"])).stdout.decode()
        assert re.findall(r"^ *(\S+):", devices, re.MULTILINE) == ["lo"]
        assert own() == home
    finally:
        namespaces.remove_network(path)
        namespaces.remove_network(path)
    assert os.listdir(tmp_path) == []
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_user_without_privilege_makes_and_enters_them_too(as_user: AsUser) -> None:
    """Root of a user namespace cannot go back into the host's network: the caller must never leave it."""
    found = as_user.run("""
        from argosy.linux import namespaces, userns
        userns.enter(RUN)
        home, path = namespaces.inode("net"), os.path.abspath("net")
        namespaces.new_network(path)
        inside = namespaces.in_network(path, lambda: namespaces.inode("net", "thread-self"))
        assert inside == os.stat(path).st_ino != home
        assert namespaces.inode("net") == namespaces.inode("net", "thread-self") == home
        namespaces.remove_network(path)
        print(os.listdir("."))
    """)
    assert found == "[]\n"


@host.needs_root
def test_an_error_inside_comes_out_as_it_is(tmp_path: Path) -> None:
    path, home = f"{tmp_path}/net", own()
    namespaces.new_network(path)
    before = len(os.listdir("/proc/self/fd"))
    try:
        with pytest.raises(ZeroDivisionError):
            namespaces.in_network(path, lambda: 1 // 0)
        with pytest.raises(FileNotFoundError):
            namespaces.in_network(f"{tmp_path}/missing", own)
        with pytest.raises(OSError, match="Invalid argument"):
            namespaces.in_network("/proc/self/ns/uts", own)
        assert own() == home
        assert len(os.listdir("/proc/self/fd")) == before
    finally:
        namespaces.remove_network(path)


def test_a_failed_making_leaves_nothing(as_user: AsUser) -> None:
    found = as_user.run("""
        from argosy.linux import namespaces
        try:
            namespaces.new_network(os.path.abspath("net"))
        except PermissionError:
            print(os.listdir("."))
    """)
    assert found == "[]\n"


def test_the_kind_of_a_namespace(tmp_path: Path) -> None:
    for kind in ("net", "pid", "ipc", "uts", "mnt", "cgroup", "user"):
        assert namespaces.kind_of(f"/proc/self/ns/{kind}") == kind
    (tmp_path / "file").write_text("")
    assert namespaces.kind_of(str(tmp_path / "file")) == ""
