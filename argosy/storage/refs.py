"""Refs: what a name means.  `refs/<registry>/<repository>/_tags/<tag>` holds the digest of a manifest or an index.

So does `refs/<registry>/<repository>/_digests/<hex>`, for an image that was asked for by digest and has no tag: the
digest in the name may be that of an index, the one in the file is that of the image chosen from it.

No part of a repository's name can be `_tags` or `_digests` (it begins with a letter or digit), nor can a tag begin with
a dot, so that none is ever mistaken for another or for a temporary file.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Invalid
from argosy.linux import files, locks
from argosy.oci import digest as digests
from argosy.oci.reference import Reference, check_tag
from argosy.records.scratch import Scratch
from argosy.records.shelf import Damaged
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.storage.store import Store

TAGS = "_tags"
DIGESTS = "_digests"
_LIMIT = 1024


class AllRefs(Value):
    """All refs, and for each file that could not be read its reference and the error."""

    refs: tuple[tuple[Reference, str], ...]
    damaged: tuple[tuple[Reference, ArgosyError], ...] = ()


class Refs:
    """The refs of a store."""

    def __init__(self, store: Store) -> None:
        self._directory = f"{store.root}/refs"
        self._tmp = store.tmp

    def path(self, reference: Reference) -> str:
        """The file of a reference with a tag or digest.  Raises Invalid unless all its parts are proper file names."""
        parts = (reference.registry, *reference.repository.split("/"))
        for part in parts:
            if not part or part[0] in "._" or "/" in part or not part.isprintable():
                raise Invalid("reference", str(reference), f"{part!r} is not a part of a name")
        if reference.digest and not reference.tag:
            return "/".join((self._directory, *parts, DIGESTS, digests.parse(reference.digest).hex))
        check_tag(reference.tag, str(reference))
        return "/".join((self._directory, *parts, TAGS, reference.tag))

    def lock(self) -> locks.Lock:
        """Hold off whoever else changes names and images together, as a context.

        For "is it still there, then name it" and "has it still no name, then remove it", never while waiting for
        anything.
        """
        while True:
            try:
                lock = locks.acquire(self._directory)
            except FileNotFoundError:
                files.make_directories(self._directory)
                continue
            assert lock is not None
            return lock

    def get(self, reference: Reference) -> str | None:
        """The digest that the name means, None when there is no such name.  Raises Damaged when it is no digest."""
        return _read(self.path(reference), reference)

    def set(self, reference: Reference, digest: str, *, durable: bool = False) -> None:
        """Let the name mean `digest` from now on; `durable`: also after a power cut."""
        path = self.path(reference)
        with Scratch(self._tmp) as scratch:
            fresh = f"{scratch.path}/ref"
            files.write_atomic(fresh, f"{digests.parse(digest)}\n".encode(), durable=durable)
            while True:
                try:
                    os.rename(fresh, path)
                    break
                except FileNotFoundError:
                    # the directory does not exist, or was removed as empty just now
                    _make_parents(os.path.dirname(path))
        if durable:
            self._sync_parents(os.path.dirname(path))

    def _sync_parents(self, path: str) -> None:
        while path.startswith(self._directory):
            files.fsync_directory(path)
            path = os.path.dirname(path)

    def remove(self, reference: Reference) -> bool:
        """Forget the name; false when it was not there."""
        path = self.path(reference)
        try:
            os.unlink(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        self._remove_empty(os.path.dirname(path))
        return True

    def all(self) -> AllRefs:
        """All names and the digests they mean, in order of name."""
        refs: list[tuple[Reference, str]] = []
        damaged: list[tuple[Reference, ArgosyError]] = []
        for reference, path in self.files():
            try:
                digest = _read(path, reference)
            except ArgosyError as error:
                damaged.append((reference, error))
                continue
            if digest is not None:
                refs.append((reference, digest))
        return AllRefs(tuple(refs), tuple(damaged))

    def files(self) -> list[tuple[Reference, str]]:
        """All names and their files, in order of name."""
        found: list[tuple[Reference, str]] = []
        for registry in _names(self._directory):
            self._collect(registry, "", f"{self._directory}/{registry}", found)
        return found

    def _collect(self, registry: str, repository: str, path: str, found: list[tuple[Reference, str]]) -> None:
        for name in _names(path):
            below = f"{path}/{name}"
            if name == TAGS:
                found += [(Reference(registry, repository, tag), f"{below}/{tag}") for tag in _names(below)]
            elif name == DIGESTS:
                known = [digits for digits in _names(below) if len(digits) == 64 and digests.is_hex(digits)]
                found += [(Reference(registry, repository, "", f"sha256:{hex}"), f"{below}/{hex}") for hex in known]
            else:
                self._collect(registry, f"{repository}/{name}" if repository else name, below, found)

    def prune(self) -> None:
        """Remove directories that a killed command left without a tag in them."""
        for path, _, _ in os.walk(self._directory, topdown=False):
            self._remove_empty(path)

    def _remove_empty(self, path: str) -> None:
        """Remove directories that are empty now, upwards."""
        while path != self._directory:
            try:
                os.rmdir(path)
            except OSError:
                return
            path = os.path.dirname(path)


def _read(path: str, reference: Reference) -> str | None:
    try:
        data = files.read(path, _LIMIT)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Damaged(f"reference {reference}", path, error.strerror or str(error)) from error
    try:
        text, newline = data[:-1].decode("ascii"), data[-1:]
        if newline == b"\n":
            return digests.parse(text)
    except (ValueError, Invalid):
        pass
    raise Damaged(f"reference {reference}", path, "the file does not hold a digest")


def _names(path: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(path) if name[0] != ".")
    except (FileNotFoundError, NotADirectoryError):
        return []


def _make_parents(path: str) -> None:
    try:
        files.make_directories(path)
    except FileNotFoundError:
        pass  # a parent was removed as empty between two steps: the caller tries again
