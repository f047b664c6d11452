"""Making a store, changing what its store.json says, and removing it: the rare paths of `Store`."""

from __future__ import annotations

import errno
import os

from argosy import jsontext
from argosy.errors import ArgosyError, Unsupported
from argosy.linux import files, locks
from argosy.records.shelf import Damaged, seal, unseal
from argosy.storage.places import TRANSIENT
from argosy.storage.store import GC_LOCK, SHELVES, STORE_FILE, StoreRecord, read_record
from argosy.version import STORE_FORMAT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from argosy.config.locations import Locations
    from argosy.linux.idmap import IdMap, IdRange
    from argosy.storage.drivers.detect import Choice

DIRECTORIES = ("blobs/sha256", "images", "refs", "layers", "chains", *SHELVES, "names", "tmp")


def make(
    locations: Locations,
    id_map: IdMap,
    drivers: Sequence[str] = (),
    program: str = "",
    *,
    any_owner: bool = False,
    notice: Callable[[str], None] | None = None,
) -> StoreRecord:
    """Make the store, or wait for the process that is making it.  Stable on disk when it returns.

    It gets the first of `drivers` that works; `program` serves the mounts of fuse-overlayfs.  With `any_owner`, files
    need not have the owners that images give them.  `notice` is told what will not be as usual there.  Raises
    Unsupported, and leaves nothing, where there can be no store.
    """
    root = locations.root
    with _locked_root(root):
        try:
            return read_record(root)
        except FileNotFoundError:
            pass
        lost = any(_filled(f"{root}/{name}") for name in DIRECTORIES if name != "tmp")
        choice = _settled(root, id_map, drivers, program, any_owner=any_owner)
        for name in DIRECTORIES:
            files.make_directories(f"{root}/{name}")
        files.make_directories(locations.run)
        record = StoreRecord(
            format=STORE_FORMAT,
            driver=choice.driver,
            xattrs=choice.xattrs,
            run=locations.run,
            id_map=id_map,
            mount_program=choice.program,
            lost=lost,
        )
        write(root, record)
        files.fsync_directory(os.path.dirname(root))
        if notice:
            _tell(root, choice, notice)
        return record


def _settled(root: str, id_map: IdMap, drivers: Sequence[str], program: str, *, any_owner: bool) -> Choice:
    from argosy.storage import sweep
    from argosy.storage.drivers import detect, ground

    files.make_directories(f"{root}/tmp")
    sweep.sweep_root(root)
    try:
        ground.require(f"{root}/tmp", id_map, any_owner=any_owner)
        return detect.choose(f"{root}/tmp", drivers, program)
    except BaseException:
        for path in (f"{root}/tmp", root):
            try:
                os.rmdir(path)
            except OSError:
                break  # something was there before
        raise


def _tell(root: str, choice: Choice, notice: Callable[[str], None]) -> None:
    """What the user should know of the place that the store was made at."""
    from argosy.linux import mounts
    from argosy.storage.drivers import ground

    kind = mounts.filesystem(root)
    overlay = [reason for reason in choice.passed_over if reason.startswith("overlay ")]
    if overlay and choice.driver != "overlay":
        cost = "is slower" if choice.driver == "fuse_overlay" else "copies an image for each container"
        known = ground.explanation(kind)
        notice(
            f"the new store at {root}, on {kind}, uses the storage driver {choice.driver}, which {cost}: the kernel's "
            f"overlay does not work there ({known or overlay[-1]}); name a place on a local disk with --root, or in "
            "storage.conf (see `argosy doctor overlay`)"
        )
    if ground.is_shared(root):
        notice(f"the new store at {root} is on {kind}: use it on one machine at a time, containers are not shared")


def set_aside(root: str, *, by_force: bool = False) -> None:
    """Rename a damaged store.json to store.json.damaged, for `make` to write another.

    Raises Damaged, unless `by_force`, when it seems to be another version's rather than damaged.
    """
    path = f"{root}/{STORE_FILE}"
    with _locked_root(root):
        try:
            read_record(root)
        except FileNotFoundError:
            return
        except Damaged:
            if not by_force and _foreign(path):
                raise
            os.rename(path, f"{path}.damaged")


def _foreign(path: str) -> bool:
    """Whether the file is whole, but not as we write it, or still tells that it has another format."""
    data = files.read(path)
    try:
        unseal(data, "store", path)
        return True
    except Damaged:
        pass
    try:
        found = jsontext.decode(data)
    except ArgosyError:
        return False
    return isinstance(found, dict) and found.get("format") != STORE_FORMAT


def change_run(locations: Locations) -> StoreRecord:
    """Write down another run directory; on a read-only file system, where nothing can be started, only use it."""
    with _locked_root(locations.root):
        record = read_record(locations.root).replace(run=locations.run)
        files.make_directories(locations.run)
        try:
            write(locations.root, record)
        except OSError as error:
            if error.errno != errno.EROFS:
                raise
        return record


def forget_loss(root: str) -> None:
    """Clear `lost`: it was told."""
    change(root, lost=False)


def change(root: str, **fields: object) -> StoreRecord:
    """Write down other values of some fields."""
    with _locked_root(root):
        record = read_record(root).replace(**fields)
        write(root, record)
        return record


def take_id_map(record: StoreRecord, id_map: IdMap, root: str) -> StoreRecord:
    """The record for a map other than the store was made with.

    One that has grown is fine.  Where there was a single id, layers lack the owners that can be had now: they are no
    longer relied on, so that they are applied again when they are used; those that were made here stay as they are.
    Raises Unsupported when ids that the store's files may have mean other ids now.
    """
    check_id_map(record, id_map, root)
    if not record.id_map.is_single() or id_map.is_single() or os.statvfs(root).f_flag & os.ST_RDONLY:
        return record
    with _locked_root(root):
        from argosy.storage import layers

        layers.distrust_all(f"{root}/layers")
        changed = read_record(root).replace(id_map=id_map)
        write(root, changed)
        return changed


def check_id_map(record: StoreRecord, id_map: IdMap, root: str) -> None:
    """Raise Unsupported when ids that the store's files may have mean other ids now; a map that has grown is fine."""
    uids = ("uids", record.id_map.uids, id_map.uids)
    gids = ("gids", record.id_map.gids, id_map.gids)
    for kind, old_ranges, new_ranges in (uids, gids):
        for old in old_ranges:
            if not any(_covers(new, old) for new in new_ranges):
                raise Unsupported(
                    f"the store at {root} was made with other subordinate ids",
                    details=f"{kind}: {old.size} ids from {old.container_id} on were {old.host_id} on the host",
                    hint="bring back the ranges in /etc/subuid and /etc/subgid, or start anew with argosy system reset",
                )


def with_program(record: StoreRecord, program: str, root: str) -> StoreRecord:
    """The record with another program that serves the mounts.  Raises Unsupported where there are none to serve."""
    if record.driver != "fuse_overlay":
        raise Unsupported(
            f'the store at {root} was made with the storage driver "{record.driver}", which has no mount program',
            hint="leave out mount_program, or name another store with --root",
        )
    return record.replace(mount_program=program)


def _covers(new: IdRange, old: IdRange) -> bool:
    shift = old.container_id - new.container_id
    fits = old.container_id + old.size <= new.container_id + new.size
    return shift >= 0 and fits and old.host_id - new.host_id == shift


def remove(root: str) -> None:
    """Remove all that a store consists of, and the directory if nothing else is in it.  store.json goes last.

    Nothing happens where there is no store.json: the directory may be anybody's.
    """
    if not os.path.lexists(f"{root}/{STORE_FILE}"):
        return
    with _locked_root(root):
        gc_lock = locks.acquire(f"{root}/{GC_LOCK}", create=True)
        assert gc_lock is not None
        with gc_lock:
            for name in sorted({name.partition("/")[0] for name in (*DIRECTORIES, TRANSIENT)} - {"tmp"}):
                _rename_out(root, name)
            files.remove_tree(f"{root}/tmp")
            for name in (GC_LOCK, f"{STORE_FILE}.damaged", STORE_FILE):
                files.unlink_missing(f"{root}/{name}")
        try:
            os.rmdir(root)
        except OSError:
            pass  # it holds something that is not ours, or is a mount point


def _rename_out(root: str, name: str) -> None:
    """So that nobody meets half of it."""
    try:
        files.make_directories(f"{root}/tmp")
        os.rename(f"{root}/{name}", f"{root}/tmp/{os.urandom(16).hex()}")
    except FileNotFoundError:
        return


def _locked_root(root: str) -> locks.Lock:
    try:
        while True:
            files.make_directories(root)
            try:
                lock = locks.acquire(root)
            except FileNotFoundError:
                continue  # removed meanwhile
            assert lock is not None
            return lock
    except OSError as error:
        raise ArgosyError(
            f"cannot make the store at {root}: {error.strerror}", hint="name another place with --root"
        ) from error


def write(root: str, record: StoreRecord) -> None:
    """Put store.json in place; stable on disk when this returns."""
    files.write_atomic(f"{root}/{STORE_FILE}", seal(jsontext.encode(record.to_json())), durable=True)


def _filled(path: str) -> bool:
    try:
        return bool(os.listdir(path))
    except FileNotFoundError:
        return False
