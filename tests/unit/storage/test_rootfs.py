"""Mounting and unmounting a container's root: one suite for every driver."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.linux import mounts
from argosy.storage import rootfs
from argosy.storage.chains import chain_id
from argosy.storage.drivers import detect
from argosy.storage.store import Store
from tests.rig import host
from tests.unit.storage.making import add_layer

pytestmark = host.needs_root


@pytest.fixture(params=detect.DRIVERS)
def driven(store: Store, request: pytest.FixtureRequest) -> Iterator[Store]:
    """The store with each driver in turn."""
    try:
        choice = detect.choose(store.tmp, request.param)
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
    container = f"{tmp_path}/a:b,c\\d e" + "x" * 200
    os.mkdir(container)
    merged = rootfs.mount(driven, container, stack, chain_id(stack), False)
    assert read(f"{merged}/etc/name") == b"top"
    assert rootfs.unmount(container)


def test_killed_while_making_the_upper_directory(driven: Store, stack: tuple[str, ...], container: str) -> None:
    os.mkdir(f"{container}/.upper~", 0o700)
    os.mkdir(f"{container}/work")
    merged = rootfs.mount(driven, container, stack, chain_id(stack), False)
    assert os.stat(merged).st_mode & 0o777 == 0o755
    assert rootfs.unmount(container)
    assert sorted(os.listdir(container)) == ["merged", "upper", "work"]
