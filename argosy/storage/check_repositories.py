"""The part of `system check` that looks at the repositories of the built-in registry and of the cache.

What is damaged in the cache is removed when asked, for it is fetched again; what was pushed to the registry has to be
pushed again, and is only named.
"""

from __future__ import annotations

import os
import time

from argosy.errors import ArgosyError, NotFound
from argosy.linux import files
from argosy.oci import digest as digests
from argosy.storage.check import REPAIR, Finding, entries
from argosy.storage.repositories import CACHED, SERVED, Repositories

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.storage.repositories import Repository
    from argosy.storage.store import Store

# A temporary file older than this belongs to nobody who still writes.
_WRITING_S = 300.0
_PUSH_AGAIN = "push the image again"


def check(store: Store, *, repair: bool) -> Iterator[Finding]:
    """All that is wrong with repositories of either kind."""
    for kind in (SERVED, CACHED):
        repositories = Repositories(store, kind)
        for name in repositories.names():
            try:
                repository = repositories.find(name)
            except NotFound:
                continue
            yield from _leftovers(repository, repair=repair)
            yield from _manifests(store, repository, repair=repair and kind == CACHED, cached=kind == CACHED)
            yield from _tags(repository, repair=repair)


def _leftovers(repository: Repository, *, repair: bool) -> Iterator[Finding]:
    """Half-written files: each change is a file that is written aside and renamed."""
    for directory, _, names in os.walk(repository.path):
        for name in filter(files.is_leftover, names):
            path = f"{directory}/{name}"
            try:
                if time.time() - os.stat(path).st_mtime < _WRITING_S:
                    continue
            except FileNotFoundError:
                continue
            if repair:
                files.unlink_missing(path)
            problem = f"left in repository {repository.name} by a killed command"
            yield Finding("temporary file", name, path, problem, "removed" if repair else "", "" if repair else REPAIR)


def _manifests(store: Store, repository: Repository, *, repair: bool, cached: bool) -> Iterator[Finding]:
    for name in entries(f"{repository.path}/manifests"):
        if name.startswith("."):
            continue
        path = f"{repository.path}/manifests/{name}"
        problem = _fault(store, repository, name)
        if problem:
            if repair:
                files.unlink_missing(path)
            hint = "" if repair else REPAIR if cached else _PUSH_AGAIN
            name = f"{repository.name}@{name.removesuffix('.json')}"
            yield Finding("manifest", name, path, problem, "removed: it is fetched again" if repair else "", hint)


def _fault(store: Store, repository: Repository, name: str) -> str:
    """What is wrong with a manifest's record; "" when nothing is.  Blobs that a client has deleted are no damage."""
    try:
        record = repository.manifest(digests.parse(name.removesuffix(".json")))
        if record is None:
            return ""
        if not store.blobs.has(record.stored):
            return f"its blob {record.stored} is missing"
        linked = [digests.parse(part) for part in record.parts if os.path.exists(f"{repository.path}/blobs/{part}")]
        missing = [part for part in linked if repository.blob(part) is None]
    except ArgosyError as error:
        return error.brief
    return f"{missing[0]}, which it names, is missing" if missing else ""


def _tags(repository: Repository, *, repair: bool) -> Iterator[Finding]:
    for tag in repository.tags():
        path = f"{repository.path}/tags/{tag}"
        try:
            digest = repository.tag(tag)
            if digest is None or os.path.exists(f"{repository.path}/manifests/{digest}.json"):
                continue
            problem = f"it means {digest}, which is not there"
        except ArgosyError as error:
            problem = error.brief
        if repair:
            repository.remove_tag(tag)
        hint = "" if repair else REPAIR
        yield Finding("tag", f"{repository.name}:{tag}", path, problem, "removed" if repair else "", hint)
