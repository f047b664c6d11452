"""Where COPY, ADD and bind mounts take their files from: the context, other stages, images, URLs, repositories."""

from __future__ import annotations

import contextlib
import os
import posixpath

from argosy.build import git, plan, unpacking
from argosy.build.dockerfile import instructions as tree
from argosy.build.dockerfile.errors import DockerfileError
from argosy.build.dockerfile.ignore import Ignore
from argosy.build.filetree import FileTree
from argosy.build.transfer import Piece
from argosy.build.working import Mounted
from argosy.errors import ArgosyError
from argosy.oci import digest as digests
from argosy.storage.chains import chain_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from argosy.build.dockerfile.instructions import Dockerfile, Transfer
    from argosy.build.dockerfile.scopes import Scope
    from argosy.build.filetree import Selected
    from argosy.build.options import BuildOptions, Secret
    from argosy.build.plan import Source
    from argosy.oci.platform import Platform
    from argosy.storage.store import Store

_URLS = ("http://", "https://")
_DOWNLOAD_MODE = 0o600


class Sources:
    """The sources of one stage; use it as a context.  What it opens stays open until the end of the stage.

    `layers_of` gives the layers of another stage, waiting for it, or of an image, pulling it.
    """

    def __init__(
        self,
        store: Store,
        dockerfile: Dockerfile,
        stage: int,
        options: BuildOptions,
        environ: Mapping[str, str],
        layers_of: Callable[[Source, Platform], tuple[str, ...]],
        platform: Platform,
    ) -> None:
        self._store = store
        self._dockerfile = dockerfile
        self._stage = stage
        self._options = options
        self._environ = environ
        self._layers_of = layers_of
        self._platform = platform
        self._stack = contextlib.ExitStack()
        self._trees: dict[Source, FileTree] = {}
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._trees.clear()
        self._stack.close()

    def named(self, name: str) -> Source:
        """What a name behind `from` means; "" is the context."""
        if not name:
            return plan.Source("context", "")
        return plan.find_source(self._dockerfile, name, self._stage, frozenset(self._options.contexts))

    def layers(self, source: Source) -> tuple[str, ...] | None:
        """The layers that a source consists of; None for a directory."""
        if source.kind == "context":
            image = self._options.contexts[source.name].image if source.name else ""
            return self._layers_of(plan.Source("image", image), self._platform) if image else None
        return self._layers_of(source, self._platform)

    def directory(self, source: Source) -> str:
        """The directory of a context."""
        if source.name:
            return self._options.contexts[source.name].directory
        if not self._options.context:
            raise DockerfileError("there is no build context: nothing can be taken from it")
        return self._options.context

    def files(self, source: Source) -> FileTree:
        """The files of a source."""
        if source not in self._trees:
            layers = self.layers(source)
            if layers is None:
                name = f"the context {source.name}" if source.name else "the build context"
                ignore = Ignore(self._options.ignore) if not source.name else None
                found = FileTree(self.directory(source), name, ignore=ignore)
            else:
                mounted = self._stack.enter_context(Mounted(self._store, layers))
                found = FileTree(mounted.path, source.name, keeps_owner=True, content=chain_id(layers))
            self._trees[source] = self._stack.enter_context(found)
        return self._trees[source]

    def pieces(self, instruction: Transfer, scope: Scope, directory: str) -> tuple[Piece, ...]:
        """All that an instruction takes; downloads go into new directories in `directory`."""
        texts = [scope.expand(text).text for text in instruction.sources]
        found: list[Piece] = []
        if isinstance(instruction, tree.Copy):
            files = self.files(self.named(instruction.source_from))
            for text in texts:
                above, pivot, _ = text.partition("/./") if instruction.parents else ("", "", "")
                selected = tuple(files.select(text.replace("/./", "/") if pivot else text))
                kept = posixpath.normpath("/" + above).lstrip("/") if pivot else ""
                found.append(Piece(text, files, selected, kept=kept))
        elif isinstance(instruction, tree.Add):
            if instruction.checksum and len(texts) + len(instruction.contents) > 1:
                raise DockerfileError("checksum can't be specified for multiple sources")
            for text in texts:
                found += self._added(instruction, text, scope, f"{directory}/add-{self._new()}")
        for heredoc in instruction.contents:
            text = scope.expand(heredoc.text, quotes_are_text=True).text if heredoc.expands else heredoc.text
            found.append(Piece(heredoc.name, data=text.encode("utf-8", "surrogateescape")))
        return tuple(found)

    def _new(self) -> int:
        self._count += 1
        return self._count

    def _added(self, instruction: tree.Add, text: str, scope: Scope, directory: str) -> list[Piece]:
        if git.is_repository(text):
            return [self._repository(instruction, text, scope, directory)]
        if text.startswith(_URLS):
            return [self._download(instruction, text, scope, directory)]
        files = self.files(self.named(""))
        found = []
        for selected in files.select(text):
            self._check(instruction, files, selected, scope)
            packed = instruction.unpack is not False and unpacking.is_archive(files, selected)
            found.append(Piece(text, files, (selected,), archive=packed))
        return found

    def _repository(self, instruction: tree.Add, text: str, scope: Scope, directory: str) -> Piece:
        repository = git.parse(text)
        wanted = scope.expand(instruction.checksum).text
        if wanted:
            repository = repository.replace(checksum=git.checked_commit(wanted))
        top = git.clone(repository, directory, keep_git=instruction.keep_git_dir)
        files = self._stack.enter_context(FileTree(top, text))
        return Piece(text, files, tuple(files.select(".")))

    def _download(self, instruction: tree.Add, url: str, scope: Scope, directory: str) -> Piece:
        from argosy.images import archives

        name = posixpath.basename(url.partition("?")[0].partition("#")[0])
        if not name:
            raise DockerfileError(f"cannot determine filename from url: {url}")
        os.mkdir(directory, 0o700)
        path = f"{directory}/{name}"
        secrets = _authorization(url, self._options.secrets)
        with (
            archives.open_archive(url, self._store.root, self._environ, secrets) as archive,
            open(path, "xb", opener=_private) as file,
        ):
            while chunk := archive.read():
                file.write(chunk)
        os.utime(path, (_seconds(archive.last_modified),) * 2)
        files = self._stack.enter_context(FileTree(directory, url))
        (selected,) = files.select(name.replace("\\", "\\\\"))
        self._check(instruction, files, selected, scope)
        return Piece(name, files, (selected,), archive=instruction.unpack is True)

    @staticmethod
    def _check(instruction: tree.Add, files: FileTree, selected: Selected, scope: Scope) -> None:
        """Raise ArgosyError where a checksum was given, and is not that of the file."""
        wanted = scope.expand(instruction.checksum).text
        if not wanted:
            return
        expected = digests.parse(wanted, "checksum")
        hasher = digests.hasher(expected.algorithm)
        fd = files.open(selected.path, os.O_RDONLY)
        try:
            while chunk := os.read(fd, 1 << 20):
                hasher.update(chunk)
        finally:
            os.close(fd)
        if hasher.hexdigest() != expected.hex:
            raise ArgosyError(
                f"the checksum of {selected.written} is not what was given",
                details=f"expected {expected}, got {expected.algorithm}:{hasher.hexdigest()}",
            )

    def unpacked(self, files: FileTree, selected: Selected, directory: str) -> FileTree:
        """The content of an archive, for as long as the stage lasts."""
        found = unpacking.unpack(self._store, files, selected, f"{directory}/unpacked-{self._new()}")
        return self._stack.enter_context(found)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, _DOWNLOAD_MODE)


def _authorization(url: str, secrets: Mapping[str, Secret]) -> dict[str, str]:
    """What the secrets HTTP_AUTH_HEADER_HOST and HTTP_AUTH_TOKEN_HOST hold for the host of the URL."""
    from argosy.registry import urls

    host = str(urls.origin_of(url))  # as the request finds it: no other host is to get them
    for prefix, kind in (("HTTP_AUTH_HEADER_", ""), ("HTTP_AUTH_TOKEN_", "Bearer ")):
        name = f"{prefix}{host}"
        secret = secrets.get(name)
        if secret is None:
            continue
        from argosy.build.run import secret_data

        data = secret_data(name, secret.path, secret.variable).decode("utf-8", "replace").strip()
        if not (data.isascii() and data.isprintable()):
            raise ArgosyError(f"secret {name}: it holds characters that no header can have")
        return {"Authorization": f"{kind}{data}"}
    return {}


def _seconds(http_date: str) -> int:
    """The time that a server says, in seconds since 1970; 0 where it says none, as with docker."""
    if not http_date:
        return 0
    from email.utils import parsedate_to_datetime

    try:
        return max(0, int(parsedate_to_datetime(http_date).timestamp()))
    except (ValueError, OverflowError):
        return 0
