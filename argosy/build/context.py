"""The context of a build and its Dockerfile: a directory, standard input, an archive or a file at a URL, a repository.

What is fetched lies in a directory of tmp/, which goes with the `Context`.  A Dockerfile is looked up inside its
context, so that a link in a fetched one leads nowhere else.
"""

from __future__ import annotations

import os
import stat

from argosy.archive import compression
from argosy.build import git
from argosy.build.dockerfile import ignore, lexer
from argosy.errors import ArgosyError
from argosy.images import archives
from argosy.images.unpack import Applier, Unpacker
from argosy.linux import files, paths, process
from argosy.records.scratch import Scratch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Self

    from argosy.storage.store import Store

NAMES = ("Containerfile", "Dockerfile")
_IGNORE_FILES = (".containerignore", ".dockerignore")
_STDIN = "-"
_HEAD_BYTES = 1024
_MAGIC_AT = 257
_CHUNK_BYTES = 1 << 20
_IGNORE_LIMIT = 16 << 20


class Context:
    """An open context; use it as a context manager.  `directory` is "" where there is none."""

    def __init__(self, store: Store, environ: Mapping[str, str], text: str, *, has_file: bool) -> None:
        self._store = store
        self._environ = environ
        self._scratch: Scratch | None = None
        self._dockerfile: bytes | None = None
        self._is_local = False
        self.directory = ""
        try:
            self._open(text, has_file=has_file)
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        scratch, self._scratch = self._scratch, None
        if scratch is not None:
            scratch.__exit__()

    def _open(self, text: str, *, has_file: bool) -> None:
        if text == _STDIN or archives.is_url(text):
            if git.is_repository(text):
                self.directory = git.clone(git.parse(text), self._fresh("context"))
                return
            with archives.open_archive(text, self._store.root, self._environ) as archive:
                self._read(archive)
        elif git.is_repository(text):
            self.directory = git.clone(git.parse(text), self._fresh("context"))
        elif text:
            self._local(text, has_file=has_file)

    def _local(self, text: str, *, has_file: bool) -> None:
        """A directory; a file is a Dockerfile without a context, as with podman."""
        path = os.path.realpath(text)
        if os.path.isfile(path) and not has_file:
            self._dockerfile = _read_file(path)
            path = os.path.dirname(path)
        if not os.path.isdir(path):
            raise ArgosyError(f'context must be a directory: "{os.path.abspath(text)}"')
        self.directory = path
        self._is_local = True

    def _fresh(self, name: str) -> str:
        if self._scratch is None:
            self._scratch = Scratch(self._store.tmp)
        return f"{self._scratch.path}/{name}"

    def _read(self, archive: archives.Archive) -> None:
        """A tar archive is the context, anything else a Dockerfile."""
        head = archive.read_head(_HEAD_BYTES)
        kind = compression.detect(head)
        if kind == "none" and head[_MAGIC_AT : _MAGIC_AT + 5] != b"ustar":
            parts = [head]
            size = len(head)
            while (chunk := archive.read()) and size <= lexer.SIZE_LIMIT:
                parts.append(chunk)
                size += len(chunk)
            self._dockerfile = b"".join(parts)
            return
        self.directory = self._fresh("context")
        os.mkdir(self.directory, 0o755)
        with Unpacker(kind, Applier(self._store, self.directory)) as unpacker:
            chunk = head
            while chunk:
                unpacker.put(chunk)
                chunk = archive.read()
            unpacker.finish()

    def dockerfile(self, named: Sequence[str], cpp_flags: Sequence[str] = ()) -> tuple[bytes, str]:
        """The Dockerfile's bytes and its name for messages: those that were named, joined, or the context's own."""
        if not named:
            if self._dockerfile is not None:
                return self._dockerfile, "Dockerfile"
            return self._default()
        parts = [self._named(name, cpp_flags) for name in named]
        return b"\n".join(parts), named[0] if named[0] != _STDIN else "Dockerfile"

    def _default(self) -> tuple[bytes, str]:
        for name in NAMES:
            data = self._inside(name)
            if data is not None:
                return data, name
        place = self.directory or "the context"
        raise ArgosyError(
            "no Containerfile or Dockerfile specified or found in context directory, "
            f"{place}: no such file or directory",
            hint="name it with --file",
        )

    def _named(self, name: str, cpp_flags: Sequence[str]) -> bytes:
        if name == _STDIN:
            with open(0, "rb", closefd=False) as stdin:
                return stdin.read(lexer.SIZE_LIMIT + 1)
        if archives.is_url(name):
            with archives.open_archive(name, self._store.root, self._environ) as archive:
                return archive.read_head(lexer.SIZE_LIMIT + 1)
        data: bytes | None = None
        if self._is_local or not self.directory:
            data = _on_host(name)
        if data is None:
            data = self._inside(name)
        if data is None:
            raise ArgosyError(f"stat {os.path.abspath(name)}: no such file or directory", hint="see --file")
        return _preprocessed(data, name, cpp_flags) if name.endswith(".in") else data

    def _inside(self, name: str) -> bytes | None:
        """A file of the context; links are followed within it.  None where there is none."""
        if not self.directory:
            return None
        root_fd = paths.open_root(self.directory)
        try:
            return paths.read_in_root(root_fd, name, lexer.SIZE_LIMIT)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise ArgosyError(f"cannot read {name}: {error.strerror}") from error
        finally:
            os.close(root_fd)

    def ignore_patterns(self, ignorefile: str, dockerfile: str) -> tuple[str, ...]:
        """The patterns of --ignorefile, of the one that belongs to the Dockerfile, or of the context's."""
        if ignorefile:
            try:
                return tuple(ignore.read(files.read(ignorefile, _IGNORE_LIMIT)))
            except OSError as error:
                raise ArgosyError(f"cannot read {ignorefile}: {error.strerror}") from error
        if not self.directory:
            return ()
        own = self._relative(dockerfile)
        for name in (*(own + suffix for suffix in _IGNORE_FILES if own), *_IGNORE_FILES):
            data = self._inside(name)
            if data is not None:
                return tuple(ignore.read(data))
        return ()

    def _relative(self, dockerfile: str) -> str:
        """The Dockerfile's path inside the context; "" for one outside."""
        if not self._is_local:
            return dockerfile
        path = os.path.realpath(dockerfile if os.path.exists(dockerfile) else f"{self.directory}/{dockerfile}")
        below = os.path.relpath(path, self.directory)
        return "" if below.startswith("..") else below


def _on_host(name: str) -> bytes | None:
    """A file, or the Dockerfile in a directory; None where there is none."""
    for path in (f"{name}/{usual}" for usual in NAMES) if os.path.isdir(name) else (name,):
        if os.path.exists(path):
            return _read_file(path)
    return None


def _read_file(path: str) -> bytes:
    try:
        if stat.S_ISREG(os.stat(path).st_mode):
            return files.read_regular(path, lexer.SIZE_LIMIT + 1)
        with open(path, "rb") as stream:  # a pipe of the shell's, as in -f <(make-dockerfile)
            return stream.read(lexer.SIZE_LIMIT + 1)
    except OSError as error:
        raise ArgosyError(f"cannot read {path}: {error.strerror}") from error


def _preprocessed(data: bytes, name: str, flags: Iterable[str]) -> bytes:
    """A file whose name ends with .in goes through the C preprocessor, as with podman."""
    program = process.find_program("cpp")
    if program is None:
        raise ArgosyError(f"cannot preprocess {name}: cpp is not installed", hint="install the C preprocessor, cpp")
    words = [program, "-E", "-iquote", os.path.dirname(os.path.abspath(name)), "-traditional", "-undef", *flags, "-"]
    done = process.run(words, input=data, check=False)
    if done.returncode:
        message = done.stderr.decode("utf-8", "replace").strip()
        raise ArgosyError(f"cannot preprocess {name}", details=message)
    return b"\n".join(line for line in done.stdout.split(b"\n") if not line.startswith(b"# "))
