"""Names and images that go: rmi, untag, tag, prune."""

from __future__ import annotations

import os

import pytest

from argosy.errors import ArgosyError, Invalid
from argosy.images import prune
from argosy.images.remove import ImageInUse, Removed, RemoveOptions, Remover, SeveralNames, exit_code
from argosy.images.resolve import ImageNotKnown
from argosy.images.tag import TagNotKnown, tag, untag
from argosy.storage import gc
from argosy.storage.store import Store
from tests.rig.registry import image
from tests.unit.images.making import MemorySource, add, bring, no_registries, parsed
from tests.unit.images.test_inventory import use


def remover(store: Store, removed: list[str] | None = None, **options: bool) -> Remover:
    def remove_container(container_id: str) -> None:
        assert removed is not None, "no container may be removed"
        removed.append(container_id)
        with store.containers.lock(container_id):
            store.containers.remove(container_id)

    return Remover(store, no_registries, RemoveOptions(**options), remove_container)


def names(store: Store) -> list[str]:
    return [str(name) for name, _ in store.refs.all().refs]


def test_the_last_name_takes_the_image_along(store: Store) -> None:
    record = add(store, "localhost/x:1")
    tag(store, no_registries, "x:1", ["x:2"])
    assert remover(store).remove("x:1") == (Removed(("localhost/x:1",)),)
    assert remover(store).remove("x:2") == (Removed(("localhost/x:2",), record.config_digest[7:]),)
    assert store.images.all().records == ()
    gc.collect(store)
    assert store.layers.ids() == []
    assert os.listdir(f"{store.root}/blobs/sha256") == []
    with pytest.raises(ImageNotKnown):
        remover(store).remove("x:2")


def test_shared_layers_stay(store: Store) -> None:
    shared = {"shared": b"1"}
    bring(store, MemorySource(image([shared, {"a": b"a"}])), name="localhost/a:1")
    other = bring(store, MemorySource(image([shared, {"b": b"b"}])), name="localhost/b:1")
    remover(store).remove("a:1")
    gc.collect(store)
    assert sorted(store.layers.ids()) == sorted(other.diff_ids)


def test_by_id_several_names_need_force(store: Store) -> None:
    record = add(store, "localhost/x:1")
    tag(store, no_registries, "x:1", ["x:2"])
    image_id = record.config_digest[7:]
    with pytest.raises(SeveralNames, match="please force removal"):
        remover(store).remove(image_id[:12])
    assert len(names(store)) == 2
    (removed,) = remover(store, force=True).remove(image_id[:12])
    assert removed == Removed(("localhost/x:1", "localhost/x:2"), image_id)
    assert names(store) == []


def test_an_image_in_use_stays_unless_forced(store: Store) -> None:
    record = add(store, "localhost/x:1")
    use(store, record, "c" * 64)
    with pytest.raises(ImageInUse, match=r"image used by c+: image is in use by a container"):
        remover(store).remove("x:1")
    assert names(store) == ["localhost/x:1"]
    tag(store, no_registries, "x:1", ["x:2"])
    assert remover(store).remove("x:2") == (Removed(("localhost/x:2",)),)
    gone: list[str] = []
    (removed,) = remover(store, gone, force=True).remove("x:1")
    assert gone == ["c" * 64]
    assert removed.deleted == record.config_digest[7:]


def test_a_manifest_of_the_same_image_goes_with_its_name(store: Store) -> None:
    one = add(store, "localhost/one:1")
    other = store.blobs.put(store.blobs.read(one.manifest_digest) + b"\n")
    store.images.put(one.replace(manifest_digest=str(other)))
    store.refs.set(parsed("localhost/two:1"), str(other))
    assert remover(store).remove("two:1") == (Removed(("localhost/two:1",)),)
    assert [record.manifest_digest for record in store.images.all().records] == [one.manifest_digest]


def test_dangling_parents_go_too_unless_kept(store: Store) -> None:
    base = {"base": b"1"}
    parent = bring(store, MemorySource(image([base], history=[{"created_by": "base"}])), name="localhost/parent:1")
    steps = [{"created_by": "base"}, {"created_by": "top"}]
    for number in (1, 2):
        child = image([base, {"top": b"%d" % number}], history=steps)
        bring(store, MemorySource(child), name=f"localhost/child:{number}")
    store.refs.remove(parsed("localhost/parent:1"))
    assert len(remover(store).remove("child:1")) == 1  # the parent has another child
    removed = remover(store, prune=False).remove("child:2")
    assert len(removed) == 1
    child = image([base, {"top": b"3"}], history=steps)
    bring(store, MemorySource(child), name="localhost/child:3")
    removed = remover(store).remove("child:3")
    assert [entry.deleted for entry in removed][1] == parent.config_digest[7:]
    assert store.images.all().records == ()


def test_exit_codes() -> None:
    absent, used, other = ImageNotKnown("x"), ImageInUse(("c",)), ArgosyError("no")
    assert exit_code([]) == 0
    assert exit_code([absent, absent]) == 1
    assert exit_code([absent, used]) == 2
    assert exit_code([other, used]) == 2
    assert exit_code([absent, other]) == 125


def test_tag_moves_names_and_checks_them_first(store: Store) -> None:
    one, two = add(store, "localhost/one:1"), add(store, "localhost/two:1")
    tag(store, no_registries, "one:1", ["name", "registry.test/deep/name:2"])
    assert store.refs.get(parsed("localhost/name:latest")) == one.manifest_digest
    tag(store, no_registries, "two:1", ["name"])
    assert store.refs.get(parsed("localhost/name:latest")) == two.manifest_digest
    with pytest.raises(Invalid, match="lowercase"):
        tag(store, no_registries, "one:1", ["fine", "UPPER"])
    with pytest.raises(Invalid, match="tag by digest not supported"):
        tag(store, no_registries, "one:1", [f"x@{one.manifest_digest}"])
    with pytest.raises(ImageNotKnown):
        tag(store, no_registries, "absent", ["fine"])
    assert "localhost/fine:latest" not in names(store)


def test_untag_takes_some_or_all_names(store: Store) -> None:
    add(store, "localhost/one:1")
    add(store, "localhost/two:1")
    tag(store, no_registries, "one:1", ["a", "b"])
    with pytest.raises(TagNotKnown, match="localhost/two:1: tag not known"):
        untag(store, no_registries, "one:1", ["a", "two:1"])
    assert untag(store, no_registries, "one:1", ["a", "a"]) == (parsed("localhost/a:latest"),)
    assert len(untag(store, no_registries, "one:1", [])) == 2
    assert names(store) == ["localhost/two:1"]
    assert len(store.images.all().records) == 2


def test_prune_takes_what_has_no_name_or_no_container(store: Store) -> None:
    used, named, dangling = (add(store, f"localhost/{name}:1") for name in ("used", "named", "dangling"))
    dangling_used = add(store, "localhost/du:1")
    for name in ("dangling", "du"):
        store.refs.remove(parsed(f"localhost/{name}:1"))
    use(store, used, "1" * 64)
    use(store, dangling_used, "2" * 64)
    assert prune.prune(store, no_registries) == (dangling.config_digest[7:],)
    assert prune.prune(store, no_registries) == ()
    assert prune.prune(store, no_registries, everything=True) == (named.config_digest[7:],)
    assert len(store.images.all().records) == 2


def test_prune_takes_children_before_their_parents(store: Store) -> None:
    base = {"base": b"1"}
    steps = [{"created_by": "base"}, {"created_by": "top"}]
    parent = bring(store, MemorySource(image([base], history=steps[:1])), name="localhost/parent:1")
    child = bring(store, MemorySource(image([base, {"top": b"2"}], history=steps)), name="localhost/child:1")
    for name in ("parent", "child"):
        store.refs.remove(parsed(f"localhost/{name}:1"))
    assert prune.prune(store, no_registries) == (child.config_digest[7:], parent.config_digest[7:])


def test_prune_filters(store: Store) -> None:
    for name, labels in (("a", {"keep": "no"}), ("b", {"keep": "yes"})):
        add(store, f"localhost/{name}:1", {"x": name.encode()}, config={"Labels": labels})
    assert prune.candidates(store, no_registries, ("label=keep=never",), everything=True) == ()
    (found,) = prune.prune(store, no_registries, ("label!=keep=yes",), everything=True)
    assert names(store) == ["localhost/b:1"]
    assert prune.prune(store, no_registries, ("until=2000-01-01T00:00:00Z",), everything=True) == ()
    with pytest.raises(ArgosyError, match='unsupported image filter "dangling"'):
        prune.prune(store, no_registries, ("dangling=true",))
    assert found


def test_an_image_that_gets_a_name_meanwhile_is_not_pruned(store: Store) -> None:
    record = add(store, "localhost/x:1")
    store.refs.remove(parsed("localhost/x:1"))
    (candidate,) = prune.candidates(store, no_registries)
    tag(store, no_registries, record.config_digest[7:], ["rescued"])
    (removed,) = remover(store).remove_image(candidate)
    assert removed.deleted == ""
    assert store.images.exists(record.manifest_digest)
