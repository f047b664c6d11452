"""Additional image stores: what is seen of them, what is relied on, and that nothing in them changes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argosy.containers.doctor import storage
from argosy.errors import ArgosyError, NotFound
from argosy.linux.idmap import IdMap, IdRange
from argosy.oci import reference as references
from argosy.storage import check_images, creation, gc, rootfs, shared
from argosy.storage.chains import chain_id
from argosy.storage.store import Store
from tests.unit.storage.making import add_image, add_layer, make_store, reopened, sha256


def lending(tmp_path: Path) -> Store:
    """A store with an image, stable on disk."""
    path = tmp_path / "lender"
    path.mkdir()
    store = make_store(str(path))
    layers = (add_layer(store, {"etc/passwd": b"root", "tmp": None}), add_layer(store, {"etc/group": b"x"}))
    record = add_image(store, layers)
    store.refs.set(references.parse("localhost/shared:1"), record.manifest_digest)
    store.unstable.settle()
    return store


def borrowing(store: Store, *paths: str, notices: list[str] | None = None, id_map: IdMap | None = None) -> Store:
    """The store, opened with additional ones."""
    notice = notices.append if notices is not None else pytest.fail
    return Store(
        *(store.root, store.run),
        rootless=False,
        id_map=id_map or store.id_map,
        record=store.record,
        image_stores=paths,
        notice=notice,
    )


def snapshot(root: str) -> list[tuple[str, int, int]]:
    return sorted(
        (path, os.lstat(f"{path}/{name}").st_mtime_ns, os.lstat(f"{path}/{name}").st_ino)
        for path, directories, names in os.walk(root)
        for name in (*directories, *names)
    )


def test_everything_is_seen_and_nothing_changes(store: Store, tmp_path: Path) -> None:
    lender = lending(tmp_path)
    record = lender.images.all().records[0]
    before = snapshot(lender.root)
    mine = borrowing(store, lender.root)
    assert mine.images.get(record.manifest_digest) == record
    assert mine.images.exists(record.manifest_digest)
    assert mine.images.lender(record.manifest_digest) == lender.root
    assert mine.images.by_id(record.config_digest[7:20]) == (record,)
    assert mine.images.all().records == ()
    assert mine.blobs.has(record.config_digest)
    assert mine.blobs.read(record.config_digest) == lender.blobs.read(record.config_digest)
    assert mine.blobs.size(record.config_digest) == lender.blobs.size(record.config_digest)
    assert mine.layers.untrusted(record.diff_ids) == ()
    assert mine.layers.meta(record.diff_ids[0]) == lender.layers.meta(record.diff_ids[0])
    lowers = rootfs.lower_directories(mine, record.diff_ids, record.chain_id, fixed=False)
    assert lowers == [lender.layers.path(diff_id) for diff_id in reversed(record.diff_ids)]
    with mine.layers.stage(record.diff_ids[0]) as staged:
        assert staged.present
    with mine.blobs.ingest(record.config_digest) as ingest:
        assert ingest.present
    assert gc.collect(mine).objects == ()
    assert list(check_images.check(mine, repair=True, quick=False, reapply=None, compare=None)) == []
    assert snapshot(lender.root) == before


def test_an_image_of_our_own_may_consist_of_what_is_lent(store: Store, tmp_path: Path) -> None:
    lender = lending(tmp_path)
    record = lender.images.all().records[0]
    mine = borrowing(store, lender.root)
    mine.images.put(record)
    assert mine.images.lender(record.manifest_digest) == ""
    gc.collect(mine)
    assert mine.layers.untrusted(record.diff_ids) == ()
    assert list(check_images.check(mine, repair=False, quick=False, reapply=None, compare=None)) == []
    alone = reopened(store)
    assert alone.layers.untrusted(record.diff_ids) == record.diff_ids
    with pytest.raises(NotFound):
        alone.blobs.read(record.config_digest)


def test_a_fix_is_lent_or_made_from_lent_layers(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "lender"
    path.mkdir()
    lender = make_store(str(path))
    lower = add_layer(lender, {"a/b": b"1"})
    upper = add_layer(lender, {"a/c": b"2"}, undeclared=("a",))
    os.chmod(f"{lender.layers.path(lower)}/a", 0o700)
    layers = (lower, upper)
    lender.unstable.settle()
    mine = borrowing(store, lender.root)
    made = mine.chains.fix(chain_id(layers), layers)
    assert made.startswith(store.root)
    lender.chains.ensure_fix(layers)
    lender.unstable.settle()
    other = tmp_path / "other"
    other.mkdir()
    theirs = borrowing(make_store(str(other)), lender.root)
    assert theirs.chains.ensure_fix(layers).fixed
    assert theirs.chains.fix(chain_id(layers), layers).startswith(lender.root)
    assert theirs.chains.ids() == []
    mine.unstable.settle()


def test_what_is_not_stable_counts_by_its_digest_only(store: Store, tmp_path: Path) -> None:
    lender = lending(tmp_path)
    record = lender.images.all().records[0]
    layer_file = f"{lender.layers.directory(record.diff_ids[1])}/layer.json"
    os.chmod(layer_file, 0o600)
    os.chmod(lender.blobs.path(record.config_digest), 0o600)
    broken = lender.blobs.path(record.layers[0].blob)
    os.chmod(broken, 0o600)
    with open(broken, "r+b") as file:
        file.write(b"X")
    mine = borrowing(store, lender.root)
    assert mine.layers.untrusted(record.diff_ids) == (record.diff_ids[1],)
    assert mine.blobs.has(record.config_digest)
    assert not mine.blobs.has(record.layers[0].blob)
    assert os.path.exists(broken)  # it is not ours to remove


def test_a_good_layer_of_our_own_comes_first(store: Store, tmp_path: Path) -> None:
    lender = lending(tmp_path)
    diff_id = lender.images.all().records[0].diff_ids[0]
    add_layer(store, {"etc/passwd": b"root", "tmp": None})
    store.unstable.settle()
    mine = borrowing(store, lender.root)
    assert mine.layers.path(diff_id) == store.layers.path(diff_id)
    os.chmod(f"{store.layers.directory(diff_id)}/layer.json", 0o600)
    assert mine.layers.path(diff_id) == lender.layers.path(diff_id)
    os.chmod(f"{store.layers.directory(diff_id)}/layer.json", 0o444)


def test_layers_of_other_ids_are_not_mounted(store: Store, tmp_path: Path) -> None:
    lender = lending(tmp_path)
    record = lender.images.all().records[0]
    notices: list[str] = []
    ranges = (IdRange(0, 1000, 1), IdRange(1, 100000, 65536))
    mine = borrowing(store, lender.root, notices=notices, id_map=IdMap(ranges, ranges))
    assert mine.blobs.has(record.config_digest)
    assert mine.layers.meta(record.diff_ids[0]).entries == 2
    assert notices == []
    assert mine.layers.untrusted(record.diff_ids) == record.diff_ids
    assert mine.layers.untrusted(record.diff_ids) == record.diff_ids
    assert len(notices) == 1
    assert "their files belong to other ids than ours" in notices[0]


def test_layers_of_the_other_kind_of_attributes_are_not_mounted(store: Store, tmp_path: Path) -> None:
    lender = lending(tmp_path)
    other = "user" if lender.xattrs == "trusted" else "trusted"
    creation.write(lender.root, lender.record.replace(xattrs=other))
    notices: list[str] = []
    mine = borrowing(store, lender.root, notices=notices)
    diff_ids = lender.images.all().records[0].diff_ids
    assert mine.layers.untrusted(diff_ids) == diff_ids
    assert f"they have {other}.overlay.* attributes, we read {lender.xattrs}.overlay.*" in notices[0]


def test_each_store_that_cannot_be_used_is_named_and_hides_no_other(store: Store, tmp_path: Path) -> None:
    lender = lending(tmp_path)
    paths = {}
    for name, content in (("empty", ""), ("podman", ""), ("newer", '{"format": 99}'), ("damaged", "{")):
        (tmp_path / name).mkdir()
        paths[name] = str(tmp_path / name)
        if content:
            (tmp_path / name / "store.json").write_text(content)
    (tmp_path / "podman/overlay-images").mkdir()
    creation.write(paths["newer"], lender.record.replace(format=99))
    notices: list[str] = []
    mine = borrowing(store, *paths.values(), store.root, lender.root, notices=notices)
    assert [shared.root for shared in mine.shared] == [lender.root]
    assert [shared.root for shared in mine.shared] == [lender.root]
    texts = dict(zip(paths, notices, strict=True))
    for name, text in texts.items():
        assert text.startswith(f"the additional image store {paths[name]} is not used: ")
    assert "it holds no store.json" in texts["empty"]
    assert "it is podman's" in texts["podman"]
    assert f"podman --root {paths['podman']} save IMAGE | argosy load" in texts["podman"]
    assert "has format 99, this argosy knows format" in texts["newer"]
    assert "damaged store" in texts["damaged"]


def test_a_path_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ArgosyError, match="can't stat imageStore dir /nonexist: stat /nonexist: no such file"):
        shared.check_paths(("/", "/nonexist"))


def test_nothing_is_looked_for_where_there_is_none(store: Store) -> None:
    assert store.shared == ()
    assert not store.blobs.has(sha256(b"x"))
    assert store.images.lender(sha256(b"x")) == ""


def test_doctor_tells_what_each_is_good_for(store: Store, tmp_path: Path) -> None:
    lender = lending(tmp_path)
    (tmp_path / "empty").mkdir()
    mine = borrowing(store, lender.root, f"{tmp_path}/empty")
    advices = [(advice.state, advice.text) for advice in storage.store_checks(mine)]
    told = [advice for advice in advices if "image store" in advice[1]]
    assert told[0] == ("good", f"additional image store {lender.root}: images are used from where they are")
    assert told[1][0] == "less"
    assert f"{tmp_path}/empty is not used" in told[1][1]
