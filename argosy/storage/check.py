"""`system check`: every damaged file of the store is named, and what can be put right without loss is, when asked.

Nothing that is damaged hides or breaks anything else: each object is looked at by itself.  Repairing is safe while
other commands run: what is changed is locked, what is in use is left alone.
"""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.errors import ArgosyError, Exists, NotFound
from argosy.linux import files
from argosy.oci import digest as digests
from argosy.records.shelf import Shelf
from argosy.storage import sweep
from argosy.storage.store import SHELVES
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from argosy.config.locations import Locations
    from argosy.linux.idmap import IdMap
    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store

    # Applies a layer again from its blob (a use case of `images`): the image's manifest digest and the diff id.
    Reapply = Callable[[str, str], None]
    # Tells what is wrong with the tree of one of an image's layers, "" when nothing is.
    Compare = Callable[[ImageRecord, str], str]

# The file that an object of a kind cannot do without.
REQUIRED = {
    "containers": "container.json",
    "volumes": "volume.json",
    "networks": "network.json",
    "pods": "pod.json",
    "manifests": "list.json",
    "working": "working.json",
}
REPAIR = "argosy system check --repair"
# Files that only remember what can be found out again or has a default.
_EXPENDABLE = ("changes.json", "last.json")


class Finding(Value):
    """Something that is not as it was written.  `repaired` is what was done about it, `hint` what the user can do."""

    kind: str
    name: str
    path: str
    problem: str
    repaired: str = ""
    hint: str = ""


def check(
    store: Store,
    *,
    repair: bool = False,
    quick: bool = False,
    reapply: Reapply | None = None,
    compare: Compare | None = None,
) -> list[Finding]:
    """Look at everything in the store; `quick` leaves out reading the blobs and the layers' trees.

    `repair` puts right what is safe; `reapply` is how a layer is applied again, `compare` how its tree is looked at.
    """
    from argosy.storage import check_images, check_repositories

    findings = list(_store_file(store, repair=repair))
    findings += _leftovers(store, repair=repair)
    for name in SHELVES:
        findings += _shelf(store.shelf(name), REQUIRED.get(name, ""), repair=repair)
        findings += _names(store.shelf(name), repair=repair)
    findings += check_repositories.check(store, repair=repair)
    findings += check_images.check(store, repair=repair, quick=quick, reapply=reapply, compare=compare)
    return findings


def check_store_file(locations: Locations, id_map: IdMap, *, repair: bool = False) -> Finding | None:
    """What is wrong with store.json, without which the store cannot be opened; to be called first.

    Repairing moves a damaged one aside and makes it again: what it says can be found out, but for a driver or run
    directory that was chosen by hand.
    """
    from argosy.storage import creation
    from argosy.storage.store import STORE_FILE, read_record

    path = f"{locations.root}/{STORE_FILE}"
    try:
        read_record(locations.root)
    except FileNotFoundError:
        return None
    except ArgosyError as error:
        if not repair:
            return Finding("store", locations.root, path, error.brief, hint=REPAIR)
        creation.set_aside(locations.root, by_force=True)
        creation.make(locations, id_map)
        creation.forget_loss(locations.root)
        return Finding(
            "store", locations.root, path, error.brief, repaired=f"made again; the old one is {path}.damaged"
        )
    return None


def _store_file(store: Store, *, repair: bool) -> Iterator[Finding]:
    if store.record.lost:
        from argosy.storage import creation

        repaired = ""
        if repair:
            creation.forget_loss(store.root)
            repaired = "it was made again"
        path = f"{store.root}/store.json"
        yield Finding("store", store.root, path, "it was lost or damaged", repaired, "" if repair else REPAIR)


def _leftovers(store: Store, *, repair: bool) -> Iterator[Finding]:
    problem = "left by a killed command"
    if not repair:
        for path in sweep.dead(store):
            yield Finding("temporary file", os.path.basename(path), path, problem, hint=REPAIR)
        return
    swept = sweep.sweep(store, everything=True)
    for path in swept.removed:
        yield Finding("temporary file", os.path.basename(path), path, problem, "removed")
    for path, reason in swept.failed:
        yield Finding("temporary file", os.path.basename(path), path, f"{problem}, and cannot be removed: {reason}")


def _shelf(shelf: Shelf, required: str, *, repair: bool) -> Iterator[Finding]:
    for object_id in shelf.ids():
        path = f"{shelf.directory}/{object_id}"
        if not os.path.isdir(path) or os.path.islink(path):
            if os.path.lexists(path):
                yield Finding(shelf.kind, object_id, path, "not a directory", hint=f"look at it, then rm {path}")
            continue
        try:
            yield from _object(shelf, object_id, required, repair=repair)
        except NotFound:
            continue
        except OSError as error:
            if shelf.exists(object_id):  # else it was removed meanwhile
                yield Finding(shelf.kind, object_id, error.filename or path, f"cannot be read: {error.strerror}")


def _object(shelf: Shelf, object_id: str, required: str, *, repair: bool) -> Iterator[Finding]:
    path = shelf.path(object_id)
    names = [name for name in os.listdir(path) if name.endswith(".json") and not files.is_leftover(name)]
    if required and required not in names:
        names.append(required)
    for name in sorted(names):
        try:
            _judge_file(shelf, object_id, name, required)
        except NotFound:
            raise
        except ArgosyError as error:
            if name != required and not os.path.lexists(f"{path}/{name}"):
                continue  # a run that has ended takes some of its files with it
            words = "buildah rm" if required == "working.json" else f"{shelf.kind} rm --force"
            repaired, hint = "", f"argosy {words} {object_id}"
            if name in _EXPENDABLE:
                hint = REPAIR
                if repair and _remove_locked(shelf, object_id, name):
                    repaired, hint = "removed, so that the defaults hold", ""
            yield Finding(shelf.kind, object_id, f"{path}/{name}", error.brief, repaired, hint)
    yield from _temporary_files(shelf, object_id, repair=repair)


def _judge_file(shelf: Shelf, object_id: str, name: str, required: str) -> None:
    value = jsontext.decode(shelf.read(object_id, name), name)
    if name == required and isinstance(value, dict) and value.get("id", object_id) != object_id:
        raise ArgosyError(f"{name} is that of {value['id']}")


def _remove_locked(shelf: Shelf, object_id: str, name: str) -> bool:
    lock = shelf.lock(object_id, wait=False)
    if lock is None:
        return False
    with lock:
        files.unlink_missing(f"{shelf.path(object_id)}/{name}")
    return True


def _temporary_files(shelf: Shelf, object_id: str, *, repair: bool) -> Iterator[Finding]:
    """Half-written files beside the object's own: whoever writes one holds the object's lock."""
    leftovers = [name for name in os.listdir(shelf.path(object_id)) if files.is_leftover(name)]
    if not leftovers:
        return
    lock = shelf.lock(object_id, wait=False)
    if lock is None:
        return
    with lock:
        for name in leftovers:
            path = f"{shelf.path(object_id)}/{name}"
            if not os.path.lexists(path):
                continue
            if repair:
                files.remove_tree(path)
            problem = f"left in {shelf.kind} {object_id} by a killed command"
            yield Finding("temporary file", name, path, problem, "removed" if repair else "", "" if repair else REPAIR)


def _names(shelf: Shelf, *, repair: bool) -> Iterator[Finding]:
    try:
        entries = os.listdir(shelf.names_directory)
    except FileNotFoundError:
        entries = []
    named: dict[str, str] = {}
    for name in sorted(entries):
        path = f"{shelf.names_directory}/{name}"
        try:
            holder = os.readlink(path)
        except OSError as error:
            if os.path.lexists(path):
                problem = f"not the name of a {shelf.kind}: {error.strerror}"
                yield Finding("name", name, path, problem, hint=f"look at it, then rm {path}")
            continue
        if shelf.exists(holder):
            named[holder] = name
            continue
        if repair and not shelf.drop_dangling(name):
            continue
        problem = f"the name of a {shelf.kind} that does not exist ({holder})"
        yield Finding("name", name, path, problem, "removed" if repair else "", "" if repair else REPAIR)
    if shelf.kind == "container":
        yield from _nameless(shelf, named, repair=repair)


def _nameless(shelf: Shelf, named: dict[str, str], *, repair: bool) -> Iterator[Finding]:
    for object_id in shelf.ids():
        if object_id in named or not shelf.exists(object_id):
            continue
        repaired = f"called {_name_again(shelf, object_id)} again" if repair else ""
        problem = f"the {shelf.kind} has no name"
        yield Finding("name", object_id, shelf.names_directory, problem, repaired, "" if repair else REPAIR)


def _name_again(shelf: Shelf, object_id: str) -> str:
    """Give the object the name that its record has, or where that is taken or not known, one made of its id."""
    try:
        record = jsontext.decode(shelf.read(object_id, REQUIRED["containers"]))
        wanted = record.get("name") if isinstance(record, dict) else None
    except ArgosyError:
        wanted = None
    for name in (wanted, object_id[:12], object_id):
        if isinstance(name, str) and name:
            try:
                shelf.rename(object_id, name)
            except Exists:
                continue
            return name
    return object_id


def entries(directory: str) -> list[str]:
    """The names in a directory; none where it is missing."""
    try:
        return sorted(os.listdir(directory))
    except FileNotFoundError:
        return []


def is_object_name(name: str) -> bool:
    """Whether a file in blobs/, layers/ or chains/ is named as the store names them."""
    return len(name) == 64 and digests.is_hex(name)
