"""Layers under another id map: the trees that are made where idmapped mounts are not to be had."""

from __future__ import annotations

import os
import stat
import subprocess
import time

import pytest

from argosy.errors import ArgosyError
from argosy.linux import mounts
from argosy.linux.idmap import IdMap, IdRange, identity
from argosy.storage import gc, idmaps, mapping, owners, sweep
from argosy.storage.drivers import driver
from argosy.storage.store import Store
from tests.unit.storage.making import add_image, add_layer, reopened

RANGES = (IdRange(0, 100, 10), IdRange(1000, 0, 1))
MAP = IdMap(RANGES, RANGES)
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def without_idmapped_mounts(store: Store) -> Store:
    """A store that takes the road of a rootless user; its owners are still those of root."""
    return Store(store.root, store.run, rootless=True, id_map=store.id_map, record=store.record)


def made_tree(base: str) -> str:
    tree = f"{base}/layer"
    os.makedirs(f"{tree}/d/below", mode=0o751)
    with open(f"{tree}/d/file", "wb") as file:
        file.write(b"content")
    os.chown(f"{tree}/d/file", 5, 1000)
    os.chmod(f"{tree}/d/file", 0o4711)
    os.setxattr(f"{tree}/d/file", "user.mine", b"1")
    os.link(f"{tree}/d/file", f"{tree}/d/below/again")
    open(f"{tree}/empty", "wb").close()
    os.chown(f"{tree}/empty", 77, 77)
    os.symlink("nowhere", f"{tree}/link")
    os.lchown(f"{tree}/link", 1000, 0)
    os.mkfifo(f"{tree}/fifo", 0o640)
    os.mknod(f"{tree}/gone", 0o600 | stat.S_IFCHR, os.makedev(0, 0))
    os.setxattr(f"{tree}/d", "trusted.overlay.opaque", b"y")
    os.utime(f"{tree}/d", ns=(1, 2))
    return tree


@root_only
@pytest.mark.parametrize("data", ["", "hex/diff"])
def test_a_tree_has_everything_but_other_owners(tmp_path: os.PathLike[str], data: str) -> None:
    source, target = made_tree(os.fspath(tmp_path)), f"{os.fspath(tmp_path)}/mapped"
    mapping.map_tree(source, target, MAP, "trusted", own_ids=identity(), data=data)
    owners = {
        name: (os.lstat(f"{target}/{name}").st_uid, os.lstat(f"{target}/{name}").st_gid)
        for name in ("", "d", "d/file", "d/below/again", "empty", "link", "fifo")
    }
    assert owners == {
        "": (100, 100),
        "d": (100, 100),
        "d/file": (105, 0),
        "d/below/again": (105, 0),
        "empty": (1, 1),  # the first id of ours that the container has no name for
        "link": (0, 100),
        "fifo": (100, 100),
    }
    for name in ("", "d", "d/below", "d/file", "empty", "fifo", "gone"):
        before, after = os.lstat(f"{source}/{name}"), os.lstat(f"{target}/{name}")
        assert (after.st_mode, after.st_size * (not stat.S_ISDIR(after.st_mode)), after.st_mtime_ns) == (
            before.st_mode,
            before.st_size * (not stat.S_ISDIR(before.st_mode)),
            before.st_mtime_ns,
        ), name
    assert os.lstat(f"{target}/d/file").st_ino == os.lstat(f"{target}/d/below/again").st_ino
    assert os.readlink(f"{target}/link") == "nowhere"
    assert os.getxattr(f"{target}/d", "trusted.overlay.opaque") == b"y"
    attributes = set(os.listxattr(f"{target}/d/file"))
    if data:
        assert attributes == {"user.mine", "trusted.overlay.metacopy", "trusted.overlay.redirect"}
        assert os.getxattr(f"{target}/d/file", "trusted.overlay.redirect") in (
            b"/hex/diff/d/file",
            b"/hex/diff/d/below/again",
        )
        with open(f"{target}/d/file", "rb") as file:
            assert file.read() == bytes(7), "as long as its content, and empty"
    else:
        assert attributes == {"user.mine"}
        with open(f"{target}/d/file", "rb") as file:
            assert file.read() == b"content"


@root_only
def test_a_small_file_has_its_content_where_the_attributes_take_as_much_room(tmp_path: os.PathLike[str]) -> None:
    base = os.fspath(tmp_path)
    os.makedirs(f"{base}/layer")
    sizes = {"large": 5000, "small": 4096, "smaller": 1, "least": 0}
    for name, size in sizes.items():
        with open(f"{base}/layer/{name}", "wb") as file:
            file.write(b"c" * size)
    mapping.map_tree(f"{base}/layer", f"{base}/mapped", MAP, "trusted", own_ids=identity(), data="hex/" + "d" * 200)
    assert {name: os.stat(f"{base}/mapped/{name}").st_size for name in sizes} == sizes
    pointing = {name for name in sizes if "trusted.overlay.metacopy" in os.listxattr(f"{base}/mapped/{name}")}
    assert "large" in pointing, "its content takes more than the attributes"
    assert "least" not in pointing
    for name in sizes.keys() - pointing:
        with open(f"{base}/mapped/{name}", "rb") as file:
            assert file.read() == b"c" * sizes[name]
    takes_blocks = os.stat(f"{base}/mapped/large").st_blocks > 0
    assert len(pointing) in ((1, 2) if takes_blocks else (3,)), "one at most, to find out"


@root_only
def test_a_place_too_long_for_an_attribute_gets_its_content(tmp_path: os.PathLike[str]) -> None:
    base = os.fspath(tmp_path)
    below = "/".join(["d" * 200] * 6)
    os.makedirs(f"{base}/layer/{below}")
    with open(f"{base}/layer/{below}/f", "wb") as file:
        file.write(b"content")
    mapping.map_tree(f"{base}/layer", f"{base}/mapped", MAP, "trusted", own_ids=identity(), data="hex/diff")
    with open(f"{base}/mapped/{below}/f", "rb") as file:
        assert file.read() == b"content"
    assert os.listxattr(f"{base}/mapped/{below}/f") == []


@root_only
def test_a_tree_that_cannot_be_made_leaves_nothing(without_idmapped_mounts: Store) -> None:
    """Names that are as long as a path can be lie deeper in the tree than in the layer."""
    store = without_idmapped_mounts
    layer = add_layer(store, {"a/x": b"x"})
    tree = store.layers.path(layer)
    os.makedirs(f"{tree}{('/' + 'd' * 100) * 40}"[:4090].rstrip("/"))
    store.unstable.settle()
    with pytest.raises(ArgosyError, match="cannot give the files of sha256:"):
        idmaps.lowers(store, [layer], "", MAP, fixed=False)
    store.unstable.settle()
    assert idmaps.names(store.root) == []
    assert os.listdir(store.tmp) == []


@root_only
def test_trees_are_made_once_shared_and_go_with_their_layer(without_idmapped_mounts: Store) -> None:
    store = without_idmapped_mounts
    layers = (add_layer(store, {"a/x": b"x"}), add_layer(store, {"b/y": b"yy"}, whiteouts=("b",)))
    image = add_image(store, layers)
    assert image.fixed
    found = idmaps.lowers(store, layers, image.chain_id, MAP, fixed=True)
    assert len(found.directories) == len(set(found.directories)) == 3
    assert all(os.stat(directory).st_uid == 100 for directory in found.directories)
    before = [os.stat(directory).st_ino for directory in found.directories]
    again = idmaps.lowers(reopened(store), layers, image.chain_id, MAP, fixed=True)
    assert [os.stat(directory).st_ino for directory in again.directories] == before
    other = IdMap((IdRange(0, 500, 10),), RANGES)
    idmaps.lowers(store, layers[:1], "", other, fixed=False)
    settled(store)
    assert len(idmaps.names(store.root)) == 4
    assert [idmaps.problem(store, name) for name in idmaps.names(store.root)] == [""] * 4
    assert gc.find(store).objects == ()
    store.images.remove(image.manifest_digest)
    gc.collect(store)
    assert idmaps.names(store.root) == []


def settled(store: Store) -> None:
    """Wait for the helper that makes the trees stable on disk."""
    deadline = time.monotonic() + 30
    while os.listdir(store.tmp):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@root_only
def test_the_highest_owner_of_a_layer_is_found_once(store: Store) -> None:
    layer = add_layer(store, {"a/x": b"x"})
    os.chown(f"{store.layers.path(layer)}/a/x", 5, 77)
    assert owners.highest_id(store, layer) == 77
    os.chown(f"{store.layers.path(layer)}/a/x", 5, 78)
    assert owners.highest_id(store, layer) == 77, "kept, since a layer never changes"
    assert owners.highest_id(store, "sha256:" + "0" * 64) == -1
    store.unstable.settle()


@root_only
def test_a_damaged_tree_is_made_again(without_idmapped_mounts: Store) -> None:
    store = without_idmapped_mounts
    layer = add_layer(store, {"a/x": b"x"})
    (directory,) = idmaps.lowers(store, [layer], "", MAP, fixed=False).directories
    store.unstable.settle()
    settled(store)
    file = f"{os.path.dirname(directory)}/{idmaps.MAP_FILE}"
    os.chmod(file, 0o600)
    with open(file, "r+b") as text:
        text.truncate(3)
    (name,) = idmaps.names(store.root)
    assert "map" in idmaps.problem(store, name)
    os.unlink(f"{directory}/a/x")
    idmaps.lowers(store, [layer], "", MAP, fixed=False)
    assert os.path.exists(f"{directory}/a/x")
    settled(store)


@root_only
@pytest.mark.parametrize("release", ["", "6.1.0-13-amd64"])
def test_lowers_of_root_cost_nothing(store: Store, tmp_path: os.PathLike[str], release: str) -> None:
    """Also on a kernel that wants them mounted somewhere, which is over at once."""
    layers = [add_layer(store, {"a/x": b"x", "a/hidden": b"below"}), add_layer(store, {"a/hidden": b"above"})]
    store.unstable.settle()
    found = idmaps.lowers(store, layers, "", MAP, fixed=False, release=release)
    assert bool(found.handles) == (not release)
    base = os.fspath(tmp_path)
    for name in ("upper", "work", "merged"):
        os.makedirs(f"{base}/{name}")
    driver(store).mount(f"{base}/merged", found.directories, f"{base}/upper", f"{base}/work", volatile=True)
    found.close()
    assert not os.path.exists(store.tmp) or os.listdir(store.tmp) == []
    try:
        seen = subprocess.check_output(["stat", "-c", "%u %g", f"{base}/merged/a/x"], text=True)
        assert seen == "100 100\n"
        with open(f"{base}/merged/a/hidden", "rb") as file:
            assert file.read() == b"above"
    finally:
        mounts.unmount(f"{base}/merged")
    assert idmaps.names(store.root) == []


@root_only
def test_lowers_that_a_killed_process_left_mounted_are_swept(store: Store) -> None:
    layer = add_layer(store, {"a/x": b"x"})
    store.unstable.settle()
    found = idmaps.lowers(store, [layer], "", MAP, fixed=False, release="6.1.0")
    assert found.places is not None
    found.places.lock.release()
    assert sweep.sweep(store).failed == ()
    assert os.listdir(store.tmp) == []
    assert os.path.exists(f"{store.layers.path(layer)}/a/x")


@root_only
def test_a_tree_that_is_mapped_back_has_the_ids_inside_again(tmp_path: os.PathLike[str]) -> None:
    base = os.fspath(tmp_path)
    source = made_tree(base)
    os.chown(f"{source}/empty", 7, 7)
    mapping.map_tree(source, f"{base}/mapped", MAP, "trusted", own_ids=identity())
    os.chown(f"{base}/mapped/gone", 50, 50)  # as overlayfs makes it: by an id that the map does not have
    mapping.map_back(f"{base}/mapped", f"{base}/back", MAP, "trusted")
    for name in ("", "d", "d/below", "d/file", "d/below/again", "empty", "link", "fifo", "gone"):
        before, after = os.lstat(f"{source}/{name}"), os.lstat(f"{base}/back/{name}")
        assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid), name
        assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns), name


@root_only
def test_file_capabilities_of_the_namespace_become_plain_ones(tmp_path: os.PathLike[str]) -> None:
    base = os.fspath(tmp_path)
    os.mkdir(f"{base}/upper")
    rights = bytes.fromhex("0004000000000000000000000000")[2:] + bytes(4)
    for name, root in (("root", 100), ("other", 105)):
        open(f"{base}/upper/{name}", "wb").close()
        value = b"\x01\x00\x00\x03" + rights + root.to_bytes(4, "little")
        os.setxattr(f"{base}/upper/{name}", "security.capability", value)
    mapping.map_back(f"{base}/upper", f"{base}/back", MAP, "trusted")
    assert os.getxattr(f"{base}/back/root", "security.capability") == b"\x01\x00\x00\x02" + rights
    other = os.getxattr(f"{base}/back/other", "security.capability")
    assert other == b"\x01\x00\x00\x03" + rights + (5).to_bytes(4, "little")
