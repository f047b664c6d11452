"""`system check` for the store: every single damaged file is named, nothing else suffers, repairing repairs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from argosy import jsontext
from argosy.config.locations import Locations
from argosy.linux.idmap import identity
from argosy.oci.reference import parse
from argosy.storage import check, gc
from argosy.storage.images import ImageRecord
from argosy.storage.layers import LayerMeta
from argosy.storage.store import Store
from tests.rig import host
from tests.unit.storage.making import add_container, add_image, add_layer, reopened, sha256

CONTAINERS = ("c" * 64, "d" * 64)
NAMES = ("web", "database")


@pytest.fixture
def images(store: Store) -> tuple[ImageRecord, ImageRecord]:
    """Two images that share nothing, each with a name and a container, one with a chain; and a volume."""
    made = []
    for number, (container, name) in enumerate(zip(CONTAINERS, NAMES, strict=True)):
        layer = add_layer(store, {f"dir{number}/file": b"x"}, whiteouts=(f"dir{number}",))
        image = add_image(store, (layer,), salt=name)
        assert image.fixed
        store.refs.set(parse(f"registry.example/{name}"), image.manifest_digest)
        add_container(store, image, container, name)
        made.append(image)
    with store.volumes.stage("data") as staged:
        staged.write("volume.json", b'{"driver":"local"}')
        staged.commit()
    store.unstable.settle()
    return made[0], made[1]


def state_files(store: Store) -> Iterator[str]:
    """All files that hold state, but for the trees."""
    for path, directories, names in os.walk(store.root):
        directories[:] = [name for name in directories if name not in ("diff", "fix", "tmp")]
        for name in (*names, *(name for name in directories if os.path.islink(f"{path}/{name}"))):
            if name != "gc.lock":
                yield f"{path}/{name}"


def flip(path: str) -> None:
    if os.path.islink(path):
        text = os.readlink(path)
        os.unlink(path)
        os.symlink("x" + text[1:], path)
        return
    with open(path, "rb") as file:
        data = bytearray(file.read())
    data[len(data) // 2] ^= 4
    replace(path, bytes(data))


def cut(path: str) -> None:
    if os.path.islink(path):
        text = os.readlink(path)
        os.unlink(path)
        os.symlink(text[:10], path)
        return
    with open(path, "rb") as file:
        replace(path, file.read()[:-1])


def empty(path: str) -> None:
    if os.path.islink(path):
        os.unlink(path)
        os.symlink(".", path)
        return
    replace(path, b"")


def replace(path: str, data: bytes) -> None:
    """The mode stays: damage is not polite enough to take the mark off."""
    mode = os.stat(path).st_mode
    os.chmod(path, 0o600)
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)


def look(store: Store, *, repair: bool = False) -> list[check.Finding]:
    """What the command does: the store's own file first."""
    first = check.check_store_file(Locations(store.root, store.run), identity(), repair=repair)
    if first is not None and not repair:
        return [first]
    opened = Store.open(Locations(store.root, store.run), rootless=False, id_map=identity())
    found = check.check(opened, repair=repair, reapply=applied_again(opened))
    opened.unstable.settle()
    return [*([first] if first else []), *found]


def applied_again(store: Store) -> Callable[[str, str], None]:
    def reapply(manifest_digest: str, diff_id: str) -> None:
        assert diff_id in store.images.get(manifest_digest).diff_ids
        with store.layers.stage(diff_id) as staged:
            assert not staged.present
            number = next(n for n, name in enumerate(NAMES) if parse_name(store, name) == manifest_digest)
            os.mkdir(f"{staged.path}/dir{number}")
            store.layers.commit(staged, LayerMeta(diff_id, 1, 1, (), (f"dir{number}",)))

    return reapply


def parse_name(store: Store, name: str) -> str | None:
    return store.refs.get(parse(f"registry.example/{name}"))


def test_a_whole_store_has_no_findings(store: Store, images: tuple[ImageRecord, ImageRecord]) -> None:
    assert look(store) == []
    assert look(store, repair=True) == []
    assert len(list(state_files(store))) == 22


def deleted(path: str) -> None:
    os.unlink(path)


@host.needs_root
@pytest.mark.parametrize("index", range(22))
@pytest.mark.parametrize("damage", [flip, cut, empty, deleted])
def test_each_damaged_file_is_named_and_breaks_no_other(
    store: Store, images: tuple[ImageRecord, ImageRecord], damage: Callable[[str], None], index: int
) -> None:
    path = sorted(state_files(store))[index]
    if damage is deleted and path.endswith("last.json"):
        os.unlink(path)
        assert look(store) == [], "a container that never ran has none either"
        return
    damage(path)
    findings = look(store)
    assert findings, path
    shown = [f"{finding.path} {finding.name} {finding.problem}" for finding in findings]
    if damage is deleted and "/names/" in path:
        assert any("has no name" in text for text in shown)
    elif damage is deleted and "/_tags/" in path:
        assert [finding.path for finding in findings] == [os.path.dirname(path)]
    else:
        assert any(path in text for text in shown), (path, shown)
    if not path.endswith("store.json"):
        _others_work(store, images, path)
    look(store, repair=True)
    left = look(store)
    _judge_rest(path, left)


def _others_work(store: Store, images: tuple[ImageRecord, ImageRecord], path: str) -> None:
    """At most one image and one container are touched."""
    opened = reopened(store)
    whole = opened.images.all().records
    assert len(whole) + len(opened.images.all().damaged) == 2
    assert whole
    assert len(opened.containers.ids()) == 2
    readable = 0
    for container in opened.containers.ids():
        try:
            jsontext.decode(opened.containers.read(container, "container.json"))
            readable += 1
        except Exception:
            assert container in path
    assert readable >= 1
    assert gc.find(opened).objects == () or "images/" in path or "_tags" in path or "blobs/" in path


def _judge_rest(path: str, left: list[check.Finding]) -> None:
    """After the repair: what cannot be made again is still named, with a way out, and nothing else is."""
    hopeless = ("container.json", "volume.json")
    if path.endswith(hopeless):
        assert [finding.path for finding in left] == [path]
        assert all(finding.hint for finding in left)
    elif "/blobs/" in path:
        assert all(os.path.basename(path) in finding.path for finding in left)
        assert all("pull it again" in finding.hint for finding in left)
        assert left
    else:
        assert left == []


def test_an_image_record_is_made_again(store: Store, images: tuple[ImageRecord, ImageRecord]) -> None:
    image = images[0]
    path = f"{store.root}/images/{image.manifest_digest[7:]}/image.json"
    empty(path)
    found = look(store, repair=True)
    assert [finding.repaired for finding in found] == ["made again from the manifest and the config"]
    again = store.images.get(image.manifest_digest)
    assert again.repo_digests == (f"registry.example/web@{image.manifest_digest}",)
    assert again.replace(created_at=1.0, repo_digests=()) == image


def test_an_image_record_that_cannot_be_made_again(store: Store, images: tuple[ImageRecord, ImageRecord]) -> None:
    image = images[0]
    empty(f"{store.root}/images/{image.manifest_digest[7:]}/image.json")
    os.unlink(store.blobs.path(image.config_digest))
    found = look(store, repair=True)
    assert [(finding.name, finding.repaired) for finding in found] == [(image.manifest_digest, "")]
    assert "rmi --force" in found[0].hint
    assert store.images.get(images[1].manifest_digest) == images[1]


@host.needs_root
def test_a_layer_that_is_mounted_is_left_alone(store: Store, images: tuple[ImageRecord, ImageRecord]) -> None:
    from argosy.storage import rootfs

    image = images[0]
    container = store.containers.path(CONTAINERS[0])
    rootfs.mount(store, container, image.diff_ids, image.chain_id, image.fixed)
    flip(f"{store.layers.directory(image.diff_ids[0])}/layer.json")
    found = look(store, repair=True)
    assert [(finding.kind, finding.repaired) for finding in found] == [("layer", "")]
    assert found[0].hint == f"stop container {CONTAINERS[0][:12]} first"
    rootfs.unmount(container)
    found = look(store, repair=True)
    assert [finding.repaired for finding in found] == ["applied again from its blob"]
    assert look(store) == []


def test_leftovers_are_named_and_removed(store: Store, images: tuple[ImageRecord, ImageRecord]) -> None:
    os.makedirs(f"{store.tmp}/{'0' * 32}/deep/tree")
    os.mkdir(f"{store.tmp}/layer-{'1' * 64}")
    os.symlink("nowhere", f"{store.tmp}/link")
    partial = f"{store.tmp}/ingest-{'2' * 64}"
    half = f"{store.containers.path(CONTAINERS[0])}/.changes.json.0123~"
    for path in (partial, half):
        with open(path, "wb") as file:
            file.write(b"half")
    tags = f"{store.root}/refs/registry.example/unfinished/_tags"
    os.makedirs(tags)
    with store.work() as work:
        # entering the work has swept all but the partial download, which can be continued for a day
        assert {finding.path for finding in look(store)} == {half, partial, tags}
        assert {finding.path for finding in look(store, repair=True)} == {half, partial, tags}
        assert look(store) == []
        assert os.path.isdir(work.path)
    assert os.listdir(store.tmp) == []
    assert not os.path.exists(f"{store.root}/refs/registry.example/unfinished")


def test_leftovers_of_the_living_stay(store: Store, images: tuple[ImageRecord, ImageRecord]) -> None:
    digest = sha256(b"long download")
    with store.blobs.ingest(digest) as ingest, store.containers.lock(CONTAINERS[0]):
        ingest.write(b"long")
        half = f"{store.containers.path(CONTAINERS[0])}/.changes.json.0123~"
        with open(half, "wb"):
            pass
        assert look(store, repair=True) == []
        assert os.path.exists(half)
        ingest.write(b" download")
        ingest.commit()
        os.unlink(half)


def test_names_without_object_and_objects_without_name(store: Store, images: tuple[ImageRecord, ImageRecord]) -> None:
    names = store.containers.names_directory
    os.symlink("e" * 64, f"{names}/ghost")
    os.unlink(f"{names}/web")
    os.mkdir(f"{names}/directory")
    assert sorted(finding.name for finding in look(store)) == sorted(["ghost", CONTAINERS[0], "directory"])
    look(store, repair=True)
    assert store.containers.names() == {"web": CONTAINERS[0], "database": CONTAINERS[1]}
    assert [finding.name for finding in look(store)] == ["directory"]


def test_a_name_that_was_taken_meanwhile(store: Store, images: tuple[ImageRecord, ImageRecord]) -> None:
    store.containers.rename(CONTAINERS[1], "other")
    os.rename(f"{store.containers.names_directory}/other", f"{store.containers.names_directory}/database")
    os.unlink(f"{store.containers.names_directory}/web")
    store.containers.rename(CONTAINERS[1], "web")
    look(store, repair=True)
    assert store.containers.names() == {"web": CONTAINERS[1], CONTAINERS[0][:12]: CONTAINERS[0]}


def test_foreign_files_are_named_and_kept(store: Store, images: tuple[ImageRecord, ImageRecord]) -> None:
    paths = [f"{store.root}/{place}/note" for place in ("blobs/sha256", "layers", "images", "containers", "refs")]
    for path in paths:
        with open(path, "wb"):
            pass
    assert sorted(finding.path for finding in look(store, repair=True)) == sorted(paths)
    assert all(os.path.exists(path) for path in paths)


def test_a_reference_to_nothing(store: Store, images: tuple[ImageRecord, ImageRecord]) -> None:
    store.refs.set(parse("registry.example/ghost"), sha256(b"ghost"))
    index = store.blobs.put(
        jsontext.encode(
            {
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.index.v1+json",
                "manifests": [
                    {
                        "mediaType": "application/vnd.oci.image.manifest.v1+json",
                        "digest": images[0].manifest_digest,
                        "size": 10,
                    }
                ],
            }
        )
    )
    store.unstable.settle()
    store.refs.set(parse("registry.example/multi"), index)
    store.refs.set(parse(f"registry.example/multi@{index}"), images[0].manifest_digest)
    assert [finding.name for finding in look(store)] == ["registry.example/ghost:latest"]
    look(store, repair=True)
    assert store.refs.get(parse("registry.example/ghost")) is None
    assert store.refs.get(parse("registry.example/multi")) == index


def test_an_unmarked_layer_after_a_crash_is_named(store: Store, images: tuple[ImageRecord, ImageRecord]) -> None:
    layer = images[0].diff_ids[0]
    os.chmod(f"{store.layers.directory(layer)}/layer.json", 0o600)
    found = look(store)
    assert [(finding.name, finding.problem) for finding in found] == [
        (layer, "it was not stable on disk before a crash")
    ]
    assert [finding.repaired for finding in look(store, repair=True)] == ["applied again from its blob"]
    assert look(store) == []


@host.needs_root
def test_a_lost_store_file_is_told_once_repaired(store: Store, images: tuple[ImageRecord, ImageRecord]) -> None:
    os.unlink(f"{store.root}/store.json")
    for _ in range(2):
        assert [finding.kind for finding in look(store)] == ["store"]
    look(store, repair=True)
    assert look(store) == []


def test_quick_reads_no_blob(
    store: Store, images: tuple[ImageRecord, ImageRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(store.blobs), "matches", lambda *_args: pytest.fail("read a blob"))
    assert check.check(store, quick=True) == []
