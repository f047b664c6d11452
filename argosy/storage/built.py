"""Layers that were made here: a tree becomes a layer without an archive, and an archive again when one is wanted.

The digest is that of the canonical archive (`archive.tarwriter`), which is hashed while it is written to nowhere.  The
same writer gives the same bytes from the tree at any later time; layer.json has its version.
"""

from __future__ import annotations

import os
import threading

from argosy.archive import diff, tarwriter
from argosy.errors import ArgosyError, Invalid, NotFound
from argosy.oci import digest as digests
from argosy.records.shelf import Damaged
from argosy.storage.layers import LayerMeta

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from argosy.storage.store import Store
    from argosy.storage.work import Work

_CHUNK_BYTES = 1 << 20
_ROOT_MODE = 0o755


def commit(
    store: Store,
    work: Work,
    upper: str,
    *,
    latest_s: int | None = None,
    exact: bool = False,
    undeclared: tuple[str, ...] = (),
) -> LayerMeta:
    """Make a layer of an overlay's upper directory, which is moved into the store; who filled it has ended.

    No file keeps a later time than `latest_s`, in seconds (SOURCE_DATE_EPOCH); with `exact` each gets that very one.
    Directories that are `undeclared` are root's with mode 0755, and give way to those of layers below.
    The caller called `store.unstable.begin()` before the first byte was written, and lets the layer settle; `work`
    keeps it until then.  The directory is gone when this returns.
    """
    if latest_s is not None:
        _set_times(upper, latest_s, exact=exact)
    if store.driver == "fuse_overlay":
        from argosy.storage.drivers import markers

        markers.settle(upper, store.xattrs)
    meta = describe(upper, single=store.id_map.is_single(), undeclared=undeclared)
    work.pin(meta.diff_id)
    with store.layers.stage(meta.diff_id) as staged:
        if not staged.present:
            _plain_root(upper)
            os.rmdir(staged.path)
            os.rename(upper, staged.path)
            store.layers.commit(staged, meta)
            return meta
    from argosy.linux import files

    files.remove_tree(upper)
    return meta


def describe(tree: str, *, single: bool = False, undeclared: tuple[str, ...] = ()) -> LayerMeta:
    """What layer.json would say of a tree, its digest among it; the rest as `write_archive` has it."""
    hasher = digests.hasher()
    size_bytes = 0

    def take(data: bytes) -> None:
        nonlocal size_bytes
        hasher.update(data)
        size_bytes += len(data)

    written = diff.write_archive(tree, take, layer=True, single=single, undeclared=undeclared)
    return LayerMeta(
        diff_id=f"sha256:{hasher.hexdigest()}",
        size_bytes=size_bytes,
        entries=written.entries,
        undeclared=undeclared,
        whiteout_directories=written.whiteout_directories,
        writer=tarwriter.WRITER_VERSION,
        single=single,
    )


def can_write(store: Store, diff_id: str) -> bool:
    """Whether the layer's archive can be written from its tree."""
    try:
        return store.layers.meta(diff_id).writer == tarwriter.WRITER_VERSION
    except (NotFound, Damaged, Invalid):
        return False


def _plain_root(upper: str) -> None:
    """Owner, mode and attributes of a root are in no archive: a layer that was pulled has these."""
    os.chown(upper, 0, 0)
    os.chmod(upper, _ROOT_MODE)
    for name in os.listxattr(upper):
        if name.startswith(("user.", "security.")) and not name.startswith("user.overlay."):
            os.removexattr(upper, name)


def _set_times(tree: str, latest_s: int, *, exact: bool) -> None:
    latest_ns = latest_s * 1_000_000_000
    pending = [tree]
    while pending:
        directory = pending.pop()
        with os.scandir(directory) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                if exact or status.st_mtime_ns > latest_ns:
                    os.utime(entry.path, ns=(latest_ns, latest_ns), follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)


class LayerStream:
    """A `BlobStream` of a built layer's archive: a thread writes it from the tree into a pipe.

    Its bytes have the layer's digest unless the tree was changed, which who reads them finds out.
    """

    def __init__(self, store: Store, diff_id: str, offset: int = 0) -> None:
        self.offset = 0
        self._error: BaseException | None = None
        self._reader, self._writer = os.pipe()
        self._thread = threading.Thread(target=self._write, args=(store, diff_id), daemon=True)
        self._thread.start()
        while self.offset < offset:
            if not self.read(min(_CHUNK_BYTES, offset - self.offset)):
                raise ArgosyError(f"layer {diff_id} is shorter than {offset} bytes")

    def _write(self, store: Store, diff_id: str) -> None:
        try:
            with open(self._writer, "wb", buffering=_CHUNK_BYTES) as pipe:
                meta = store.layers.meta(diff_id)
                tree = store.layers.path(diff_id)
                diff.write_archive(tree, pipe.write, layer=True, single=meta.single, undeclared=meta.undeclared)
        except BrokenPipeError:
            pass  # nobody reads any more
        except BaseException as error:  # noqa: BLE001 -- raised again in the thread that reads
            self._error = error

    def read(self, size: int = _CHUNK_BYTES) -> bytes:
        """At most `size` bytes; b"" at the end."""
        data = os.read(self._reader, size) if self._reader >= 0 else b""
        if not data:
            self._thread.join()
            if self._error is not None:
                raise self._error
        self.offset += len(data)
        return data

    def close(self) -> None:
        """Let the thread end.  May be called twice."""
        fd, self._reader = self._reader, -1
        if fd >= 0:
            os.close(fd)
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read():
            yield block
