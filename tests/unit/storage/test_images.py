"""Image records and references."""

from __future__ import annotations

import os

import pytest

from argosy.errors import ArgosyError, Invalid, NotFound
from argosy.oci.reference import Reference, parse
from argosy.records.shelf import Damaged
from argosy.storage.store import Store
from tests.unit.storage.making import add_image, add_layer, sha256


def test_put_get_all_remove(store: Store) -> None:
    image = add_image(store, (add_layer(store, {"a": b"x"}),))
    assert store.images.exists(image.manifest_digest)
    assert store.images.get(image.manifest_digest) == image
    assert store.images.all().records == (image,)
    store.images.remove(image.manifest_digest)
    assert not store.images.exists(image.manifest_digest)
    for look in (store.images.get, store.images.remove):
        with pytest.raises(NotFound, match=f"no such image: {image.manifest_digest}"):
            look(image.manifest_digest)


def test_putting_again_joins_what_both_know(store: Store) -> None:
    image = add_image(store, (add_layer(store, {"a": b"x"}),))
    index = sha256(b"index")
    again = image.replace(created_at=9.0, repo_digests=("one@x",), indexes=(index,))
    store.images.put(again)
    merged = store.images.put(image.replace(repo_digests=("two@x", "one@x")))
    assert merged == store.images.get(image.manifest_digest)
    assert merged.created_at == 1.0
    assert merged.repo_digests == ("one@x", "two@x")
    assert merged.indexes == (index,)


def test_putting_again_replaces_a_damaged_record(store: Store) -> None:
    image = add_image(store, (add_layer(store, {"a": b"x"}),))
    path = f"{store.root}/images/{image.manifest_digest.removeprefix('sha256:')}/image.json"
    for content in (b"", b"{", b"{}"):
        with open(path, "wb") as file:
            file.write(content)
        with pytest.raises(Damaged):
            store.images.get(image.manifest_digest)
        assert store.images.put(image) == image
        assert store.images.get(image.manifest_digest) == image


def test_an_incomplete_image_is_refused(store: Store) -> None:
    image = add_image(store, (add_layer(store, {"a": b"x"}),))
    store.images.remove(image.manifest_digest)
    for path in (store.blobs.path(image.config_digest), store.layers.path(image.diff_ids[0])):
        os.rename(path, f"{path}.away")
        with pytest.raises(ArgosyError, match="lost a part") as caught:
            store.images.put(image)
        assert caught.value.details == path
        assert not store.images.exists(image.manifest_digest)
        os.rename(f"{path}.away", path)
    store.images.put(image)


def test_update(store: Store) -> None:
    image = add_image(store, (add_layer(store, {"a": b"x"}),))
    assert store.images.update(image.manifest_digest, lambda old: old.replace(repo_digests=("r@d",))).repo_digests
    assert store.images.get(image.manifest_digest).repo_digests == ("r@d",)
    with pytest.raises(NotFound):
        store.images.update(sha256(b"none"), lambda old: old)


def test_one_damaged_record_hides_no_other(store: Store) -> None:
    layer = add_layer(store, {"a": b"x"})
    good, bad = add_image(store, (layer,)), add_image(store, (layer,), salt="2")
    with open(f"{store.root}/images/{bad.manifest_digest.removeprefix('sha256:')}/image.json", "r+b") as file:
        file.truncate(20)
    found = store.images.all()
    assert found.records == (good,)
    assert [digest for digest, _ in found.damaged] == [bad.manifest_digest]


def test_a_record_under_the_wrong_digest_is_damaged(store: Store) -> None:
    image = add_image(store, (add_layer(store, {"a": b"x"}),))
    other = sha256(b"other")
    directory = f"{store.root}/images"
    os.rename(f"{directory}/{image.manifest_digest[7:]}", f"{directory}/{other[7:]}")
    with pytest.raises(Damaged, match="it is the record of"):
        store.images.get(other)


def test_by_id(store: Store) -> None:
    layer = add_layer(store, {"a": b"x"})
    images = [add_image(store, (layer,), salt=str(number)) for number in range(20)]
    chosen = images[3]
    assert store.images.by_id(chosen.config_digest) == (chosen,)
    assert store.images.by_id(chosen.config_digest[7:]) == (chosen,)
    assert store.images.by_id(chosen.config_digest[7:23]) == (chosen,)
    first = [image.config_digest[7] for image in images]
    shared = next(digit for digit in first if first.count(digit) > 1)
    with pytest.raises(Invalid, match="more than one image"):
        store.images.by_id(shared)
    for text in ("", "sha256:", "x", "A", chosen.config_digest + "0", "0" * 64):
        with pytest.raises(NotFound):
            store.images.by_id(text)


NAMES = (
    "registry.example/a@sha256:" + "1" * 64,
    "busybox",
    "localhost:5000/a",
    "registry.example/a/b/c:v1",
    "registry.example/a/tags",
    "[::1]:5000/x:_tags",
    "registry.example/a/b:._"[:-2] + "1",
)


def test_refs(store: Store) -> None:
    digests = {name: sha256(name.encode()) for name in NAMES}
    for durable, (name, digest) in enumerate(digests.items()):
        store.refs.set(parse(name), digest, durable=durable % 2 == 0)
    assert {str(reference): digest for reference, digest in store.refs.all().refs} == {
        str(parse(name)): digest for name, digest in digests.items()
    }
    for name, digest in digests.items():
        assert store.refs.get(parse(name)) == digest
        store.refs.set(parse(name), digests["busybox"])
        assert store.refs.get(parse(name)) == digests["busybox"]
        assert store.refs.remove(parse(name))
        assert store.refs.get(parse(name)) is None
        assert not store.refs.remove(parse(name))
    assert os.listdir(f"{store.root}/refs") == []


def test_a_repository_inside_another(store: Store) -> None:
    outer, inner = parse("registry.example/a:1"), parse("registry.example/a/b:1")
    store.refs.set(outer, sha256(b"outer"))
    store.refs.set(inner, sha256(b"inner"))
    assert store.refs.remove(outer)
    assert store.refs.get(inner) == sha256(b"inner")


@pytest.mark.parametrize(
    "reference",
    [
        Reference("..", "a", "t"),
        Reference("r", "../a", "t"),
        Reference("r", "a/_tags", "t"),
        Reference("r", "a", ".."),
        Reference("r", "a", "a/b"),
        Reference("r", "", "t"),
        Reference("r", "a", ""),
    ],
)
def test_references_that_are_no_paths(store: Store, reference: Reference) -> None:
    with pytest.raises(Invalid):
        store.refs.set(reference, sha256(b""))
    assert os.listdir(f"{store.root}/refs") == []


@pytest.mark.parametrize(
    "content", [b"", b"sha256:" + b"0" * 64, b"sha256:\n", b"sha256:" + b"0" * 63 + b"G", b"\xff" * 10, b"x" * 5000]
)
def test_a_damaged_ref_hides_no_other(store: Store, content: bytes) -> None:
    store.refs.set(parse("good"), sha256(b"good"))
    store.refs.set(parse("bad"), sha256(b"bad"))
    with open(store.refs.path(parse("bad")), "wb") as file:
        file.write(content)
    with pytest.raises(Damaged, match=r"docker.io/library/bad:latest"):
        store.refs.get(parse("bad"))
    found = store.refs.all()
    assert found.refs == ((parse("good"), sha256(b"good")),)
    assert [reference for reference, _ in found.damaged] == [parse("bad")]
    assert store.refs.remove(parse("bad"))
