"""Layers under another id map: what a container with a user namespace of its own gets as lower directories.

    maps/<hex of the layer or chain><key>/diff/      the tree, each file with the owner that the map gives it
                                         map.json    mode 0444 once it is stable on disk
    tmp/map-<...>/                                   one that is being made; its flock is held by who does it

Real root mounts each lower once more with the map (idmapped mounts, Linux 5.19), which costs nothing.  Where that is
not to be had, a tree is made once for each layer and map, and kept as long as the layer: for the lowest one of metadata
only, over the layers as a data-only directory, where a trial shows that overlayfs can do so (Linux 6.16), else with the
content, whose blocks are shared where the file system can.

The trees are not in the layers' own directories: overlayfs refuses a lower that lies in another one, and `layers/`, of
which a file's place is unique, is the data-only directory.
"""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.errors import ArgosyError, Unsupported, shown
from argosy.linux import files
from argosy.linux.idmap import IdMap
from argosy.oci import digest as digests
from argosy.records.scratch import Scratch, TakenOut
from argosy.records.shelf import read_sealed, seal
from argosy.storage import sweep
from argosy.storage.layers import Claim
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from argosy.storage.store import Store

STABLE_MODE = 0o444
MAP_FILE = "map.json"
DIRECTORY = "maps"
STAGE_PREFIX = "map-"
NAME_DIGITS = 80
_KEY_DIGITS = NAME_DIGITS - 64
MOUNTS, METADATA, CONTENT = "mounts", "metadata", "content"
_SAMPLE = IdMap.of(((0, 1, 1),), ((0, 1, 1),))
_DETACHED_LOWERS = (6, 15)  # the first Linux that takes a lower directory which is mounted nowhere


class Lowers(Value):
    """Lower directories, topmost first, and the directory with the content of their files ("" where they have it).

    Some may be mounts, or names of descriptors, that `close` takes away: an overlay over them keeps what it needs.
    """

    directories: tuple[str, ...]
    data: str = ""
    handles: tuple[int, ...] = ()
    places: Scratch | None = None

    def close(self) -> None:
        """Close the descriptors, and unmount what was mounted."""
        for handle in self.handles:
            os.close(handle)
        if self.places is not None:
            from argosy.linux import mounts

            for directory in self.directories:
                mounts.unmount(directory)
            self.places.__exit__()


def lowers(store: Store, layers: Sequence[str], chain: str, id_map: IdMap, *, fixed: bool, release: str = "") -> Lowers:
    """The lower directories of an image under the map.  Raises ArgosyError as `rootfs.lower_directories` does.

    `release` is the kernel's, "" for that which runs.
    """
    from argosy.storage import rootfs

    plain = rootfs.lower_directories(store, layers, chain, fixed=fixed)
    if not plain or id_map.is_identity() or store.id_map.is_single():
        return Lowers(tuple(plain))  # with a single id of our own, owners are not told apart at all
    if not store.rootless and store.driver == "overlay":
        from argosy.linux import idmapped, mounts

        try:
            trees = tuple(idmapped.clones(plain, id_map, recursive=False))
        except (mounts.MountFailed, Unsupported):
            pass  # the file system knows no id maps, or we are root of somebody's container only
        else:
            if _numbers(release or os.uname().release) >= _DETACHED_LOWERS:
                return Lowers(tuple(f"/proc/self/fd/{tree}" for tree in trees), handles=trees)
            return _attached(store, trees)
    return _made(store, plain, id_map)


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split(".")[:2] if part.isdecimal())


def _attached(store: Store, trees: Sequence[int]) -> Lowers:
    """The detached mounts in a directory of their own, where older kernels take them from."""
    from argosy.linux import mounts

    scratch = Scratch(store.tmp)
    places = [f"{scratch.path}/{sweep.LOWERS}/{number}" for number in range(len(trees))]
    found = Lowers(tuple(places), places=scratch)
    left = list(trees)
    try:
        for place in places:
            os.makedirs(place)
            mounts.attach(left.pop(0), place)
    except BaseException:
        for tree in left:
            os.close(tree)
        found.close()
        raise
    return found


def way(store: Store) -> str:
    """How layers get other owners here: MOUNTS, METADATA or CONTENT."""
    if not store.rootless and store.driver == "overlay":
        from argosy.linux import idmapped, mounts

        try:
            os.close(idmapped.clone(store.root, _SAMPLE, recursive=False))
        except (mounts.MountFailed, Unsupported):
            pass
        else:
            return MOUNTS
    return _way(store)


def _made(store: Store, plain: Sequence[str], id_map: IdMap) -> Lowers:
    usual = _way(store)
    found = []
    kinds = set()
    for directory in plain:
        # Overlayfs follows a file of metadata from the lowest directory only into the data-only one, which is our own
        # layers/: what an additional image store lends is not in it.
        kind = usual if directory == plain[-1] and directory.startswith(f"{store.root}/") else CONTENT
        kinds.add(kind)
        name = _name(os.path.dirname(directory), id_map, kind)
        path = f"{store.root}/{DIRECTORY}/{name}"
        if not is_good(store, name):
            _make(store, name, directory, id_map, kind)
        found.append(f"{path}/diff")
    store.unstable.settle_later()
    return Lowers(tuple(found), f"{store.root}/layers" if METADATA in kinds else "")


def _name(owner: str, id_map: IdMap, kind: str) -> str:
    """The name of the tree for the layer or chain in the directory `owner`."""
    shelf, digits = os.path.split(owner)
    text = f"{os.path.basename(shelf)} {kind} {id_map.lines()}"
    return digits + digests.parse(digests.of_bytes(text.encode())).hex[:_KEY_DIGITS]


def owner_digest(name: str) -> str:
    """The digest of the layer or chain that the tree with this name in maps/ belongs to."""
    return f"sha256:{name[:64]}"


def names(root: str) -> list[str]:
    """The names of all trees, good or not."""
    try:
        found = os.listdir(f"{root}/{DIRECTORY}")
    except FileNotFoundError:
        return []
    return [name for name in found if is_name(name)]


def is_name(name: str) -> bool:
    """Whether something in maps/ is named as the store names it."""
    return len(name) == NAME_DIGITS and digests.is_hex(name)


def disk_bytes(store: Store) -> dict[str, int]:
    """What the trees take on disk, by the digest of the layer or chain that they belong to."""
    found: dict[str, int] = {}
    for name in names(store.root):
        digest = owner_digest(name)
        found[digest] = found.get(digest, 0) + _disk_bytes(f"{store.root}/{DIRECTORY}/{name}")
    return found


def _disk_bytes(directory: str) -> int:
    total = 0
    waiting = [directory]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except FileNotFoundError:
            continue  # it was removed meanwhile
    return total


def is_good(store: Store, name: str) -> bool:
    """Whether the tree is there and can be relied on."""
    path = f"{store.root}/{DIRECTORY}/{name}/{MAP_FILE}"
    try:
        if os.stat(path).st_mode & 0o777 == STABLE_MODE:
            return True
        return store.unstable.trusts("map", name) and bool(read_sealed(path, f"map {name}"))
    except (OSError, ArgosyError):
        return False


def problem(store: Store, name: str) -> str:
    """What is wrong with a tree; "" when nothing is."""
    path = f"{store.root}/{DIRECTORY}/{name}"
    try:
        read_sealed(f"{path}/{MAP_FILE}", f"map {name}")
    except FileNotFoundError:
        return f"{MAP_FILE} is missing" if os.path.isdir(path) else ""
    except ArgosyError as error:
        return error.brief
    if not os.path.isdir(f"{path}/diff"):
        return "its tree is missing"
    digits = name[:64]
    places = (store.layers.path(f"sha256:{digits}"), store.chains.directory(f"sha256:{digits}"))
    return "" if any(map(os.path.isdir, places)) else "it is that of a layer that is not there"


def remove(store: Store, name: str) -> bool:
    """Remove a tree, unless a mounted container may have it.  Whether it is gone."""
    from argosy.linux import mounts

    if any(mounts.is_mount_point(f"{shelf.path(known)}/merged") for shelf, known in store.each_container()):
        return False
    with TakenOut(f"{store.root}/{DIRECTORY}/{name}", store.tmp):
        return True


def _make(store: Store, name: str, source: str, id_map: IdMap, kind: str) -> None:
    """Make the tree; waits where somebody else is doing so."""
    from argosy.storage import mapping

    store.unstable.begin()
    with Claim(store.tmp, STAGE_PREFIX + name) as claim:
        if is_good(store, name):
            return
        data = os.path.relpath(source, f"{store.root}/layers") if kind == METADATA else ""
        try:
            mapping.map_tree(source, f"{claim.path}/diff", id_map, store.xattrs, own_ids=store.id_map, data=data)
        except OSError as error:
            raise ArgosyError(
                f"cannot give the files of {owner_digest(name)} the owners of the container's user namespace",
                details=f"{shown(os.fsdecode(error.filename or source))}: {error.strerror}",
            ) from error
        told = {"kind": kind, "uids": id_map.lines()[0], "gids": id_map.lines()[1]}
        files.write_atomic(f"{claim.path}/{MAP_FILE}", seal(jsontext.encode(told)))
        final = f"{store.root}/{DIRECTORY}/{name}"
        files.make_directories(os.path.dirname(final))
        with TakenOut(final, store.tmp):
            store.unstable.note("map", name)
            os.rename(claim.path, final)
            claim.detach()


def _way(store: Store) -> str:
    """How trees are made here: found out by trial, once for each kernel and mount."""
    if store.driver != "overlay":
        return CONTENT
    cache = f"{store.run}/cache/idmaps.json"
    here = [os.uname().release, store.root, os.stat(store.root).st_dev]
    try:
        known = jsontext.decode(files.read(cache), cache)
        if known["here"] == here and known["way"] in (METADATA, CONTENT):
            return str(known["way"])
    except (OSError, ArgosyError, LookupError, TypeError):
        pass
    found = METADATA if _metadata_works(store) else CONTENT
    files.make_directories(os.path.dirname(cache))
    files.write_atomic(cache, jsontext.encode({"here": here, "way": found}))
    return found


def _metadata_works(store: Store) -> bool:
    """Mount a file whose metadata and content lie apart, read it, and change it."""
    from argosy.linux import mounts
    from argosy.storage import mapping
    from argosy.storage.drivers import driver

    with Scratch(store.tmp) as scratch:
        layer, upper, work, merged = (f"{scratch.path}/{name}" for name in ("layers/one", "upper", "work", "merged"))
        for directory in (layer, upper, work, merged):
            os.makedirs(directory)
        try:
            files.write_atomic(f"{layer}/file", b"content")
            mapping.map_tree(
                layer, f"{scratch.path}/diff", store.id_map, store.xattrs, own_ids=store.id_map, data="one"
            )
            driver(store).mount(
                merged, [f"{scratch.path}/diff"], upper, work, volatile=True, data=f"{scratch.path}/layers"
            )
            try:
                with open(f"{merged}/file", "r+b") as file:
                    return file.read() == b"content"
            finally:
                mounts.unmount(merged)
        except (ArgosyError, OSError):
            return False
