"""Layers: one directory per layer, applied, by its diff id (the digest of the uncompressed tar).

layers/<hex>/diff/          the tree as overlayfs wants it
layers/<hex>/layer.json     what the tree cannot say; mode 0444 once the whole layer is stable on disk
tmp/layer-<hex>/            a layer being applied; its flock is held by who does it
"""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.errors import NotFound
from argosy.linux import files, locks
from argosy.oci import digest as digests
from argosy.records.scratch import Scratch, TakenOut
from argosy.records.shelf import Damaged, read_sealed, seal
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from argosy.storage.store import Store

STABLE_MODE = 0o444
LAYER_FILE = "layer.json"
STAGE_PREFIX = "layer-"
_ROOT_MODE = 0o755


class LayerMeta(Value):
    """layer.json.  Paths are relative to the layer's root, which is "."; the file has them percent-encoded.

    `undeclared` are the directories that the tar uses without declaring them, `whiteout_directories` those that hold
    whiteouts.  `writer` is the version of our own tar writer that gives this diff id from the tree; 0 where only the
    blob can; `single` says that owners are remembered beside its files (`archive.remembered`).  `size_bytes` is the
    length of the uncompressed archive, as the peers count layers.
    """

    diff_id: str
    size_bytes: int
    entries: int = 0
    undeclared: tuple[str, ...] = ()
    whiteout_directories: tuple[str, ...] = ()
    writer: int = 0
    single: bool = False


class Layers:
    """The layers of a store.  Safe to use from several threads and processes at once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._directory = f"{store.root}/layers"

    def directory(self, diff_id: str) -> str:
        """The layer's directory in this store, whether or not it exists."""
        return f"{self._directory}/{digests.parse(diff_id, 'diff id').hex}"

    def path(self, diff_id: str) -> str:
        """The layer's tree, to be a lower directory of an overlay; whether or not it exists.

        It is an additional image store's where that alone can be relied on.
        """
        return f"{(self._lender(diff_id) or self).directory(diff_id)}/diff"

    def _lender(self, diff_id: str) -> Layers | None:
        """The layers of the additional image store that this one is to be taken from, where it is not good here."""
        if not self._store.shared or self._is_good(diff_id):
            return None
        found = (shared.layers for shared in self._store.shared_trees)
        return next((layers for layers in found if layers.has(diff_id)), None)

    def has(self, diff_id: str) -> bool:
        """Whether the layer is there and can be relied on; one that cannot is to be staged again."""
        return not self.untrusted((diff_id,))

    def untrusted(self, diff_ids: Iterable[str]) -> tuple[str, ...]:
        """Those of the layers that are missing, damaged, or may have suffered from a power cut: apply them again."""
        return tuple(diff_id for diff_id in diff_ids if not (self._is_good(diff_id) or self._lender(diff_id)))

    def _is_good(self, diff_id: str) -> bool:
        directory = self.directory(diff_id)
        try:
            mode = os.stat(f"{directory}/{LAYER_FILE}").st_mode & 0o777
        except OSError:
            return False
        if mode == STABLE_MODE:
            return True
        if not self._store.unstable.trusts("layer", os.path.basename(directory)):
            return False
        try:
            self._read(diff_id)
        except (Damaged, NotFound):
            return False
        return True

    def ids(self) -> list[str]:
        """The diff ids of all layers, good or not."""
        try:
            return [f"sha256:{name}" for name in os.listdir(self._directory) if digests.is_hex(name)]
        except FileNotFoundError:
            return []

    def meta(self, diff_id: str) -> LayerMeta:
        """What layer.json says.  Raises NotFound when there is no such layer, Damaged when the file is not whole."""
        for shared in self._store.shared:
            if not os.path.isdir(self.directory(diff_id)) and os.path.isdir(shared.layers.directory(diff_id)):
                return shared.layers.meta(diff_id)
        return self._read(diff_id)

    def _read(self, diff_id: str) -> LayerMeta:
        directory = self.directory(diff_id)
        path = f"{directory}/{LAYER_FILE}"
        what = f"{LAYER_FILE} of layer {diff_id}"
        try:
            meta = LayerMeta.from_json(jsontext.decode(read_sealed(path, what), what))
        except FileNotFoundError:
            if not os.path.isdir(directory):
                raise NotFound("layer", diff_id) from None
            raise Damaged(what, path, "the file is missing") from None
        return meta.replace(
            undeclared=tuple(map(_unquoted, meta.undeclared)),
            whiteout_directories=tuple(map(_unquoted, meta.whiteout_directories)),
        )

    def stage(self, diff_id: str) -> StagedLayer:
        """Begin to apply a layer, as a context.  Waits while another process or thread is doing it.

        The layer may be there by then: `present` tells.
        """
        return StagedLayer(self._store, self, diff_id)

    def commit(self, staged: StagedLayer, meta: LayerMeta) -> None:
        """Put the applied layer into the store in one step, in place of one that could not be relied on."""
        quoted = meta.replace(
            diff_id=str(staged.diff_id),
            undeclared=tuple(map(_quoted, meta.undeclared)),
            whiteout_directories=tuple(map(_quoted, meta.whiteout_directories)),
        )
        files.write_atomic(f"{staged.directory}/{LAYER_FILE}", seal(jsontext.encode(quoted.to_json())))
        final = self.directory(staged.diff_id)
        with TakenOut(final, self._store.tmp):
            self._store.unstable.note("layer", os.path.basename(final))
            try:
                os.rename(staged.directory, final)
            except FileNotFoundError:
                files.make_directories(self._directory)
                os.rename(staged.directory, final)
            staged.committed()


class StagedLayer:
    """A layer that is being applied: fill the directory `path`, then `Layers.commit`.  Abandoned, it leaves nothing."""

    def __init__(self, store: Store, layers: Layers, diff_id: str) -> None:
        self.diff_id = digests.parse(diff_id, "diff id")
        self.path = ""
        self._claim: Claim | None = None
        self.present = layers.has(diff_id)
        if self.present:
            return
        store.unstable.begin()
        self._claim = Claim(store.tmp, f"{STAGE_PREFIX}{self.diff_id.hex}")
        self.present = layers.has(diff_id)
        if self.present:
            self.close()
            return
        self.path = f"{self._claim.path}/diff"
        os.mkdir(self.path)
        os.chmod(self.path, _ROOT_MODE)

    @property
    def directory(self) -> str:
        """What will be the layer's directory; `path` is `diff` in it."""
        return os.path.dirname(self.path)

    def committed(self) -> None:
        """The layer is in the store: nothing is to be removed at the end."""
        self.present = True
        if self._claim:
            self._claim.detach()
            self.close()

    def close(self) -> None:
        """Remove what is staged, if it was not committed."""
        claim, self._claim = self._claim, None
        if claim:
            claim.__exit__()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


class Claim(Scratch):
    """The directory `name` in tmp/, empty and locked: what is made in it is made by one process or thread at a time.

    Waits for the one that has it; what a dead one left is removed.  `path` may be renamed to where it belongs, then
    `detach`; else the end of the context removes it.
    """

    def __init__(self, tmp: str, name: str) -> None:
        self.path = f"{tmp}/{name}"
        while True:
            try:
                files.make_directories(self.path)
                lock = locks.acquire(self.path)
                assert lock is not None
                self.lock = lock
                if not os.listdir(self.path):
                    return
            except FileNotFoundError:
                continue  # swept, or renamed to where it belongs
            with lock:
                files.remove_tree(self.path)


def _quoted(path: str) -> str:
    """`path` in ASCII, its other bytes and "%" as %XX: names in a layer may be no UTF-8."""
    if path.isascii() and path.isprintable() and "%" not in path:
        return path
    raw = os.fsencode(path)
    return "".join(chr(byte) if 32 <= byte < 127 and byte != 37 else f"%{byte:02X}" for byte in raw)


def _unquoted(text: str) -> str:
    if "%" not in text:
        return text
    first, *rest = text.split("%")
    return os.fsdecode(first.encode() + b"".join(bytes((int(part[:2], 16),)) + part[2:].encode() for part in rest))


def distrust_all(directory: str) -> None:
    """Let no layer below `directory` be relied on that can be applied again: those with a blob."""
    for name in os.listdir(directory):
        path = f"{directory}/{name}/{LAYER_FILE}"
        try:
            meta = jsontext.decode(read_sealed(path, LAYER_FILE), LAYER_FILE)
            if not meta.get("writer"):
                os.unlink(path)
        except (FileNotFoundError, NotADirectoryError, Damaged):
            continue
