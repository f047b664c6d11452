"""Chains: what a stack of layers needs beyond the layers, by chain id (image-spec, config.md).

    chains/<hex>/fix/           directories only: the topmost lower directory of an overlay of this stack
    chains/<hex>/chain.json     mode 0444 once it is stable on disk
    tmp/chain-<hex>/            a chain being made; its flock is held by who does it

A layer is one directory for all images that have it, so two things cannot be said in it:
- The tar uses a directory without declaring it.  Overlayfs shows the owner and mode of the topmost layer that has the
  directory; right are those of the topmost layer that declares it (0755 0:0 if none does).
- A directory that only one layer of the stack has is not merged, so that whiteouts in it show as character devices.
Both are put right by a directory in `fix`, unless a later layer hides the path.
"""

from __future__ import annotations

import os
import stat

from argosy import jsontext
from argosy.errors import ArgosyError
from argosy.linux import files
from argosy.oci import digest as digests
from argosy.records.scratch import TakenOut
from argosy.records.shelf import read_sealed, seal
from argosy.storage.layers import Claim
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from argosy.storage.layers import LayerMeta
    from argosy.storage.store import Store

STABLE_MODE = 0o444
CHAIN_FILE = "chain.json"
STAGE_PREFIX = "chain-"
_ROOT = "."
_NO_DATA = 61
_UNSUPPORTED = 95


class Chain(Value):
    """A stack of layers: its chain id, and whether `chains/<chain id>/fix` belongs on top of it."""

    chain_id: str
    fixed: bool


def chain_id(diff_ids: Sequence[str]) -> str:
    """The chain id of layers, bottom first; "" for none."""
    found = ""
    for diff_id in diff_ids:
        found = digests.of_bytes(f"{found} {diff_id}".encode()) if found else diff_id
    return found


class Chains:
    """The chains of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._directory = f"{store.root}/chains"

    def directory(self, chain: str) -> str:
        """The chain's directory in this store, whether or not it exists."""
        return f"{self._directory}/{digests.parse(chain, 'chain id').hex}"

    def ids(self) -> list[str]:
        """The ids of the chains that have a fix."""
        try:
            return [f"sha256:{name}" for name in os.listdir(self._directory) if digests.is_hex(name)]
        except FileNotFoundError:
            return []

    def path(self, chain: str) -> str:
        """The `fix` directory of a chain; an additional image store's where that alone can be relied on."""
        return f"{(self._lender(chain) or self).directory(chain)}/fix"

    def _lender(self, chain: str) -> Chains | None:
        """The chains of the additional image store that this one is to be taken from, where it is not good here."""
        if not self._store.shared or self.is_good(chain):
            return None
        found = (shared.chains for shared in self._store.shared_trees)
        return next((chains for chains in found if chains.is_good(chain)), None)

    def fix(self, chain: str, diff_ids: Sequence[str]) -> str:
        """The `fix` directory of a chain that needs one; it is made again when it is not there or not trusted."""
        if not self.is_good(chain):
            self.ensure_fix(diff_ids)
        return self.path(chain)

    def ensure_fix(self, diff_ids: Sequence[str], *, again: bool = False) -> Chain:
        """Make the `fix` of these layers, bottom first, if they need one.  All of them are in the store.

        `again`: also where there is one.
        """
        chain = chain_id(diff_ids)
        if not chain:
            return Chain("", fixed=False)
        if not again and (self.is_good(chain) or self._lender(chain)):
            return Chain(chain, fixed=True)
        plan = _Plan(self._store, diff_ids).directories()
        if not plan:
            return Chain(chain, fixed=False)
        self._store.unstable.begin()
        with Claim(self._store.tmp, f"{STAGE_PREFIX}{digests.parse(chain).hex}") as claim:
            if again or not self.is_good(chain):
                _write(f"{claim.path}/fix", plan)
                layers = jsontext.encode({"layers": [str(diff_id) for diff_id in diff_ids]})
                files.write_atomic(f"{claim.path}/{CHAIN_FILE}", seal(layers))
                self._enter(claim, chain)
        return Chain(chain, fixed=True)

    def _enter(self, claim: Claim, chain: str) -> None:
        final = self.directory(chain)
        files.make_directories(self._directory)
        with TakenOut(final, self._store.tmp):
            self._store.unstable.note("chain", os.path.basename(final))
            os.rename(claim.path, final)
            claim.detach()

    def is_good(self, chain: str) -> bool:
        """Whether the chain is in this store, and can be relied on."""
        path = f"{self.directory(chain)}/{CHAIN_FILE}"
        try:
            mode = os.stat(path).st_mode & 0o777
            if mode == STABLE_MODE:
                return True
            trusted = self._store.unstable.trusts("chain", digests.parse(chain).hex)
            return trusted and bool(read_sealed(path, f"chain {chain}"))
        except (OSError, ArgosyError):
            return False


class _Directory(Value):
    """A directory of the fix: `source` is the one whose metadata it gets, "" for 0755 0:0."""

    path: str
    source: str


class _Plan:
    """Works out the directories that a stack needs fixed."""

    def __init__(self, store: Store, diff_ids: Sequence[str]) -> None:
        self._xattrs = store.xattrs
        self._trees: list[str] = []
        self._metas: list[LayerMeta] = []
        for diff_id in reversed(diff_ids):
            self._trees.append(store.layers.path(diff_id))
            self._metas.append(store.layers.meta(diff_id))
        self._undeclared = [frozenset(map(_normal, meta.undeclared)) for meta in self._metas]
        self._whiteouts = [frozenset(map(_normal, meta.whiteout_directories)) for meta in self._metas]
        opaque = [index for index, tree in enumerate(self._trees) if _is_opaque(tree, self._xattrs)]
        shown = min(opaque) + 1 if opaque else len(self._trees)  # an opaque root hides all layers below it
        self._visible: dict[str, tuple[int, ...]] = {_ROOT: tuple(range(shown))}

    def directories(self) -> list[_Directory]:
        """What `fix` has to hold, parents first; empty when nothing is wrong with the stack."""
        candidates = frozenset().union(*self._undeclared, *self._whiteouts)
        needed: set[str] = set()
        for path in candidates:
            if self._is_wrong(path):
                needed.add(path)
                while path != _ROOT:
                    path = _parent(path)
                    needed.add(path)
        return [_Directory(path, self._source(path)) for path in sorted(needed, key=_depth)]

    def _is_wrong(self, path: str) -> bool:
        visible = self._layers_of(path)
        if not visible:
            return False
        if len(visible) == 1 and path in self._whiteouts[visible[0]]:
            return True
        if path not in self._undeclared[visible[0]]:
            return False
        source = self._source(path)
        return _metadata(f"{self._trees[visible[0]]}/{path}") != (_metadata(source) if source else _DEFAULT)

    def _source(self, path: str) -> str:
        for index in self._layers_of(path):
            if path not in self._undeclared[index]:
                return f"{self._trees[index]}/{path}"
        return ""

    def _layers_of(self, path: str) -> tuple[int, ...]:
        """The layers, topmost first, whose directories at `path` overlayfs merges; none when there is no directory."""
        unknown = []
        while path not in self._visible:
            unknown.append(path)
            path = _parent(path)
        found = self._visible[path]
        for below in reversed(unknown):
            found = self._visible[below] = self._look(below, found)
        return found

    def _look(self, path: str, above: tuple[int, ...]) -> tuple[int, ...]:
        found: list[int] = []
        for index in above:
            here = f"{self._trees[index]}/{path}"
            try:
                mode = os.lstat(here).st_mode
            except FileNotFoundError:
                continue
            if not stat.S_ISDIR(mode):
                break
            found.append(index)
            if _is_opaque(here, self._xattrs):
                break
        return tuple(found)


def _parent(path: str) -> str:
    return path.rpartition("/")[0] or _ROOT


def _depth(path: str) -> tuple[int, str]:
    return (0, "") if path == _ROOT else (path.count("/") + 1, path)


def _normal(path: str) -> str:
    return path.strip("/").removeprefix("./") or _ROOT


def _is_opaque(path: str, xattrs: str) -> bool:
    try:
        return os.getxattr(path, f"{xattrs}.overlay.opaque", follow_symlinks=False) == b"y"
    except OSError as error:
        if error.errno in (_NO_DATA, _UNSUPPORTED):
            return False
        raise


_Metadata = tuple[int, int, int, dict[str, bytes]]
_DEFAULT: _Metadata = (0o755, 0, 0, {})


def _metadata(path: str) -> _Metadata:
    found = os.lstat(path)
    names = [name for name in os.listxattr(path, follow_symlinks=False) if ".overlay." not in name]
    values = {name: os.getxattr(path, name, follow_symlinks=False) for name in names}
    return stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid, values


def _write(fix: str, directories: Sequence[_Directory]) -> None:
    """Make the directories, and then, deepest first, give them what they shall have."""
    for directory in directories:
        os.mkdir(f"{fix}/{directory.path}" if directory.path != _ROOT else fix, 0o700)
    for directory in reversed(directories):
        path = f"{fix}/{directory.path}"
        mode, uid, gid, xattrs = _metadata(directory.source) if directory.source else _DEFAULT
        os.chown(path, uid, gid)
        for name, value in xattrs.items():
            os.setxattr(path, name, value)
        os.chmod(path, mode)
        mtime = os.lstat(directory.source).st_mtime_ns if directory.source else 0
        os.utime(path, ns=(mtime, mtime))
