"""What is known of uploads that have begun: so that one blob goes to a repository once, and a killed upload goes on.

    <directory>/<sha256 of registry, repository and digest>     the upload's URL; its flock is held by who sends

Another process that wants the same blob there waits, and finds it.  A note that nobody holds is of an upload whose
process died: the registry is asked how far it came.
"""

from __future__ import annotations

import os

from argosy.linux import files, locks
from argosy.oci import digest as digests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

_URL_LIMIT = 16 << 10


class Uploads:
    """The notes in `directory`, which is made when it is needed and should not outlive a reboot."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def claim(self, name: str) -> Claim | NoClaim:
        """Be the one that sends the blob `name` (registry, repository and digest), as a context.  May wait long.

        Where no notes can be taken, nobody waits for anybody.
        """
        try:
            return self._claim(name)
        except OSError:
            return NoClaim()

    def _claim(self, name: str) -> Claim:
        path = f"{self._directory}/{digests.of_bytes(name.encode()).hex}"
        files.make_directories(self._directory)
        lock = locks.acquire(path, wait=False, create=True)
        waited = lock is None
        if lock is None:
            lock = locks.acquire(path, create=True)
        assert lock is not None
        return Claim(path, lock, waited=waited)


class Claim:
    """The right to send one blob.  `url` is where an earlier process was sending it, "" for none.

    `waited` says that another process may have sent it meanwhile.
    """

    def __init__(self, path: str, lock: locks.Lock, *, waited: bool) -> None:
        self.waited = waited
        self._path = path
        self._lock = lock
        self.url = os.pread(lock.fd, _URL_LIMIT, 0).decode(errors="replace")

    def remember(self, url: str) -> None:
        """The upload goes on at this URL."""
        if url != self.url:
            self._note(url if len(url) < _URL_LIMIT else "")
        self.url = url

    def forget(self) -> None:
        """There is nothing to go on with."""
        self._note("")
        self.url = ""

    def _note(self, text: str) -> None:
        """Write the file anew, which stays the one that is locked."""
        fd = os.open(self._path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if not self.url:
            files.unlink_missing(self._path)
        self._lock.release()


class NoNotes:
    """Uploads that nobody takes notes of."""

    def claim(self, _name: str) -> NoClaim:
        """The right to send, at once."""
        return NoClaim()


class NoClaim:
    """A claim that is kept nowhere."""

    waited = False

    def __init__(self) -> None:
        self.url = ""

    def remember(self, url: str) -> None:
        """Until the process ends."""
        self.url = url

    def forget(self) -> None:
        """As `Claim.forget`."""
        self.url = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing is held."""
