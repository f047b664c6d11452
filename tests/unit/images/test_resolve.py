"""Look-up by name and id, and the pull policies."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from argosy.config.registries import Registries
from argosy.errors import ArgosyError, Invalid
from argosy.images import resolve
from argosy.images.resolve import ImageNotKnown, Resolved
from argosy.oci import platform
from argosy.storage.images import ImageRecord
from argosy.storage.store import Store
from tests.rig.registry import image, index
from tests.unit.images.making import MemorySource, add, bring, no_registries, parsed

CONFIGURED = Registries(search=("quay.io", "docker.io"), aliases={"alias": "registry.test/real/alias"})


def found(store: Store, text: str, registries: Registries = CONFIGURED) -> str:
    """The name under which an image is found; its short id where that was an id."""
    resolved = resolve.resolve(store, lambda: registries, text)
    return str(resolved.name) if resolved.name else f"id {resolved.record.config_digest[7:19]}"


def test_names_in_full_and_short(store: Store) -> None:
    for name in (
        *("localhost/mine:1", "docker.io/library/busybox:latest", "quay.io/team/tool:2", "localhost/alias:latest"),
        "registry.test/real/alias:latest",
    ):
        add(store, name)
    for text, name in {
        "localhost/mine:1": "localhost/mine:1",
        "mine:1": "localhost/mine:1",
        "busybox": "docker.io/library/busybox:latest",
        "library/busybox": "docker.io/library/busybox:latest",
        "docker.io/busybox": "docker.io/library/busybox:latest",
        "index.docker.io/library/busybox": "docker.io/library/busybox:latest",
        "team/tool:2": "quay.io/team/tool:2",
        "tool:2": "quay.io/team/tool:2",
        "alias": "registry.test/real/alias:latest",
    }.items():
        assert found(store, text) == name
    for text in ("mine", "mine:2", "ybox", "docker.io/mine:1", "tool", "MINE:1", "", "x@sha256:1", "sha256:", "/"):
        with pytest.raises(ImageNotKnown, match="image not known"):
            found(store, text)


def test_localhost_comes_before_the_search_registries(store: Store) -> None:
    add(store, "docker.io/library/both:latest")
    assert found(store, "both") == "docker.io/library/both:latest"
    add(store, "localhost/both:latest")
    assert found(store, "both") == "localhost/both:latest"


def test_a_name_that_several_images_end_in_is_ambiguous(store: Store) -> None:
    one = add(store, "a.test/team/same:1")
    add(store, "b.test/team/same:1")
    with pytest.raises(Invalid, match="several images") as caught:
        found(store, "same:1", Registries())
    assert "a.test/team/same:1 or b.test/team/same:1" in caught.value.hint
    store.refs.set(parsed("b.test/team/same:1"), one.manifest_digest)
    assert found(store, "same:1", Registries()) == "a.test/team/same:1"


def test_ids_and_their_beginnings(store: Store) -> None:
    record = add(store, "localhost/one:1")
    digits = record.config_digest.partition(":")[2]
    for text in (digits, digits[:12], digits[:3], f"sha256:{digits}", f"sha256:{digits[:8]}"):
        assert found(store, text) == f"id {digits[:12]}"
    for text in (digits.upper(), "0" * 64, f"md5:{digits[:8]}", digits + "0"):
        with pytest.raises(ImageNotKnown):
            found(store, text)


def test_a_name_is_not_taken_over_by_an_id(store: Store) -> None:
    digits = add(store, "localhost/one:1").config_digest.partition(":")[2]
    name = digits[:6]
    add(store, f"localhost/{name}:latest")
    assert found(store, name) == f"localhost/{name}:latest"


def test_digests_of_the_image_and_of_its_index(store: Store) -> None:
    host = platform.host()
    made = image([{"a": b"1"}])
    several = index([(made, {"os": host.os, "architecture": host.architecture})])
    bring(store, MemorySource(several), name="registry.test/app:1")
    for digest in (made.digest, several.digest):
        assert found(store, f"registry.test/app@{digest}") == f"registry.test/app@{digest}"
        assert found(store, f"registry.test/app:7@{digest}") == f"registry.test/app@{digest}"
        with pytest.raises(ImageNotKnown):
            found(store, f"registry.test/other@{digest}")


def test_a_name_whose_image_is_gone_means_nothing(store: Store) -> None:
    record = add(store, "localhost/gone:1")
    store.images.remove(record.manifest_digest)
    with pytest.raises(ImageNotKnown):
        found(store, "gone:1")


class Pulls:
    """Stands for the registry: counts how often it is asked."""

    def __init__(self, store: Store, answer: Callable[[], ImageRecord] | None = None) -> None:
        self.store = store
        self.answer = answer
        self.count = 0

    def __call__(self, text: str) -> Resolved:
        self.count += 1
        if self.answer is None:
            raise ArgosyError("no registry")
        return Resolved(self.answer(), parsed(text))


def ensure(store: Store, text: str, pulls: Pulls, policy: str, wanted: str = "") -> Resolved:
    return resolve.ensure(
        store,
        no_registries,
        text,
        pull=pulls,
        policy=policy,
        platform=platform.parse(wanted) if wanted else None,
    )


@pytest.mark.parametrize(("policy", "asked"), [("missing", 0), ("never", 0), ("always", 1), ("newer", 1)])
def test_policies_when_the_image_is_there(store: Store, policy: str, asked: int) -> None:
    record = add(store, "localhost/x:1")
    pulls = Pulls(store, lambda: record)
    assert ensure(store, "localhost/x:1", pulls, policy).record == record
    assert pulls.count == asked


@pytest.mark.parametrize(("policy", "asked"), [("missing", 1), ("always", 1), ("newer", 1)])
def test_policies_when_it_is_not(store: Store, policy: str, asked: int) -> None:
    pulls = Pulls(store, lambda: add(store, "localhost/x:1"))
    assert str(ensure(store, "localhost/x:1", pulls, policy).name) == "localhost/x:1"
    assert pulls.count == asked


def test_never_pulls_nothing(store: Store) -> None:
    pulls = Pulls(store)
    with pytest.raises(ImageNotKnown) as caught:
        ensure(store, "localhost/x:1", pulls, "never")
    assert "never" in caught.value.hint
    assert pulls.count == 0


def test_newer_is_content_without_the_registry_and_always_is_not(store: Store) -> None:
    record = add(store, "localhost/x:1")
    assert ensure(store, "localhost/x:1", Pulls(store), "newer").record == record
    with pytest.raises(ArgosyError, match="no registry"):
        ensure(store, "localhost/x:1", Pulls(store), "always")


def test_an_id_is_never_pulled(store: Store) -> None:
    record = add(store, "localhost/x:1")
    pulls = Pulls(store)
    assert ensure(store, record.config_digest, pulls, "always").name is None
    with pytest.raises(ImageNotKnown):
        ensure(store, "sha256:" + "0" * 64, pulls, "missing")
    assert pulls.count == 0


def test_another_platform_is_pulled_or_refused(store: Store) -> None:
    record = add(store, "localhost/x:1", architecture="s390x")
    other = add(store, "localhost/other:1", architecture="riscv64")
    pulls = Pulls(store, lambda: other)
    assert ensure(store, "localhost/x:1", pulls, "missing", "linux/s390x").record == record
    assert pulls.count == 0
    assert ensure(store, "localhost/x:1", pulls, "missing", "linux/riscv64").record == other
    assert pulls.count == 1
    with pytest.raises(ArgosyError, match="is for linux/s390x, not linux/riscv64"):
        ensure(store, "localhost/x:1", pulls, "never", "linux/riscv64")


def test_an_unknown_policy(store: Store) -> None:
    with pytest.raises(Invalid, match="pull policy"):
        ensure(store, "localhost/x:1", Pulls(store), "sometimes")
