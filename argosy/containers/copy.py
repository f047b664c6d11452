"""Copying files into, out of and between containers, running or not, through whatever is mounted in them.

All paths of containers are looked up from their roots by openat2 (`linux.paths`): nothing that a container does, or
does meanwhile, leads to the host.
"""

from __future__ import annotations

import contextlib
import os
import posixpath

from argosy.containers import view as views
from argosy.errors import ArgosyError, NotFound
from argosy.linux import entries, paths
from argosy.linux.treemerge import Merger, WrongKind
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from argosy.containers.site import Site
    from argosy.containers.view import View
    from argosy.images.archives import Archive
    from argosy.linux.entries import Entry
    from argosy.linux.idmap import IdMap


class CopyOptions(Value):
    """Whom what comes into a container belongs to: its "user", "root", or, with "kept", whom it belonged to.

    `overwrite`: see `Merger`.  Unless `follow`, a link as the source is copied itself.
    """

    owner: str = "user"
    overwrite: bool = False
    follow: bool = True


class Side(Value):
    """One side of a copy: a path of a container, or of the host where `container_id` is "".

    `name` is what the user calls the container.
    """

    path: str
    container_id: str = ""
    name: str = ""

    @property
    def place(self) -> str:
        """For messages."""
        return f"on container {self.name}" if self.container_id else "on the host"

    @property
    def absolute(self) -> str:
        """The path without ".", "..", and slashes at its end."""
        above = "/" if self.container_id else os.getcwd()
        return "/" + posixpath.normpath(posixpath.join(above, self.path)).lstrip("/")

    @property
    def is_content(self) -> bool:
        """Whether it names what is in a directory, and not the directory."""
        return posixpath.basename(self.path) in (".", "..") or (bool(self.container_id) and self.absolute == "/")


class _Open:
    """A side that is open: the root of its look-ups, and the map of its ids."""

    def __init__(self, site: Site, side: Side, root_fd: int, view: View | None) -> None:
        self.side = side
        self.view = view
        self.root_fd = root_fd
        self._site = site
        if view is not None and not view.is_running:
            views.check(view, side.absolute)

    @property
    def id_map(self) -> IdMap | None:
        return None if self.view is None else self.view.record.id_map

    def find(self, *, follow: bool = True) -> Entry:
        """The entry that the path names.  Raises ArgosyError, in podman's words, where its directory is not there."""
        try:
            found = entries.find(
                self.root_fd, self.side.absolute, follow=follow or self.side.path.endswith(("/", "/."))
            )
        except OSError as error:
            raise self.missing(error.strerror) from error
        if found.status is not None and self.side.path.endswith("/") and not found.is_directory:
            found.close()
            raise self.missing("not a directory")
        return found

    def existing(self, *, follow: bool = True) -> Entry:
        """As `find`, for what has to be there."""
        found = self.find(follow=follow)
        if found.status is None:
            found.close()
            raise self.missing()
        return found

    def missing(self, reason: str | None = None) -> ArgosyError:
        what = f'"{self.side.path}" could not be found {self.side.place}'
        return ArgosyError(f"{what}: {(reason or 'no such file or directory').lower()}")

    def owner(self) -> Callable[[tuple[int, int]], tuple[int, int]]:
        """Our ids for those of a file that is copied here with its owner."""
        id_map = self.id_map
        return (lambda ids: ids) if id_map is None else (lambda ids: id_map.to_host(*ids))

    def ids_of(self, who: str) -> tuple[int, int]:
        """Our ids for those of its user, or of its root; on the host both are who we are."""
        if self.view is None:
            return os.geteuid(), os.getegid()
        return self.owner()(views.user_ids(self._site, self.view) if who == "user" else (0, 0))


@contextlib.contextmanager
def _opened(site: Site, *sides: Side) -> Iterator[list[_Open]]:
    """Open all sides; a container that is two of them once, and locks in the order of ids."""
    with contextlib.ExitStack() as stack:
        found: dict[str, View | None] = {"": None}
        roots: dict[str, int] = {}
        for container_id in sorted({side.container_id for side in sides}):
            if container_id:
                view = stack.enter_context(views.View(site, container_id))
                found[container_id], roots[container_id] = view, view.root_fd
            else:
                roots[""] = paths.open_root("/")
                stack.callback(os.close, roots[""])
        yield [_Open(site, side, roots[side.container_id], found[side.container_id]) for side in sides]


def copy(site: Site, source: Side, target: Side, options: CopyOptions) -> None:
    """Copy a file or directory.  Raises ArgosyError in podman's words for what is not there, or cannot go there."""
    with _opened(site, source, target) as (start, end):
        with start.existing(follow=options.follow) as found, end.find() as place:
            _check_target(end, found, place)
            merger = _merger(site, start, end, options)
            with _explained(target, place):
                copied = _carry_out(source, found, place, merger, name=posixpath.basename(_real_name(start, found)))
        if not copied:
            where = "container" if source.container_id else "host"
            raise ArgosyError(f"copying from {where}: copier: get: copied no items: no such file or directory")


@contextlib.contextmanager
def _explained(target: Side, place: Entry) -> Iterator[None]:
    """Says in podman's words why the copying failed, with whole paths."""
    where = "container" if target.container_id else "host"
    above = target.absolute if place.is_directory else posixpath.dirname(target.absolute)
    try:
        yield
    except WrongKind as error:
        path = posixpath.join(above, error.path)
        error.brief = f'copying to {where}: copier: put: error creating "{path}": {error.action} {path}: file exists'
        error.hint = "--overwrite replaces it"
        raise
    except OSError as error:
        name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
        what = f"copying to {where}: {posixpath.join(above, name)}"
        raise ArgosyError(f"{what}: {str(error.strerror).lower()}") from error


def _real_name(start: _Open, found: Entry) -> str:
    return found.name if found.name != "." else start.side.absolute


def _carry_out(source: Side, found: Entry, place: Entry, merger: Merger, *, name: str) -> bool:
    """Copy the entry to its place; False when it is of a kind that is not copied."""
    if not place.is_directory:
        return merger.entry(found.directory, found.name, place.directory, place.name)
    with _directory(place) as target:
        if found.is_directory and (source.is_content or not name):
            with _directory(found) as content:
                merger.content(content, target)
            return True
        return merger.entry(found.directory, found.name, target, name)


@contextlib.contextmanager
def _directory(entry: Entry) -> Iterator[int]:
    """A descriptor of the directory that the entry is."""
    fd = os.open(entry.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=entry.directory)
    try:
        yield fd
    finally:
        os.close(fd)


def _check_target(end: _Open, found: Entry, place: Entry) -> None:
    """Raise ArgosyError where the source cannot go to the place."""
    if place.status is None:
        if end.side.path.endswith("/"):
            raise end.missing()
        return
    if not end.side.container_id and not place.is_directory and not place.is_file:
        raise ArgosyError(f'invalid destination: "{end.side.absolute}" must be a directory or a regular file')
    if found.is_directory and not place.is_directory:
        raise ArgosyError("destination must be a directory when copying a directory")


def _merger(site: Site, start: _Open, end: _Open, options: CopyOptions) -> Merger:
    """What copies from one side to the other."""
    inside, outside = start.id_map, end.owner()

    def kept(status: os.stat_result) -> tuple[int, int]:
        ids = status.st_uid, status.st_gid
        return outside(ids if inside is None else inside.seen_inside(*ids))

    chosen = end.ids_of(options.owner)
    keeps = bool(end.side.container_id) and options.owner == "kept"
    return Merger(
        kept if keeps else lambda _status: chosen,
        overwrite=options.overwrite,
        devices=bool(end.side.container_id) and not start.side.container_id and not site.namespace.rootless,
        lenient_owners=site.store.id_map.is_single(),
    )


def write_archive(site: Site, source: Side, write: Callable[[bytes], object], *, follow: bool = True) -> None:
    """Write what is at a path of a container as a tar archive, in pieces."""
    from argosy.archive import diff as archives

    with _opened(site, source) as (start,), start.existing(follow=follow) as found:
        single = site.store.id_map.is_single()
        if found.is_directory and source.is_content:
            with _directory(found) as content:
                place = f"/proc/self/fd/{content}/."
                archives.write_archive(place, write, layer=False, id_map=start.id_map, single=single)
            return
        place = f"/proc/self/fd/{found.directory}/."
        if not archives.write_entry(place, found.name, write, id_map=start.id_map, single=single):
            raise ArgosyError("copying from container: copier: get: copied no items: no such file or directory")


def extract(site: Site, target: Side, archive: Archive, options: CopyOptions) -> None:
    """Put what is in a tar archive, compressed or not, into a directory of a container.

    It is unpacked aside, by a process of its own, and only a whole one is copied.  Raises ArgosyError for no archive.
    """
    from argosy.archive.tarwriter import BLOCK
    from argosy.images import extract as archives
    from argosy.records.scratch import Scratch

    with _opened(site, target) as (end,), end.find() as place:
        if not place.is_directory:
            raise ArgosyError("destination must be a directory when copying from stdin")
    head = archive.read_head(BLOCK)
    if not archives.is_archive(head):
        raise ArgosyError("source must be a (compressed) tar archive when copying from stdin")
    with Scratch(site.store.tmp) as scratch:
        directory = f"{scratch.path}/content"
        os.mkdir(directory, 0o700)
        archives.extract(site.store, directory, head, archive.read, archive.name)
        copy(site, Side(f"{directory}/."), target, options)


def find(site: Site, name: str) -> str:
    """The id of the container with this name or id.  Raises ArgosyError in podman's words."""
    try:
        return site.store.containers.find(name)
    except NotFound as error:
        raise ArgosyError(f'container "{name}" does not exist') from error
