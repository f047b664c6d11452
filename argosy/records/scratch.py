"""What is in tmp/: directories that are being made, or deleted; their owner holds the flock on them."""

from __future__ import annotations

import os

from argosy.linux import files, locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self


class Scratch:
    """A new directory in tmp/, locked for as long as it is in use: a free one is garbage to whoever finds it.

    Leaving the context removes it, unless `detach` was called.
    """

    def __init__(self, tmp: str) -> None:
        for tries_left in range(99, -1, -1):
            self.path = f"{tmp}/{os.urandom(16).hex()}"
            try:
                files.make_directories(self.path)
                lock = locks.acquire(self.path)
            except FileNotFoundError:
                if tries_left:
                    continue  # a sweep took it for a dead one's, before we had locked it
                raise  # nothing can be made there: what lies below an overlay was removed
            assert lock is not None
            self.lock = lock
            return

    def detach(self) -> None:
        """Leave the directory to somebody else: the end of the context removes nothing."""
        self.path = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            if self.path:
                files.remove_tree(self.path)
        finally:
            self.lock.release()


class TakenOut:
    """What is at `path`, renamed into tmp/ in one step, and deleted at the end of the context.

    `path` is then where it is now, "" when there was nothing.
    """

    def __init__(self, path: str, tmp: str) -> None:
        self.path = f"{tmp}/{os.urandom(16).hex()}"
        self._lock: locks.Lock | None = None
        files.make_directories(tmp)
        try:
            self._lock = locks.acquire(path, wait=False)  # or else the caller has it; a sweep shall not meddle
            os.rename(path, self.path)
        except FileNotFoundError:
            self.path = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            if self.path:
                files.remove_tree(self.path)
        finally:
            if self._lock:
                self._lock.release()
