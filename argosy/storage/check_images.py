"""The part of `system check` that looks at blobs, layers, chains, image records and references."""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.errors import ArgosyError, NotFound
from argosy.linux import mounts
from argosy.records.shelf import read_sealed
from argosy.storage import idmaps, rebuild
from argosy.storage.chains import CHAIN_FILE
from argosy.storage.check import REPAIR, Finding, entries, is_object_name
from argosy.storage.images import images_of_container
from argosy.storage.layers import LAYER_FILE
from argosy.storage.refs import DIGESTS, TAGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.oci.reference import Reference
    from argosy.storage.check import Compare, Reapply
    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store


def check(
    store: Store, *, repair: bool, quick: bool, reapply: Reapply | None, compare: Compare | None
) -> Iterator[Finding]:
    """All that is wrong with the images of the store and what they are made of."""
    yield from _foreign(store)
    if not quick:
        yield from _blobs(store, repair=repair)
    yield from _records(store, repair=repair)
    yield from _layers(store, repair=repair, reapply=reapply, compare=None if quick else compare)
    yield from _chains(store, repair=repair)
    yield from _maps(store, repair=repair)
    yield from _parts(store)
    yield from _refs(store, repair=repair)
    if repair:
        store.unstable.settle()


def _foreign(store: Store) -> Iterator[Finding]:
    """What lies where only blobs, layers, chains, maps and images belong, and is none."""
    for place in ("blobs/sha256", "layers", "chains", "images", idmaps.DIRECTORY):
        is_known = idmaps.is_name if place == idmaps.DIRECTORY else is_object_name
        for name in entries(f"{store.root}/{place}"):
            path = f"{store.root}/{place}/{name}"
            if not is_known(name):
                yield Finding("file", name, path, "not a name that argosy gives", hint=f"look at it, then rm -r {path}")


def _blobs(store: Store, *, repair: bool) -> Iterator[Finding]:
    for digest in _digests(store, "blobs/sha256"):
        path = store.blobs.path(digest)
        try:
            good = store.blobs.matches(digest)
        except NotFound:
            continue
        except OSError as error:
            yield Finding("blob", digest, path, f"cannot be read: {error.strerror}")
            continue
        if good:
            if repair:
                store.blobs.has(digest)  # one without its mark gets on the list of what is made stable at the end
            continue
        if repair:
            store.blobs.verify(digest)
        problem = "the content does not have this digest"
        yield Finding("blob", digest, path, problem, "removed" if repair else "", "" if repair else REPAIR)


def _digests(store: Store, place: str) -> list[str]:
    return [f"sha256:{name}" for name in entries(f"{store.root}/{place}") if is_object_name(name)]


def _records(store: Store, *, repair: bool) -> Iterator[Finding]:
    for digest, error in store.images.all().damaged:
        repaired, hint = "", REPAIR
        if repair:
            try:
                store.images.put(rebuild.record(store, digest))
                repaired, hint = "made again from the manifest and the config", ""
            except ArgosyError as failure:
                hint = f"argosy rmi --force {digest}, and pull it again (it cannot be made again: {failure})"
        yield Finding("image", digest, error.details, error.brief, repaired, hint)


def _layers(store: Store, *, repair: bool, reapply: Reapply | None, compare: Compare | None) -> Iterator[Finding]:
    for diff_id, cause, record in _layers_of_images(store):
        problem = cause or (compare(record, diff_id) if compare and record else "")
        if not problem:
            continue
        repaired, hint = "", "pull the image again"
        if repair and record and reapply:
            repaired, hint = _apply_again(store, record, diff_id, reapply)
        elif not record:
            hint = "argosy system prune removes it"
        yield Finding("layer", diff_id, f"{store.layers.directory(diff_id)}/{LAYER_FILE}", problem, repaired, hint)


def _layers_of_images(store: Store) -> list[tuple[str, str, ImageRecord | None]]:
    """All layers that there are or should be, what is wrong with each at first sight, and an image that has it.

    Nothing is collected meanwhile: an image that is listed has all its parts, or has really lost them.
    """
    with store.collection_lock():
        wanted = {layer.diff_id: record for record in store.images.all().records for layer in record.layers}
        present = _digests(store, "layers")
        missing = sorted(diff_id for diff_id in set(wanted).difference(present) if not store.layers.has(diff_id))
        return [(diff_id, _layer_problem(store, diff_id), wanted.get(diff_id)) for diff_id in (*present, *missing)]


def _layer_problem(store: Store, diff_id: str) -> str:
    """What is wrong with a layer; "" when nothing is."""
    try:
        meta = store.layers.meta(diff_id)
    except ArgosyError as error:
        return error.brief
    if meta.diff_id != diff_id:
        return f"layer.json is that of {meta.diff_id}"
    if not os.path.isdir(store.layers.path(diff_id)):
        return "its tree is missing"
    if store.layers.untrusted((diff_id,)):
        return "it was not stable on disk before a crash"
    return ""


def _apply_again(store: Store, record: ImageRecord, diff_id: str, reapply: Reapply) -> tuple[str, str]:
    users = _mounted_over(store, diff_id)
    if users:
        return "", f"stop {', '.join(users)} first"
    path = f"{store.layers.directory(diff_id)}/{LAYER_FILE}"
    aside = f"{path}.damaged"
    if os.path.lexists(path):
        os.rename(path, aside)  # a layer without the file is one to be applied
    try:
        reapply(record.manifest_digest, diff_id)
    except ArgosyError as error:
        return "", f"pull the image again (applying it again failed: {error})"
    finally:
        if os.path.lexists(aside):
            os.rename(aside, path)
    return "applied again from its blob", ""


def _mounted_over(store: Store, digest: str) -> list[str]:
    """The containers that are mounted and have the layer or chain, or may have it."""
    users = []
    for shelf, container_id in store.each_container():
        if not mounts.is_mount_point(f"{shelf.path(container_id)}/merged"):
            continue
        try:
            record = jsontext.decode(shelf.read(container_id, "container.json"))
            used = any(digest in (*image["layers"], image["chain_id"]) for image in images_of_container(record))
        except (ArgosyError, KeyError, TypeError):
            used = True
        if used:
            users.append(f"container {container_id[:12]}")
    return users


def _chains(store: Store, *, repair: bool) -> Iterator[Finding]:
    """A chain is made of layers, and made again from them."""
    for chain, problem, record in _chain_problems(store):
        path = f"{store.chains.directory(chain)}/{CHAIN_FILE}"
        repaired = _chain_again(store, chain, record) if repair else ""
        yield Finding("chain", chain, path, problem, repaired, "" if repaired else REPAIR)


def _chain_problems(store: Store) -> list[tuple[str, str, ImageRecord | None]]:
    """The chains with which something is wrong, as `_layers_of_images`."""
    with store.collection_lock():
        wanted = {record.chain_id: record for record in store.images.all().records if record.fixed}
        present = _digests(store, "chains")
        missing = sorted(set(wanted).difference(present))
        found = [(chain, "the chain is missing") for chain in missing]
        found += [(chain, _chain_problem(store, chain)) for chain in present]
        return [(chain, problem, wanted.get(chain)) for chain, problem in found if problem]


def _chain_problem(store: Store, chain: str) -> str:
    """What is wrong with a chain; "" when nothing is."""
    directory = store.chains.directory(chain)
    try:
        read_sealed(f"{directory}/{CHAIN_FILE}", f"chain {chain}")
    except FileNotFoundError:
        return "the file is missing"
    except ArgosyError as error:
        return error.brief
    return "" if os.path.isdir(f"{directory}/fix") else "its directories are missing"


def _chain_again(store: Store, chain: str, record: ImageRecord | None) -> str:
    if record is None or _mounted_over(store, chain):
        return ""
    try:
        fixed = store.chains.ensure_fix(record.diff_ids, again=True).fixed
    except (ArgosyError, OSError):
        return ""  # a layer is damaged too, and is named
    return "made again from its layers" if fixed else ""


def _maps(store: Store, *, repair: bool) -> Iterator[Finding]:
    """Layers and chains under another id map, which are made again when a container needs them."""
    for name in idmaps.names(store.root):
        problem = idmaps.problem(store, name)
        if problem:
            path = f"{store.root}/{idmaps.DIRECTORY}/{name}"
            repaired = repair and idmaps.remove(store, name)
            yield Finding("map", name, path, problem, "removed" if repaired else "", "" if repaired else REPAIR)


def _parts(store: Store) -> Iterator[Finding]:
    """Blobs that an image needs and the store lacks."""
    with store.collection_lock():
        lacking = [
            (record, what, digest)
            for record in store.images.all().records
            for what, digest in _needed(record)
            if not os.path.exists(store.blobs.find(digest))
        ]
    for record, what, digest in lacking:
        hint = f"pull it again: {', '.join(record.repo_digests) or record.manifest_digest}"
        problem = f"the {what} blob {digest} is missing"
        yield Finding("image", record.manifest_digest, store.blobs.path(digest), problem, hint=hint)


def _needed(record: ImageRecord) -> Iterator[tuple[str, str]]:
    yield "manifest", record.manifest_digest
    yield "config", record.config_digest
    for layer in record.layers:
        if layer.blob:
            yield "layer", layer.blob


def _refs(store: Store, *, repair: bool) -> Iterator[Finding]:
    with store.refs.lock():
        found = _broken_refs(store)
        if repair:
            for reference, _ in found:
                store.refs.remove(reference)
    for reference, problem in found:
        hint = f"argosy pull {reference}, or argosy tag an image"
        path = store.refs.path(reference)
        yield Finding("reference", str(reference), path, problem, "removed" if repair else "", hint)
    yield from _strangers(f"{store.root}/refs", repair=repair)
    if repair:
        store.refs.prune()


def _broken_refs(store: Store) -> list[tuple[Reference, str]]:
    """The names that mean nothing, and why.  The caller holds the lock on names: an image comes before its name."""
    found = store.refs.all()
    images = store.images.all()
    known = {record.manifest_digest for record in images.records} | {digest for digest, _ in images.damaged}
    known.update(index for record in images.records for index in record.indexes)
    return [(reference, error.brief) for reference, error in found.damaged] + [
        (reference, f"it means {digest}, and there is no such image")
        for reference, digest in found.refs
        if digest not in known and not set(rebuild.index_members(store, digest)) & known
    ]


def _strangers(directory: str, *, repair: bool) -> Iterator[Finding]:
    """Files among the refs that are no tags, and repositories without any: a tag was lost, or never finished."""
    for path, directories, names in os.walk(directory):
        for name in names:
            if os.path.basename(path) not in (TAGS, DIGESTS) or name.startswith("."):
                stranger = f"{path}/{name}"
                yield Finding("file", name, stranger, "not a reference", hint=f"look at it, then rm {stranger}")
        if path != directory and not directories and not names:
            problem = "a directory without a tag: a killed command left it, or the tag was lost"
            repaired, hint = ("removed", "") if repair else ("", REPAIR)
            yield Finding("reference", os.path.relpath(path, directory), path, problem, repaired, hint)
