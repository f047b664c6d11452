"""Work: what a command relies on while it has not yet finished what will keep it alive.

tmp/<random>/pins     digests, one a line: blobs, layers, chains and images alike; the flock on the directory is held
"""

from __future__ import annotations

import os

from argosy.linux import files
from argosy.records.scratch import Scratch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from argosy.storage.store import Store

PINS = "pins"


class Work(Scratch):
    """A directory of one's own in tmp/ (`path`, for temporary files) and the pins.

    Entering sweeps what dead processes have left.  The end removes the directory and the pins; what was put into the
    store meanwhile and is not stable on disk yet is then left to a helper process.
    """

    def __init__(self, store: Store, digests: Iterable[str] = ()) -> None:
        from argosy.storage import sweep

        sweep.sweep(store)
        self._store = store
        super().__init__(store.tmp)
        self._pins = -1
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._pins = os.open(f"{self.path}/{PINS}", flags, 0o600)
            self.pin(*digests)
        except BaseException:
            self._close()
            raise

    def pin(self, *digests: str) -> None:
        """Keep these from now on, be they there already or not.

        A collection that has begun is waited for: whether something *is* there must be looked at after this returns.
        """
        if digests:
            with self._store.collection_lock():
                files.write_all(self._pins, "".join(f"{digest}\n" for digest in digests).encode())

    def settle(self) -> None:
        """Make all that this process has put into the store stable on disk, before a reference to it is written."""
        self._store.unstable.settle()

    def __exit__(self, *_error: object) -> None:
        try:
            self._store.unstable.settle_later()
        finally:
            self._close()

    def _close(self) -> None:
        if self._pins >= 0:
            os.close(self._pins)
        super().__exit__()
