"""Mounting and unmounting a container's root: one suite for every driver."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.errors import Unsupported
from argosy.linux import mounts
from argosy.storage import rootfs
from argosy.storage.chains import chain_id
from argosy.storage.drivers import detect
from argosy.storage.drivers.overlay import Overlay
from argosy.storage.drivers.vfs import Vfs
from argosy.storage.layers import LayerMeta
from argosy.storage.store import Store
from tests.rig import host
from tests.unit.storage.making import add_layer, make_store, sha256

pytestmark = host.needs_root


@pytest.fixture(params=detect.DRIVERS)
def driven(store: Store, request: pytest.FixtureRequest) -> Iterator[Store]:
    """The store with each driver in turn."""
    try:
        choice = detect.choose(store.tmp, (request.param,))
    except Exception as error:
        pytest.skip(str(error))
    record = store.record.replace(driver=choice.driver, xattrs=choice.xattrs, mount_program=choice.program)
    other = Store(store.root, store.run, rootless=False, id_map=store.id_map, record=record)
    yield other
    other.unstable.settle()


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


@pytest.fixture
def stack(driven: Store) -> tuple[str, ...]:
    low = add_layer(driven, {"etc/name": b"low", "etc/only-low": b"low", "usr/bin": None})
    return low, add_layer(driven, {"etc/name": b"top"})


@pytest.fixture
def container(tmp_path: Path, driven: Store) -> str:
    path = f"{tmp_path}/container"
    os.mkdir(path)
    return path


def test_layers_and_changes(driven: Store, stack: tuple[str, ...], container: str) -> None:
    for round_number in range(3):
        merged = rootfs.mount(driven, container, stack, chain_id(stack), False)
        assert merged == f"{container}/merged"
        assert mounts.is_mount_point(merged)
        assert read(f"{merged}/etc/name") == (b"top" if round_number == 0 else b"changed")
        assert os.path.exists(f"{merged}/etc/only-low") == (round_number == 0)
        if round_number == 0:
            os.unlink(f"{merged}/etc/only-low")
            with open(f"{merged}/etc/name", "wb") as file:
                file.write(b"changed")
        assert rootfs.unmount(container)
        assert not rootfs.unmount(container)
        assert not mounts.is_mount_point(merged)
    assert read(f"{driven.layers.path(stack[1])}/etc/name") == b"top"
    assert os.path.exists(f"{driven.layers.path(stack[0])}/etc/only-low")


def test_mounting_twice_is_once(driven: Store, stack: tuple[str, ...], container: str) -> None:
    for _ in range(2):
        rootfs.mount(driven, container, stack, chain_id(stack), False)
    assert sum(point.path == f"{container}/merged" for point in mounts.mountinfo()) == 1
    assert rootfs.unmount(container)


def test_volatile_can_be_mounted_again_after_a_crash(driven: Store, stack: tuple[str, ...], container: str) -> None:
    for _ in range(3):
        merged = rootfs.mount(driven, container, stack, chain_id(stack), False, volatile=True)
        with open(f"{merged}/new", "ab") as file:
            file.write(b"x")
        assert rootfs.unmount(container)
    merged = rootfs.mount(driven, container, stack, chain_id(stack), False)
    assert read(f"{merged}/new") == b"xxx"
    assert rootfs.unmount(container)


def test_an_image_without_layers(driven: Store, container: str) -> None:
    merged = rootfs.mount(driven, container, (), "", False)
    assert os.listdir(merged) == []
    os.mkdir(f"{merged}/made")
    assert rootfs.unmount(container)
    assert os.listdir(f"{container}/upper") == ["made"]
    assert os.stat(f"{container}/upper").st_mode & 0o777 == 0o755


@pytest.mark.parametrize("count", [1, 2])
def test_read_only(driven: Store, stack: tuple[str, ...], container: str, count: int) -> None:
    target = f"{container}/view"
    os.mkdir(target)
    rootfs.mount_readonly(driven, target, stack[:count], chain_id(stack[:count]), fixed=False)
    try:
        assert read(f"{target}/etc/name") == (b"low", b"top")[count - 1]
        with pytest.raises(OSError, match="Read-only"):
            os.mkdir(f"{target}/new")
    finally:
        assert mounts.unmount(target)


def test_many_layers(driven: Store, container: str) -> None:
    layers = tuple(add_layer(driven, {f"file{number}": b"x", "last": str(number).encode()}) for number in range(127))
    merged = rootfs.mount(driven, container, layers, chain_id(layers), False)
    assert len(os.listdir(merged)) == 128
    assert read(f"{merged}/last") == b"126"
    assert rootfs.unmount(container)


def test_a_container_in_an_awkward_place(driven: Store, stack: tuple[str, ...], tmp_path: Path) -> None:
    for name in ("a,b\\c d" + "x" * 200, "a:b"):
        container = f"{tmp_path}/{name}"
        os.mkdir(container)
        if driven.driver == "fuse_overlay" and ":" in name:
            with pytest.raises(Unsupported, match="colon"):
                rootfs.mount(driven, container, stack, chain_id(stack), False)
            continue
        merged = rootfs.mount(driven, container, stack, chain_id(stack), False)
        assert read(f"{merged}/etc/name") == b"top"
        assert rootfs.unmount(container)


def test_layers_in_an_awkward_place(tmp_path: Path) -> None:
    store = make_store(f"{tmp_path}/a:b,c\\d")
    for name in detect.DRIVERS:
        if name == "fuse_overlay" and host.program("fuse-overlayfs") is None:
            continue
        layers = tuple(add_layer(store, {f"{name}{number}": b"x"}) for number in range(2))
        record = store.record.replace(driver=name)
        other = Store(store.root, store.run, rootless=False, id_map=store.id_map, record=record)
        os.mkdir(f"{tmp_path}/{name}")
        merged = rootfs.mount(other, f"{tmp_path}/{name}", layers, chain_id(layers), False)
        assert sorted(os.listdir(merged)) == [f"{name}0", f"{name}1"]
        assert rootfs.unmount(f"{tmp_path}/{name}")
    store.unstable.settle()


def low(path: str) -> None:
    for name in ("gone", "replaced", "hidden/deep", "kept"):
        os.makedirs(f"{path}/{name}")
        write(f"{path}/{name}/file", name.encode())
    write(f"{path}/once", b"once")
    os.link(f"{path}/once", f"{path}/twice")
    os.symlink("/etc/passwd", f"{path}/link")
    os.mkfifo(f"{path}/fifo", 0o640)
    os.mknod(f"{path}/device", 0o20600, os.makedev(1, 3))
    os.chown(f"{path}/once", 12, 34)
    os.chmod(f"{path}/once", 0o4711)
    os.setxattr(f"{path}/kept", "user.note", b"value")
    with open(f"{path}/sparse", "wb") as file:
        file.seek(5 << 20)
        file.write(b"end")
        file.truncate(9 << 20)


def top(path: str) -> None:
    os.mknod(f"{path}/gone", 0o20000, 0)
    write(f"{path}/replaced", b"now a file")
    os.makedirs(f"{path}/hidden/new")
    os.setxattr(f"{path}/hidden", "trusted.overlay.opaque", b"y")
    os.mkdir(f"{path}/kept", 0o710)
    write(f"{path}/kept/other", b"other")
    os.utime(f"{path}/kept", (1, 1234))


def write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)


def listing(root: str) -> dict[str, tuple[object, ...]]:
    """All that a container could see of a tree."""
    found: dict[str, tuple[object, ...]] = {}
    for path, directories, names in os.walk(root):
        for name in (*directories, *names):
            full = f"{path}/{name}"
            entry = os.lstat(full)
            content: object = None
            if stat.S_ISREG(entry.st_mode):
                content = hashlib.sha256(read(full)).hexdigest()
            elif stat.S_ISLNK(entry.st_mode):
                content = os.readlink(full)
            attributes = [name for name in os.listxattr(full, follow_symlinks=False) if name.startswith("user.")]
            links = 0 if stat.S_ISDIR(entry.st_mode) else entry.st_nlink
            owner = (entry.st_mode, entry.st_uid, entry.st_gid, entry.st_rdev)
            found[os.path.relpath(full, root)] = (*owner, links, entry.st_mtime_ns, content, *attributes)
    return found


def test_every_kind_of_file(driven: Store, container: str, tmp_path: Path) -> None:
    """As the kernel's overlay shows it."""
    if driven.xattrs != "trusted":
        pytest.skip("the layers of this test carry trusted attributes")
    layers = []
    for fill in (low, top):
        diff_id = sha256(fill.__name__.encode())
        with driven.layers.stage(diff_id) as staged:
            fill(staged.path)
            driven.layers.commit(staged, LayerMeta(diff_id, 0))
        layers.append(diff_id)
    expected = f"{tmp_path}/expected"
    os.mkdir(expected)
    Overlay("trusted").mount_readonly(expected, [driven.layers.path(diff_id) for diff_id in reversed(layers)])
    try:
        merged = rootfs.mount(driven, container, layers, chain_id(layers), False)
        shown = listing(merged)
        assert shown == listing(expected)
        assert shown["once"][4] == 2
        assert "gone" not in shown
        assert "hidden/deep" not in shown
        assert os.stat(f"{merged}/sparse").st_blocks < 100
        assert os.path.samefile(f"{merged}/once", f"{merged}/twice")
        assert rootfs.unmount(container)
    finally:
        assert mounts.unmount(expected)


def test_an_interrupted_copy_is_made_again(store: Store, tmp_path: Path) -> None:
    layers = add_layer(store, {"etc/name": b"low"}), add_layer(store, {"usr/name": b"top"})
    merged, upper, work = (f"{tmp_path}/{name}" for name in ("merged", "upper", "work"))
    for path in (upper, f"{work}/tree/half", merged):
        os.makedirs(path)
    lowers = [store.layers.path(diff_id) for diff_id in reversed(layers)]
    for round_number in range(3):
        Vfs("trusted").mount(merged, lowers, upper, work, volatile=False)
        assert sorted(os.listdir(merged)) == ["etc", "usr"]
        assert mounts.unmount(merged)
        if round_number == 1:
            # killed between the finished copy and its renaming
            os.rename(upper, f"{work}/tree")
            os.mkdir(upper)


def test_killed_while_making_the_upper_directory(driven: Store, stack: tuple[str, ...], container: str) -> None:
    os.mkdir(f"{container}/.upper~", 0o700)
    os.mkdir(f"{container}/work")
    merged = rootfs.mount(driven, container, stack, chain_id(stack), False)
    assert os.stat(merged).st_mode & 0o777 == 0o755
    assert rootfs.unmount(container)
    assert sorted(os.listdir(container)) == ["merged", "upper", "work"]
