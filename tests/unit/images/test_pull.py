"""Pull: what is fetched, what is verified, what becomes visible, what is left after failures."""

from __future__ import annotations

import dataclasses
import gzip
import os
import threading

import pytest

from argosy.errors import ArgosyError, Invalid
from argosy.images import restore
from argosy.images.pull import Puller, jobs, pull_all_tags, pull_text, without_transport
from argosy.images.resolve import ImageNotKnown, config
from argosy.images.transfer import DiffIdMismatch
from argosy.oci import platform
from argosy.storage.blobs import DigestMismatch
from argosy.storage.store import Store
from tests.rig.registry import Image, image, index, sha256, tar
from tests.unit.images.making import Lines, MemorySource, add, bring, no_registries, parsed
from tests.unit.storage.making import reopened

NOISE = os.urandom(200_000)
TWO = image([{"a": b"first"}, {"b": NOISE}], config={"Cmd": ["/a"]})


def layers(made: Image) -> list[str]:
    """The digests of the layers' blobs."""
    return [digest for digest, data in made.blobs.items() if data.startswith(b"\x1f\x8b")]


def test_all_parts_arrive(store: Store) -> None:
    record = bring(store, MemorySource(TWO), name="registry.test/two:1")
    assert store.refs.get(parsed("registry.test/two:1")) == TWO.digest == record.manifest_digest
    assert record.repo_digests == (f"registry.test/two@{TWO.digest}",)
    assert [layer.blob for layer in record.layers] == layers(TWO)
    assert store.blobs.read(TWO.digest) == TWO.manifest
    for digest, data in TWO.blobs.items():
        assert store.blobs.read(digest) == data
    trees = [store.layers.path(diff_id) for diff_id in record.diff_ids]
    with open(f"{trees[0]}/a", "rb") as first, open(f"{trees[1]}/b", "rb") as second:
        assert (first.read(), second.read()) == (b"first", NOISE)
    assert config(store, record).config.cmd == ("/a",)
    sizes = sum(len(gzip.decompress(TWO.blobs[digest])) for digest in layers(TWO))
    assert record.size_bytes == sizes + record_sizes(TWO)


def record_sizes(made: Image) -> int:
    """The sizes of manifest and config."""
    return len(made.manifest) + sum(len(data) for data in made.blobs.values() if data.startswith(b"{"))


def test_a_wrong_size_of_a_layer_that_is_there_is_refused(store: Store) -> None:
    bring(store, MemorySource(TWO))
    size = len(TWO.blobs[layers(TWO)[0]])
    lie = TWO.manifest.replace(b'"size": %d' % size, b'"size": 5').replace(b'"size":%d' % size, b'"size":5')
    assert lie != TWO.manifest
    with pytest.raises(Invalid, match="it gives the blob 5 bytes"):
        bring(store, MemorySource(dataclasses.replace(TWO, manifest=lie)))


def test_what_is_there_is_not_fetched_again(store: Store) -> None:
    bring(store, MemorySource(TWO))
    again = MemorySource(image([{"a": b"first"}, {"c": b"other"}]))
    shown = Lines()
    bring(store, again, name="registry.test/again:1", progress=shown)
    assert again.asked == [layers(again.served)[1]]
    assert f"Copying blob {layers(TWO)[0]} skipped: already exists" in shown.lines
    once_more = MemorySource(TWO)
    bring(store, once_more)
    assert once_more.asked == []


def test_a_layer_that_an_image_has_twice_comes_once(store: Store) -> None:
    made = MemorySource(image([{"a": b"1"}, {"a": b"1"}, {"b": b"2"}]))
    record = bring(store, made)
    assert len(record.diff_ids) == 3
    assert sorted(made.asked) == sorted(set(layers(made.served)))


def test_an_index_is_remembered(store: Store) -> None:
    host = platform.host()
    several = index([(TWO, {"os": host.os, "architecture": host.architecture})])
    record = bring(store, MemorySource(several), name="registry.test/two:1")
    assert record.indexes == (several.digest,)
    assert set(record.repo_digests) == {f"registry.test/two@{digest}" for digest in (TWO.digest, several.digest)}
    assert store.blobs.read(several.digest) == several.manifest


def test_asked_for_by_digest_it_gets_that_name_and_no_tag(store: Store) -> None:
    bring(store, MemorySource(TWO), name=f"registry.test/two:1@{TWO.digest}")
    assert [str(name) for name, _ in store.refs.all().refs] == [f"registry.test/two@{TWO.digest}"]


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_other_compressions(store: Store, compression: str) -> None:
    archive = tar({"x": NOISE})
    if compression == "zstd":
        zstd = pytest.importorskip("backports.zstd")
        packed = zstd.compress(archive)
    else:
        packed = archive
    suffix = "" if compression == "none" else "+zstd"
    made = changed_layer(image([archive]), packed, suffix)
    record = bring(store, MemorySource(made))
    with open(f"{store.layers.path(record.diff_ids[0])}/x", "rb") as file:
        assert file.read() == NOISE


def changed_layer(made: Image, packed: bytes, suffix: str) -> Image:
    """The image with its only layer in another dress."""
    old = layers(made)[0]
    manifest = made.manifest.decode().replace(old, sha256(packed)).replace("tar+gzip", f"tar{suffix}")
    manifest = manifest.replace(f'"size": {len(made.blobs[old])}', f'"size": {len(packed)}')
    blobs = {digest: data for digest, data in made.blobs.items() if digest != old}
    return Image(manifest.encode(), made.media_type, {**blobs, sha256(packed): packed})


def test_the_same_layer_in_another_dress_is_checked_but_not_applied_again(store: Store) -> None:
    archive = tar({"x": NOISE})
    first = bring(store, MemorySource(image([archive])), name="registry.test/a:1")
    inode = os.stat(store.layers.path(first.diff_ids[0])).st_ino
    made = MemorySource(changed_layer(image([archive]), archive, ""))
    second = bring(store, made, name="registry.test/b:1")
    assert made.asked == [sha256(archive)]
    assert first.config_digest == second.config_digest
    assert first.manifest_digest != second.manifest_digest
    assert os.stat(store.layers.path(first.diff_ids[0])).st_ino == inode


def nothing_visible(store: Store) -> None:
    assert store.images.all().records == ()
    assert store.refs.all().refs == ()
    assert store.layers.ids() == []


def test_a_broken_download_is_continued(store: Store) -> None:
    source = MemorySource(TWO)
    big = layers(TWO)[1]
    source.cut_after[big] = 70_000
    with pytest.raises(ArgosyError, match="the connection broke"):
        bring(store, source)
    assert store.images.all().records == ()
    source.cut_after.clear()
    source.asked.clear()
    shown = Lines()
    record = bring(reopened(store), source, progress=shown)
    assert f"{big}+70000" in source.asked
    with open(f"{store.layers.path(record.diff_ids[1])}/b", "rb") as file:
        assert file.read() == NOISE


def test_bytes_that_are_not_the_blob(store: Store) -> None:
    source = MemorySource(TWO)
    big = layers(TWO)[1]
    other = gzip.compress(tar({"b": bytes(200_000)}), 0)
    source.instead[big] = other[: len(TWO.blobs[big])]
    with pytest.raises(ArgosyError):
        bring(store, source)
    assert not store.blobs.has(big)
    assert store.images.all().records == ()
    left = os.listdir(store.tmp)
    assert not any(name.startswith(("layer-", f"ingest-{big[7:]}")) for name in left)
    source.instead.clear()  # what was on its way of the other layer may be there still: the next pull goes on with it
    bring(store, source)


def test_a_blob_of_the_right_size_and_the_wrong_digest(store: Store) -> None:
    archive = tar({"x": b"1" * 5000})
    made = changed_layer(image([archive]), archive, "")
    source = MemorySource(made)
    source.instead[sha256(archive)] = tar({"x": b"2" * 5000})
    with pytest.raises(DigestMismatch):
        bring(store, source)
    nothing_visible(store)


def test_a_layer_that_is_not_the_one_in_the_config(store: Store) -> None:
    liar = image([{"x": b"1"}])
    archive = tar({"x": b"other"})
    packed = gzip.compress(archive)
    source = MemorySource(changed_layer(liar, packed, "+gzip"))
    with pytest.raises(DiffIdMismatch) as caught:
        bring(store, source)
    assert sha256(archive) in str(caught.value)
    nothing_visible(store)


def test_manifest_and_config_that_do_not_go_together(store: Store) -> None:
    one, two = image([{"x": b"1"}]), image([{"x": b"1"}, {"y": b"2"}])
    (one_config,) = [digest for digest, data in one.blobs.items() if data.startswith(b"{")]
    (two_config,) = [digest for digest, data in two.blobs.items() if data.startswith(b"{")]
    manifest = one.manifest.decode().replace(one_config, two_config)
    wrong_size = Image(manifest.encode(), one.media_type, {**one.blobs, **two.blobs})
    with pytest.raises(Invalid, match=r"config\.size"):
        bring(store, MemorySource(wrong_size))
    said, true = (f'"size": {len(made.blobs[digest])}' for made, digest in ((one, one_config), (two, two_config)))
    wrong_count = Image(manifest.replace(said, true).encode(), one.media_type, wrong_size.blobs)
    with pytest.raises(Invalid, match="1 layers in the manifest, 2 in the config"):
        bring(store, MemorySource(wrong_count))
    nothing_visible(store)


def test_one_bad_layer_among_many_stops_the_others(store: Store) -> None:
    many = [{f"file{number}": os.urandom(50_000)} for number in range(12)]
    source = MemorySource(image(many))
    source.cut_after[layers(source.served)[7]] = 1000
    before = threading.active_count()
    with pytest.raises(ArgosyError, match="the connection broke"):
        bring(store, source)
    assert threading.active_count() == before
    assert store.images.all().records == ()
    source.cut_after.clear()
    assert len(bring(store, source).diff_ids) == 12


def test_a_blob_that_was_damaged_in_the_store_is_fetched_again(store: Store) -> None:
    bring(store, MemorySource(TWO))
    store.unstable.settle()
    big = layers(TWO)[1]
    record = store.images.get(TWO.digest)
    os.chmod(store.blobs.path(big), 0o644)
    with open(store.blobs.path(big), "r+b") as file:
        file.seek(1000)
        file.write(b"damage")
    os.chmod(store.blobs.path(big), 0o444)
    os.unlink(f"{store.layers.directory(record.diff_ids[1])}/layer.json")
    source = MemorySource(TWO)
    bring(store, source)
    assert source.asked == [big]
    assert store.layers.has(record.diff_ids[1])
    assert store.blobs.read(big) == TWO.blobs[big]


def test_restore_applies_again_what_is_not_trusted(store: Store) -> None:
    record = bring(store, MemorySource(TWO))
    store.unstable.settle()
    os.unlink(f"{store.layers.directory(record.diff_ids[0])}/layer.json")
    assert store.layers.untrusted(record.diff_ids) == (record.diff_ids[0],)
    restore.restore(store, record)
    assert store.layers.untrusted(record.diff_ids) == ()
    with open(f"{store.layers.path(record.diff_ids[0])}/a", "rb") as file:
        assert file.read() == b"first"


def test_restore_says_what_is_lost(store: Store) -> None:
    record = bring(store, MemorySource(TWO))
    store.unstable.settle()
    os.unlink(f"{store.layers.directory(record.diff_ids[0])}/layer.json")
    os.unlink(store.blobs.path(record.layers[0].blob))
    with pytest.raises(restore.LayersLost, match="has lost a layer") as caught:
        restore.restore(store, record)
    assert record.layers[0].blob in str(caught.value)


def test_two_pulls_at_once_fetch_each_blob_once(store: Store) -> None:
    source = MemorySource(image([{f"f{number}": os.urandom(80_000)} for number in range(4)]))
    errors: list[BaseException] = []

    def work() -> None:
        try:
            bring(store, source)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(source.asked) == sorted(layers(source.served))


def test_a_platform_that_was_not_asked_for_is_told(store: Store) -> None:
    notices: list[str] = []
    bring(store, MemorySource(image([{"a": b"1"}], architecture="s390x")), notices=notices)
    assert notices == [f"image platform (linux/s390x) does not match the expected platform ({platform.host()})"]


def puller(store: Store, sources: dict[str, MemorySource], asked: list[str]) -> Puller:
    """A puller whose registries are `sources`, by reference."""

    def open_source(reference: object) -> MemorySource:
        asked.append(str(reference))
        found = sources.get(str(reference))
        if found is None:
            raise ArgosyError(f"{reference}: manifest unknown")
        return found

    return Puller(store, no_registries, open_source, lambda _reference: lambda _raw: (), Lines(), lambda _text: None)


@pytest.mark.parametrize(("policy", "asked"), [("missing", 0), ("never", 0), ("always", 1), ("newer", 1)])
def test_pull_policies(store: Store, policy: str, asked: int) -> None:
    add(store, "registry.test/x:1")
    opened: list[str] = []
    source = MemorySource(TWO, "registry.test/x:1")
    found = pull_text(puller(store, {"registry.test/x:1": source}, opened), "registry.test/x:1", policy)
    assert len(opened) == asked
    assert (found.record.manifest_digest == TWO.digest) == bool(asked)
    assert source.closed == bool(asked)


def test_newer_leaves_what_is_the_same(store: Store) -> None:
    source = MemorySource(TWO, "registry.test/x:1")
    record = bring(store, source)
    source.asked.clear()
    found = pull_text(puller(store, {"registry.test/x:1": source}, []), "registry.test/x:1", "newer")
    assert found.record == record
    assert source.asked == []


def test_pull_never_of_what_is_not_there(store: Store) -> None:
    with pytest.raises(ImageNotKnown):
        pull_text(puller(store, {}, []), "registry.test/x:1", "never")
    with pytest.raises(Invalid, match="pull policy"):
        pull_text(puller(store, {}, []), "registry.test/x:1", "often")


def test_all_tags(store: Store) -> None:
    opened: list[str] = []
    sources = {
        "registry.test/x": MemorySource(TWO, "registry.test/x:latest"),
        "registry.test/x:latest": MemorySource(TWO, "registry.test/x:latest"),
    }
    (found,) = pull_all_tags(puller(store, sources, opened), "registry.test/x")
    assert str(found.name) == "registry.test/x:latest"
    with pytest.raises(Invalid, match="without a tag"):
        pull_all_tags(puller(store, sources, opened), "registry.test/x:1")


def test_transports() -> None:
    assert without_transport("docker://registry.test/x:1") == "registry.test/x:1"
    assert without_transport("registry.test:5000/x") == "registry.test:5000/x"
    for text in ("oci:/tmp/x", "docker-archive:x.tar", "dir:/x"):
        with pytest.raises(ArgosyError, match="registries only"):
            without_transport(text)


def test_jobs_name_each_layer_once() -> None:
    from argosy.oci import imageconfig, manifest

    made = image([{"a": b"1"}, {"a": b"1"}])
    parsed_manifest = manifest.parse(made.manifest)
    assert isinstance(parsed_manifest, manifest.ImageManifest)
    found = jobs(imageconfig.parse(next(iter(made.blobs.values()))), parsed_manifest.layers)
    assert len(found) == 1
    assert found[0].compression == "gzip"
