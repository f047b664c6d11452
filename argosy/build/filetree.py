"""A tree of files that COPY, ADD and bind mounts take from: a context, a stage, an image, an unpacked archive.

Every path is seen from the tree's own root, whatever links it holds: nothing outside is ever reached, also when the
tree is changed meanwhile.  What the ignore patterns hide is not there.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat

from argosy.build.dockerfile.errors import near
from argosy.build.dockerfile.ignore import Ignore
from argosy.errors import ArgosyError, shown
from argosy.linux import paths, syscalls
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_BENEATH = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_SYMLINKS
_GLOB_MARKS = frozenset("*?[\\")


class Selected(Value):
    """A source that was found.  `written` is how it was asked for, `path` where it is once links are followed."""

    written: str
    path: str
    is_directory: bool


class Found(Value):
    """A file or directory below a selected source; `inner` is its path from there, "" for the source itself."""

    path: str
    inner: str
    status: os.stat_result

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.status.st_mode)


class _Level:
    """A directory on the way; one that is ignored itself is told as soon as something in it is."""

    def __init__(self, found: Found, entries: Iterator[Found], *, told: bool) -> None:
        self.entries = entries
        self.told = told
        self._found = found

    def tell(self) -> Found:
        self.told = True
        return self._found


class FileTree:
    """An open tree; use it as a context.  `keeps_owner`: what is copied keeps the owner that it has here.

    `name` is for messages.  `content` names all that is in it, where a digest does ("" where files must be read).
    """

    def __init__(
        self, directory: str, name: str, *, ignore: Ignore | None = None, keeps_owner: bool = False, content: str = ""
    ) -> None:
        self.name = name
        self.directory = directory
        self.keeps_owner = keeps_owner
        self.content = content
        self._ignore = ignore if ignore is not None else Ignore(())
        self.root_fd = paths.open_root(directory)
        self._root = os.readlink(f"/proc/self/fd/{self.root_fd}")

    def close(self) -> None:
        fd, self.root_fd = self.root_fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def select(self, pattern: str, *, follow: bool = True) -> list[Selected]:
        """What a source of COPY means: one path, or those that a pattern fits, sorted.  Raises ArgosyError for none."""
        written = posixpath.normpath("/" + pattern).lstrip("/") or "."
        if not _GLOB_MARKS.isdisjoint(written):
            names = sorted(self._matches(written.split("/")), key=os.fsencode)
        else:
            names = [written]
        found = [one for name in names if (one := self._find(name, follow=follow)) is not None]
        if not found:
            raise self._missing(pattern, written)
        return found

    def open(self, path: str, flags: int) -> int:
        """Open what is at a path of the tree, links followed."""
        return paths.open_in_root(self.root_fd, path, flags)

    def open_directory(self, path: str) -> int:
        """Open a directory whose path holds no link, as those of `walk`."""
        return syscalls.openat2(self.root_fd, path or ".", _DIRECTORY, 0, _BENEATH)

    def walk(self, selected: Selected, excludes: Ignore | None = None) -> Iterator[Found]:
        """The source and all below it that is not ignored, a directory before what is in it, names sorted.

        A directory that is ignored itself comes when something in it does not.
        """
        path = "" if selected.path == "." else selected.path
        top = Found(path, "", self._status(path))
        if not top.is_directory:
            if not (excludes and excludes.ignores(posixpath.basename(selected.written))):
                yield top
            return
        yield top
        levels = [_Level(top, self._entries(top), told=True)]
        while levels:
            found = next(levels[-1].entries, None)
            if found is None:
                levels.pop()
                continue
            ignored = self._hides(found, excludes)
            if not ignored:
                yield from (level.tell() for level in levels if not level.told)
                yield found
            if found.is_directory and (not ignored or self._has_exceptions(excludes)):
                levels.append(_Level(found, self._entries(found), told=not ignored))

    def _hides(self, found: Found, excludes: Ignore | None) -> bool:
        return self._ignore.ignores(found.path) or bool(excludes and excludes.ignores(found.inner))

    def _has_exceptions(self, excludes: Ignore | None) -> bool:
        return self._ignore.has_exceptions or bool(excludes and excludes.has_exceptions)

    def _entries(self, above: Found) -> Iterator[Found]:
        fd = self.open_directory(above.path)
        try:
            names = sorted(os.listdir(fd), key=os.fsencode)
            statuses = [os.stat(name, dir_fd=fd, follow_symlinks=False) for name in names]
        finally:
            os.close(fd)
        for name, status in zip(names, statuses, strict=True):
            inner = f"{above.inner}/{name}" if above.inner else name
            yield Found(f"{above.path}/{name}" if above.path else name, inner, status)

    def _status(self, path: str) -> os.stat_result:
        return paths.stat_in_root(self.root_fd, path or ".", follow=False)

    def _find(self, written: str, *, follow: bool) -> Selected | None:
        try:
            fd = paths.open_in_root(self.root_fd, written, os.O_PATH | (0 if follow else os.O_NOFOLLOW))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                return None
            raise ArgosyError(f"cannot read {shown(written)} of {self.name}: {error.strerror}") from error
        try:
            real = os.readlink(f"/proc/self/fd/{fd}")
            is_directory = stat.S_ISDIR(os.fstat(fd).st_mode)
        finally:
            os.close(fd)
        path = real.removeprefix(self._root).lstrip("/") or "."
        if path != "." and self._ignore.ignores(path) and not (is_directory and self._ignore.has_exceptions):
            return None
        return Selected(written, path, is_directory)

    def _matches(self, parts: Sequence[str], above: str = "") -> Iterator[str]:
        """The paths that a pattern fits, part by part; `**` is any number of directories."""
        part, rest = parts[0], parts[1:]
        try:
            fd = paths.open_in_root(self.root_fd, above or ".", os.O_RDONLY | os.O_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            return
        try:
            names = os.listdir(fd)
        finally:
            os.close(fd)
        if part == "**":
            if rest:
                yield from self._matches(rest, above)
            for name in names:
                path = f"{above}/{name}" if above else name
                if not rest:
                    yield path
                elif stat.S_ISDIR(self._status(path).st_mode):
                    yield from self._matches(parts, path)
            return
        fits = Ignore((part,))
        for name in names:
            if name == part or fits.ignores(name):
                path = f"{above}/{name}" if above else name
                if rest:
                    yield from self._matches(rest, path)
                else:
                    yield path

    def _missing(self, pattern: str, written: str) -> ArgosyError:
        directory, name = posixpath.split(written)
        try:
            fd = paths.open_in_root(self.root_fd, directory or ".", os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            names: list[str] = []
        else:
            names = os.listdir(fd)
            os.close(fd)
        if name in names and not self._ignore.ignores(written) and stat.S_ISLNK(self._status(written).st_mode):
            return ArgosyError(f"{shown(pattern)} of {self.name} is a link to something that is not in it")
        if name in names:
            return ArgosyError(
                f"{shown(pattern)} is not in {self.name}: it is excluded", hint="look at the patterns in .dockerignore"
            )
        if not _GLOB_MARKS.isdisjoint(written):
            return ArgosyError(f"nothing in {self.name} fits {shown(pattern)}: no source files were specified")
        return ArgosyError(f"{shown(pattern)} is not in {self.name}: no such file or directory{near(name, names)}")
