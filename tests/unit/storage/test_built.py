"""Layers made of an upper directory: no archive is stored, and the same one can be written again."""

from __future__ import annotations

import hashlib
import os

import pytest

from argosy.archive import tarwriter
from argosy.errors import ArgosyError
from argosy.storage import built
from argosy.storage.layers import LayerMeta
from argosy.storage.store import Store
from tests.unit.storage.making import add_layer

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="devices and owners need root")
GOLDEN = "sha256:47004ea24964828bd94d3c2328c0135e359afc764e3a29ee2d80135e9ad4494e"


def upper(store: Store, name: str = "upper") -> str:
    """A small tree with what an overlay leaves behind."""
    path = f"{store.root}/{name}"
    os.makedirs(f"{path}/etc/gone")
    with open(f"{path}/etc/file", "wb") as file:
        file.write(b"content")
    os.link(f"{path}/etc/file", f"{path}/hard")
    os.symlink("etc/file", f"{path}/soft")
    os.mknod(f"{path}/etc/hidden", 0o600 | 0o020000, os.makedev(0, 0))
    os.setxattr(f"{path}/etc/gone", f"{store.xattrs}.overlay.opaque", b"y")
    os.chmod(path, 0o700)
    for top, directories, files in os.walk(path, topdown=False):
        for entry in (*directories, *files):
            if not os.path.islink(f"{top}/{entry}"):
                os.chmod(f"{top}/{entry}", 0o750)
            os.utime(f"{top}/{entry}", ns=(0, 1_700_000_000_500_000_000), follow_symlinks=False)
    return path


def commit(store: Store, path: str, latest_s: int | None = None, *, exact: bool = False) -> LayerMeta:
    with store.work() as work:
        store.unstable.begin()
        meta = built.commit(store, work, path, latest_s=latest_s, exact=exact)
        work.settle()
    return meta


@needs_root
def test_a_tree_becomes_a_layer(store: Store) -> None:
    path = upper(store)
    meta = commit(store, path)
    assert meta == store.layers.meta(meta.diff_id)
    assert (meta.writer, meta.entries, meta.whiteout_directories) == (tarwriter.WRITER_VERSION, 7, ("etc",))
    assert not os.path.exists(path)
    assert not store.blobs.has(meta.diff_id)
    assert os.stat(store.layers.path(meta.diff_id)).st_mode & 0o777 == 0o755
    assert meta.diff_id == GOLDEN


@needs_root
def test_the_same_tree_is_the_same_layer(store: Store) -> None:
    first, second = commit(store, upper(store)), commit(store, upper(store, "again"))
    assert first == second
    assert store.layers.ids() == [first.diff_id]


@needs_root
def test_the_archive_is_written_again(store: Store) -> None:
    meta = commit(store, upper(store))
    assert built.can_write(store, meta.diff_id)
    with built.LayerStream(store, meta.diff_id) as stream:
        data = b"".join(stream)
    assert len(data) == meta.size_bytes
    assert f"sha256:{hashlib.sha256(data).hexdigest()}" == meta.diff_id
    with built.LayerStream(store, meta.diff_id, 700) as stream:
        assert stream.offset == 700
        assert b"".join(stream) == data[700:]
    with built.LayerStream(store, meta.diff_id) as stream:
        assert stream.read(10) == data[:10]


@needs_root
def test_a_tree_that_lost_a_file_does_not_look_whole(store: Store) -> None:
    meta = commit(store, upper(store))
    os.mkdir(f"{store.layers.path(meta.diff_id)}/.wh.x")
    with (
        built.LayerStream(store, meta.diff_id) as stream,
        pytest.raises(ArgosyError, match="cannot be told in a layer"),
    ):
        b"".join(stream)


@needs_root
@pytest.mark.parametrize(("exact", "expected"), [(False, {1000, 500}), (True, {1000})])
def test_times(store: Store, exact: bool, expected: set[int]) -> None:
    path = upper(store)
    os.utime(f"{path}/etc/gone", (500, 500))
    meta = commit(store, path, 1000, exact=exact)
    tree = store.layers.path(meta.diff_id)
    found = {os.lstat(f"{tree}/{name}").st_mtime_ns for name in ("etc", "etc/file", "etc/gone", "soft")}
    assert found == {seconds * 1_000_000_000 for seconds in expected}


def test_what_was_pulled_has_no_writer(store: Store) -> None:
    assert not built.can_write(store, add_layer(store, {"a": b"a"}))
    assert not built.can_write(store, "sha256:" + "0" * 64)
