"""Repositories: what they hold, what they keep from being collected, what is forgotten."""

from __future__ import annotations

import os

import pytest

from argosy.errors import NotFound
from argosy.oci import digest as digests
from argosy.oci.digest import Digest
from argosy.storage import check, eviction, gc
from argosy.storage.repositories import CACHED, ManifestRecord, Repositories, Repository
from argosy.storage.store import Store

MANIFEST = b'{"schemaVersion":2}'
TYPE = "application/vnd.oci.image.manifest.v1+json"


def put(store: Store, repository: Repository, data: bytes) -> Digest:
    digest = store.blobs.put(data)
    assert repository.add_blob(digest, digest)
    return digest


def record(data: bytes, *parts: str, subject: str = "") -> ManifestRecord:
    return ManifestRecord(digests.of_bytes(data), TYPE, len(data), parts, subject)


def age(repository: Repository) -> None:
    for name in os.listdir(f"{repository.path}/blobs"):
        os.utime(f"{repository.path}/blobs/{name}", (0, 0))


def test_names(store: Store) -> None:
    repositories = Repositories(store)
    for name in ("z", "a/b-c/d", "a"):
        repositories.obtain(name)
        repositories.obtain(name)
    assert repositories.names() == ["a", "a/b-c/d", "z"]
    with pytest.raises(NotFound):
        repositories.find("a/b-c")
    assert list(check.check(store)) == []


def test_a_manifest_needs_its_parts(store: Store) -> None:
    repository = Repositories(store).obtain("a")
    blob = put(store, repository, b"blob")
    digest = digests.of_bytes(MANIFEST)
    missing = digests.of_bytes(b"missing")
    assert repository.add_manifest(digest, MANIFEST, record(MANIFEST, blob, missing), tag="1") == missing
    assert (repository.manifest(digest), repository.tags(), store.blobs.has(digest)) == (None, [], False)
    assert repository.add_manifest(digest, MANIFEST, record(MANIFEST, blob), tag="1") == ""
    assert (repository.tag("1"), repository.tags()) == (digest, ["1"])
    index = b'{"manifests":[]}'
    assert repository.add_manifest(digests.of_bytes(index), index, record(index, digest)) == ""
    assert repository.remove_manifest(digest)
    assert not repository.remove_manifest(digest)
    assert (repository.manifest(digest), repository.tags(), repository.tag("1")) == (None, [], None)


def test_what_is_collected(store: Store) -> None:
    """Manifests keep their parts; a blob without one is kept for a day."""
    repository = Repositories(store).obtain("a")
    named, fresh = put(store, repository, b"named"), put(store, repository, b"fresh")
    digest = digests.of_bytes(MANIFEST)
    repository.add_manifest(digest, MANIFEST, record(MANIFEST, named))
    assert gc.find(store).objects == ()
    age(repository)
    assert repository.blob(fresh) == fresh  # asked for: a manifest may follow
    assert gc.find(store).objects == ()
    age(repository)
    assert gc.collect(store).objects == (("blob", fresh),)
    assert (repository.blob(fresh), repository.blob(named)) == (None, named)
    path = f"{repository.path}/manifests/{digest}.json"
    with open(path, "r+b") as file:
        file.truncate(10)
    assert named not in [digest for _, digest in gc.find(store).objects]
    os.unlink(path)
    age(repository)
    assert len(gc.collect(store).objects) == 2


def test_referrers(store: Store) -> None:
    repository = Repositories(store).obtain("a")
    subject = digests.of_bytes(b"subject")
    found = []
    for number in range(3):
        data = MANIFEST + b" " * number
        found.append(digests.of_bytes(data))
        entry = {"digest": str(found[-1])}
        repository.add_manifest(found[-1], data, record(data, subject=subject), referrer=entry)
    assert [entry["digest"] for entry in repository.referrers(subject)] == sorted(found)
    repository.remove_manifest(found[0])
    os.unlink(f"{repository.path}/manifests/{found[1]}.json")  # killed between two steps
    assert [entry["digest"] for entry in repository.referrers(subject)] == [found[2]]
    assert repository.referrers(digests.of_bytes(b"other")) == []


def test_a_blob_that_the_store_lost_is_not_there(store: Store) -> None:
    repository = Repositories(store).obtain("a")
    digest = put(store, repository, b"blob")
    os.unlink(store.blobs.path(digest))
    assert repository.blob(digest) is None
    assert not repository.add_blob(digest, digest)
    assert repository.remove_blob(digest)
    assert not repository.remove_blob(digest)


@pytest.mark.parametrize("kind", ["repositories", CACHED])
def test_damage_is_named(store: Store, kind: str) -> None:
    """What the cache has is fetched again; what was pushed must be pushed again."""
    repository = Repositories(store, kind).obtain("a")
    blob = put(store, repository, b"blob")
    found = []
    for number in range(3):
        data = MANIFEST + b" " * number
        found.append(digests.of_bytes(data))
        repository.add_manifest(found[-1], data, record(data, blob), tag=f"v{number}")
    assert list(check.check(store)) == []
    with open(f"{repository.path}/manifests/{found[0]}.json", "r+b") as file:
        file.truncate(10)
    os.unlink(f"{repository.path}/manifests/{found[1]}.json")
    os.unlink(store.blobs.path(found[2]))
    leftover = f"{repository.path}/tags/.v9.0123456789ab~"
    with open(leftover, "w", encoding="ascii"):
        pass
    assert leftover not in [finding.path for finding in check.check(store)]  # somebody may be writing it
    os.utime(leftover, (0, 0))
    named = {finding.name: finding.hint for finding in check.check(store)}
    again = check.REPAIR if kind == CACHED else "push the image again"
    assert named[f"a@{found[0]}"] == named[f"a@{found[2]}"] == again
    assert named["a:v1"] == named[os.path.basename(leftover)] == check.REPAIR
    check.check(store, repair=True)
    left = {finding.name for finding in check.check(store)}
    assert left == (set() if kind == CACHED else {f"a@{found[0]}", f"a@{found[2]}"})


def test_eviction(store: Store) -> None:
    """The oldest use goes first; what is used elsewhere counts once and is as young as its last use."""
    one, two = (Repositories(store, CACHED).obtain(name) for name in ("one", "two"))
    blobs = [put(store, one, bytes([number]) * 1000) for number in range(4)]
    put(store, two, bytes([0]) * 1000)
    for number, blob in enumerate(blobs):
        os.utime(f"{one.path}/blobs/{blob}", (1000 + number, 1000 + number))
    store.unstable.settle()
    assert eviction.trim(store, 4000) == 0
    assert eviction.trim(store, 3000) == 1
    assert [store.blobs.has(blob) for blob in blobs] == [True, False, True, True]
    served = Repositories(store).obtain("served")
    assert served.add_blob(blobs[2], blobs[2])
    assert eviction.trim(store, 1000, spared=(blobs[3],)) == 2
    assert [store.blobs.has(blob) for blob in blobs] == [False, False, True, True]
    assert [one.blob(blob) for blob in blobs] == [None, None, None, blobs[3]]


def test_what_broken_transfers_have_left_counts(store: Store) -> None:
    """It goes by its age, but for what is still on its way; downloads into the store have nothing to do with it."""
    kept = put(store, Repositories(store, CACHED).obtain("one"), b"x" * 1000)
    store.unstable.settle()
    broken, under_way, other = (digests.of_bytes(text) for text in (b"a", b"b", b"c"))
    for digest, source in ((broken, "x.example"), (other, "")):
        with store.blobs.ingest(digest, source=source) as ingest:
            ingest.write(b"y" * 1000)
    for name in os.listdir(store.tmp):
        if "-" in name.removeprefix("ingest-"):
            os.utime(f"{store.tmp}/{name}", (1000, 1000))

    def left() -> list[str]:
        return sorted(name[7:71] for name in os.listdir(store.tmp) if name.startswith("ingest-"))

    with store.blobs.ingest(under_way, source="x.example") as ingest:
        ingest.write(b"z" * 1000)
        assert eviction.trim(store, 3000) == 0
        assert len(left()) == 3
        assert eviction.trim(store, 2000) == 0
        assert left() == sorted((under_way.hex, other.hex))
        assert store.blobs.has(kept)
        assert eviction.trim(store, 0) == 1
        assert left() == sorted((under_way.hex, other.hex))
        ingest.restart()
    with store.blobs.ingest(other) as ingest:
        assert ingest.offset == 1000
        ingest.restart()
