"""Lists, filters, sorting, and the view of images as their users have it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid
from argosy.images import filters, lists
from argosy.images.inventory import Image, inventory
from argosy.images.tag import tag
from argosy.storage.images import ImageRecord
from argosy.storage.store import Store
from tests.rig.registry import image
from tests.unit.images.making import MemorySource, add, bring, no_registries, parsed


def make(
    store: Store, name: str, created: str = "2024-01-01T00:00:00Z", *, labels: dict[str, str] | None = None
) -> ImageRecord:
    made = image([{"name": name.encode()}], config={"Labels": labels or {}}, created=created)
    return bring(store, MemorySource(made), name=name)


def listed(store: Store, *texts: str, **options: Any) -> list[str]:
    """The rows, as repository:tag."""
    found = lists.images(store, no_registries, texts, **options)
    assert found.damaged == ()
    return [f"{lists.repository(name)}:{lists.tag(name)}" for _, name in lists.rows(found.images)]


def use(store: Store, record: ImageRecord, container_id: str) -> None:
    """A container made from the image."""
    with store.containers.stage(container_id) as staged:
        pin = {"id": record.config_digest, "manifest_digest": record.manifest_digest, "layers": [], "chain_id": ""}
        staged.write("container.json", jsontext.encode({"image": pin}))
        staged.commit()


def test_one_row_for_each_name_newest_first(store: Store) -> None:
    make(store, "localhost/old:1", "2020-01-01T00:00:00Z")
    make(store, "docker.io/library/new:1", "2024-01-01T00:00:00Z")
    tag(store, no_registries, "old:1", ["b", "a:2"])
    assert listed(store) == [
        "docker.io/library/new:1", "localhost/a:2", "localhost/b:latest", "localhost/old:1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("created", ["c:1", "b:9", "a:5"]),
        ("repository", ["a:5", "b:9", "c:1"]),
        ("tag", ["c:1", "a:5", "b:9"]),
        ("size", ["b:9", "a:5", "c:1"]),
    ],
)
def test_sorting(store: Store, sort: str, order: list[str]) -> None:
    for name, created, size in (("a:5", "2001", 20_000), ("b:9", "2002", 10_000), ("c:1", "2003", 30_000)):
        made = image([{"x": bytes(size)}], created=f"{created}-01-01T00:00:00Z")
        bring(store, MemorySource(made), name=f"localhost/{name}")
    rows = lists.rows(inventory(store).images, sort)
    assert [str(name).removeprefix("localhost/") for _, name in rows] == order
    with pytest.raises(ArgosyError, match="not a valid field for sorting"):
        lists.rows((), "age")


def test_names_by_digest_show_only_without_a_tag(store: Store) -> None:
    record = make(store, "localhost/x:1")
    store.refs.set(parsed(f"localhost/x@{record.manifest_digest}"), record.manifest_digest)
    assert listed(store) == ["localhost/x:1"]
    store.refs.remove(parsed("localhost/x:1"))
    assert listed(store) == ["localhost/x:<none>"]
    assert listed(store, "dangling=true") == []
    store.refs.remove(parsed(f"localhost/x@{record.manifest_digest}"))
    assert listed(store) == ["<none>:<none>"]
    assert listed(store, "dangling=true") == ["<none>:<none>"]


def test_two_manifests_of_one_config_are_one_image(store: Store) -> None:
    one = make(store, "localhost/one:1")
    data = store.blobs.read(one.manifest_digest).replace(b'"schemaVersion": 2', b'"schemaVersion":2')
    other = store.blobs.put(data)
    store.images.put(one.replace(manifest_digest=str(other), created_at=one.created_at + 1))
    store.refs.set(parsed("localhost/two:1"), str(other))
    (found,) = inventory(store).images
    assert [str(name) for name in found.names] == ["localhost/one:1", "localhost/two:1"]
    assert found.record.manifest_digest == other
    assert set(found.digests) == {one.manifest_digest, str(other)}
    assert len(found.repo_digests) == 4


def test_what_cannot_be_read_is_told_and_hides_nothing(store: Store) -> None:
    make(store, "localhost/good:1")
    bad = make(store, "localhost/bad:1")
    digits = bad.manifest_digest.partition(":")[2]
    with open(f"{store.root}/images/{digits}/image.json", "w", encoding="ascii") as file:
        file.write("nonsense")
    with open(store.refs.path(parsed("localhost/odd:1")).replace("odd", "good").replace("/1", "/2"), "w") as file:
        file.write("no digest")
    found = inventory(store)
    assert [str(image.names[0]) for image in found.images] == ["localhost/good:1"]
    told = " ".join(map(str, found.damaged))
    assert digits in told
    assert "localhost/good:2" in told


def test_filters(store: Store) -> None:
    old = make(store, "localhost/old:1", "2020-06-01T00:00:00Z", labels={"team": "a", "x": ""})
    mid = make(store, "docker.io/library/mid:2", "2022-06-01T00:00:00Z", labels={"team": "b"})
    new = make(store, "quay.io/some/new:latest", "2024-06-01T00:00:00Z")
    use(store, mid, "c1")
    names = {"old": "localhost/old:1", "mid": "docker.io/library/mid:2", "new": "quay.io/some/new:latest"}
    for texts, expected in {
        ("before=mid:2",): "old",
        ("since=mid:2",): "new",
        ("after=localhost/old:1",): "new mid",
        (f"before={new.config_digest}",): "mid old",
        ("label=team",): "mid old",
        ("label=team=a",): "old",
        ("label!=team=a",): "new mid",
        ("label=team", "label=x"): "old",
        ("label=team", "label!=x"): "mid",
        ("containers=true",): "mid",
        ("containers=false",): "new old",
        ("containers=external",): "",
        ("dangling=false",): "new mid old",
        ("dangling=true",): "",
        ("readonly=true",): "",
        ("readonly=false", "manifest=false"): "new mid old",
        ("intermediate=true",): "",
        (f"id={old.config_digest[7:15]}",): "old",
        (f"id={old.config_digest}",): "old",
        ("until=2022-06-01T00:00:00Z",): "old",
        ("until=2022-06-02",): "mid old",
        ("until=1h",): "new mid old",
        ("reference=old",): "old",
        ("reference=old:1",): "old",
        ("reference=mid",): "mid",
        ("reference=library/m*",): "mid",
        ("reference=*:1",): "old",
        ("reference=*/*:1",): "old",
        ("reference=quay.io/*",): "",
        ("reference=quay.io/*/*",): "new",
        ("reference=old:1", "reference=new"): "new old",
        ("reference!=mid",): "new old",
        ("reference=[",): None,
        ("reference=nothing",): "",
    }.items():
        if expected is None:
            with pytest.raises(Invalid, match="reference pattern"):
                listed(store, *texts)
        else:
            assert listed(store, *texts) == [names[word] for word in expected.split()], texts


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour=red", 'unsupported image filter "colour"'),
        ("label", "must be in the format"),
        ("dangling=perhaps", 'non-boolean value "perhaps" for dangling filter'),
        ("before=nothing", "could not find local image for filter"),
        ("until=whenever", 'failed to parse value as time or duration: "whenever"'),
        ("until=", "failed to parse"),
        ("until=5x", "failed to parse"),
    ],
)
def test_filters_that_are_none(store: Store, text: str, words: str) -> None:
    with pytest.raises(ArgosyError, match=words):
        listed(store, text)


@pytest.mark.parametrize(
    ("text", "moment_ns"),
    [
        ("1700000000", 1700000000_000000000),
        ("1700000000.25", 1700000000_250000000),
        ("2024-01-02", 1704153600_000000000),
        ("2024-01-02T03:04:05", 1704164645_000000000),
        ("2024-01-02T03:04:05.5+01:00", 1704161045_500000000),
    ],
)
def test_moments(text: str, moment_ns: int) -> None:
    assert filters.moment(text) == moment_ns


@pytest.mark.parametrize(("text", "seconds"), [("10m", 600), ("1h30m", 5400), ("1.5s", 1.5), ("24h", 86400)])
def test_moments_ago(text: str, seconds: float) -> None:
    assert abs(time.time_ns() - filters.moment(text) - seconds * 10**9) < 5 * 10**9


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("*", "a", True),
        ("*", "a/b", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[a-c]x", "bx", True),
        ("[^a-c]x", "bx", False),
        ("\\*", "*", True),
        ("\\*", "a", False),
        ("a.c", "abc", False),
        ("a", "ab", False),
        ("", "", True),
    ],
)
def test_path_matcher(pattern: str, text: str, matches: bool) -> None:
    assert bool(filters.path_matcher(pattern)(text)) == matches


def test_intermediate_images_are_hidden_unless_all_are_wanted(store: Store) -> None:
    base = {"base": b"1"}
    parent = image([base], history=[{"created_by": "base"}])
    child = image([base, {"top": b"2"}], history=[{"created_by": "base"}, {"created_by": "top"}])
    bring(store, MemorySource(parent), name="localhost/parent:1")
    bring(store, MemorySource(child), name="localhost/child:1")
    assert sorted(listed(store)) == ["localhost/child:1", "localhost/parent:1"]
    store.refs.remove(parsed("localhost/parent:1"))
    assert listed(store) == ["localhost/child:1"]
    assert sorted(listed(store, everything=True)) == ["<none>:<none>", "localhost/child:1"]
    assert listed(store, "dangling=true", "intermediate=false", everything=True) == ["<none>:<none>"]


def test_repo_digests_follow_the_names(store: Store) -> None:
    record = add(store, "localhost/a/b:1")
    (found,) = inventory(store).images
    assert isinstance(found, Image)
    assert found.repo_digests == (f"localhost/a/b@{record.manifest_digest}",)
