"""A working tree: the layers of a stage so far, and an upper directory for what the next step changes.

<root>/tmp/<random>/merged  upper/  work/  mounts/    locked for its life; a sweep unmounts what a killed build left

Under an id map all files in it have the ids outside, as those of a container with such a map; layers have those inside.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError
from argosy.linux import files, mounts, paths
from argosy.records.scratch import Scratch
from argosy.storage import built, delta, rootfs, staged
from argosy.storage.drivers import driver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from argosy.linux.idmap import IdMap
    from argosy.storage.layers import LayerMeta
    from argosy.storage.store import Store
    from argosy.storage.work import Work


class Working:
    """One tree; use it as a context.  It is mounted when it is first asked for, and after each commit anew."""

    def __init__(self, store: Store, layers: Sequence[str], id_map: IdMap | None = None) -> None:
        self.layers = list(layers)
        self.id_map = id_map
        self._store = store
        self._scratch = Scratch(store.tmp)
        self._mounted = False

    @property
    def directory(self) -> str:
        """Where files for it may lie; they go with it."""
        return self._scratch.path

    def tree(self) -> str:
        """The mounted tree."""
        if not self._mounted:
            self._store.unstable.begin()
            if self.id_map is not None:
                check_owners(self._store, self.layers, self.id_map)
            chain = self._store.chains.ensure_fix(self.layers)
            rootfs.mount(
                *(self._store, self.directory, self.layers, chain.chain_id, chain.fixed),
                volatile=True,
                id_map=self.id_map,
            )
            self._mounted = True
        return f"{self.directory}/merged"

    def is_changed(self) -> bool:
        """Whether anything was changed since the last commit, as far as the upper directory tells."""
        if self._mounted and self._is_whole:
            return delta.is_changed(f"{self.directory}/upper", self._seen_lowers(), self._store.xattrs)
        return self._mounted and bool(os.listdir(f"{self.directory}/upper"))

    @property
    def _is_whole(self) -> bool:
        """Whether the upper directory holds everything, and not what was changed alone."""
        return self._store.driver == "vfs"

    def _lowers(self) -> list[str]:
        chain = self._store.chains.ensure_fix(self.layers)
        return rootfs.lower_directories(self._store, self.layers, chain.chain_id, fixed=chain.fixed)

    def _seen_lowers(self) -> Sequence[str]:
        """The lower directories as a driver that copies them has them: with the owners of the tree."""
        if self.id_map is None:
            return self._lowers()
        from argosy.storage import idmaps

        chain = self._store.chains.ensure_fix(self.layers)
        return idmaps.lowers(self._store, self.layers, chain.chain_id, self.id_map, fixed=chain.fixed).directories

    def _upper(self) -> str:
        """The upper directory with the ids inside; the tree was unmounted."""
        upper = f"{self.directory}/upper"
        if self.id_map is None or self.id_map.is_identity():
            return upper
        from argosy.storage import mapping

        outside = f"{self.directory}/outside"
        os.rename(upper, outside)
        mapping.map_back(outside, upper, self.id_map, self._store.xattrs)
        files.remove_tree(outside)
        return upper

    def _changed(self) -> str:
        """The directory of what was changed; the tree was unmounted."""
        upper = self._upper()
        if not self._is_whole:
            return upper
        changed = f"{self.directory}/changed"
        delta.extract(upper, self._lowers(), changed, self._store.xattrs)
        for name in ("upper", "work"):
            files.remove_tree(f"{self.directory}/{name}")
        return changed

    def open_root(self) -> int:
        """A descriptor of the mounted tree's root.  The caller closes it."""
        return paths.open_root(self.tree())

    def commit(
        self, work: Work, *, latest_s: int | None = None, exact: bool = False, undeclared: tuple[str, ...] = ()
    ) -> LayerMeta:
        """Make a layer of what was changed, which lies below whatever comes next."""
        self.tree()
        self.unmount()
        changed = self._changed()
        meta = built.commit(self._store, work, changed, latest_s=latest_s, exact=exact, undeclared=undeclared)
        self.layers.append(meta.diff_id)
        return meta

    def commit_whole(self, work: Work, *, latest_s: int | None = None, exact: bool = False) -> LayerMeta:
        """Make one layer of everything, that of the base included."""
        from argosy.storage.drivers.copying import copy_merged

        self.tree()
        self.unmount()
        whole = f"{self.directory}/whole"
        lowers = () if self._is_whole else self._lowers()
        copy_merged((self._upper(), *lowers), whole, self._store.xattrs)
        meta = built.commit(self._store, work, whole, latest_s=latest_s, exact=exact)
        self.layers = [meta.diff_id]
        return meta

    def unmount(self) -> None:
        """Unmount the tree, and what was mounted beside it.  What was changed stays."""
        rootfs.unmount(self.directory)
        self._mounted = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            self.unmount()
        finally:
            self._scratch.__exit__()


def check_owners(store: Store, layers: Sequence[str], id_map: IdMap) -> None:
    """Raise ArgosyError for files whose owner the map does not have: nobody could say whose they are later."""
    from argosy.storage import owners

    for ranges in (id_map.uids, id_map.gids):
        end = max(r.container_id + r.size for r in ranges)
        for layer in layers:
            highest = owners.highest_id(store, layer)
            if highest >= end:
                why = f"layer {layer} has files that belong to the id {highest}, and the user namespace has {end} ids"
                raise ArgosyError(why, hint="give a larger map with --userns-uid-map and --userns-gid-map")


class Mounted:
    """The tree of some layers, read-only, for the time of the context: what COPY --from takes from."""

    def __init__(self, store: Store, layers: Sequence[str]) -> None:
        self._scratch = Scratch(store.tmp)
        self.path = f"{self._scratch.path}/merged"
        try:
            os.mkdir(self.path)
            chain = store.chains.ensure_fix(layers)
            driver(store).mount_readonly(
                self.path, rootfs.lower_directories(store, layers, chain.chain_id, fixed=chain.fixed)
            )
        except BaseException:
            self._scratch.__exit__()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            mounts.unmount(self.path)
        finally:
            self._scratch.__exit__()


def part_of_layers(store: Store, working: Working, key: str, layers: Sequence[str], subpath: str) -> str:
    """Mount a file or directory of some layers beside the tree, under its map; returns where."""
    chain = store.chains.ensure_fix(layers)
    directory = working.directory
    tree = staged.image(
        *(store, directory, f"{key}-1", layers, chain.chain_id), fixed=chain.fixed, id_map=working.id_map
    )
    return staged.part(directory, f"{key}-2", tree, subpath) if subpath.strip("/.") else tree
