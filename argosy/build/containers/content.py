"""`copy` and `add`: files of the host, of an image or of another container, into a working container."""

from __future__ import annotations

import contextlib
import os

from argosy.build import configure, transfer, unpacking
from argosy.build.containers import record as records
from argosy.build.containers.record import Tree
from argosy.build.content import FileDigests
from argosy.build.dockerfile import instructions as tree
from argosy.build.dockerfile.ignore import Ignore
from argosy.build.dockerfile.scopes import Scope
from argosy.build.filetree import FileTree
from argosy.build.options import BuildOptions
from argosy.build.sources import Sources
from argosy.build.transfer import Piece, Prepared
from argosy.build.working import Mounted
from argosy.errors import ArgosyError, NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.build.containers.record import WorkingRecord
    from argosy.build.executor import Site
    from argosy.build.plan import Source
    from argosy.linux.idmap import IdMap
    from argosy.oci.platform import Platform
    from argosy.records.shelf import Shelf

_NOTHING = Scope({}, {}, {}, {})
_NO_DOCKERFILE = tree.Dockerfile("", ())


class Transfer(Value):
    """What is to be copied.  With `adds`, archives are unpacked, and URLs and repositories can be sources.

    `source_from` names a container or an image, "" for the host; `context` is the directory that the sources are in,
    "" for the whole host, whose paths are then seen from the working directory.  `told` adds it to the history.
    """

    sources: tuple[str, ...]
    destination: str = ""
    adds: bool = False
    source_from: str = ""
    context: str = ""
    ignore: tuple[str, ...] = ()
    chown: str = ""
    chmod: str = ""
    told: bool = False


def _carry_out(root: str, id_map: IdMap | None, prepared: Prepared, sources: Sources, directory: str) -> None:
    """Copy all of it into the mounted tree."""
    transfer.carry_out(prepared, root, id_map, lambda files, selected: sources.unpacked(files, selected, directory))


def _layers_of(_source: Source, _platform: Platform) -> tuple[str, ...]:
    raise ArgosyError("there are no stages here")


class _Copy:
    """One transfer; what it opens stays open until the end of the context."""

    def __init__(self, site: Site, shelf: Shelf, wanted: Transfer, record: WorkingRecord, directory: str) -> None:
        self._site = site
        self._shelf = shelf
        self._wanted = wanted
        self._record = record
        self._directory = directory
        self._stack = contextlib.ExitStack()
        options = BuildOptions(_NO_DOCKERFILE, context=wanted.context or "/", ignore=wanted.ignore)
        platform = record.platform
        self.sources = self._stack.enter_context(
            Sources(site.store, _NO_DOCKERFILE, 0, options, site.environ, _layers_of, platform)
        )

    def __enter__(self) -> _Copy:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def prepare(self) -> Prepared:
        """Find the sources.  Raises ArgosyError for one that is not there."""
        wanted = self._wanted
        pieces = self._from_elsewhere() if wanted.source_from else self._from_host()
        memory = FileDigests(f"{self._site.store.root}/buildcache/.files")
        digest = transfer.digest_of(pieces, memory, None, {})
        return Prepared(
            pieces=pieces,
            destination=self._destination(pieces),
            chown=wanted.chown,
            chmod=wanted.chmod,
            excludes=(),
            parents=False,
            digest=digest,
            kind=transfer.kind_of(pieces),
            files={},
        )

    def _destination(self, pieces: tuple[Piece, ...]) -> str:
        """Where it goes: the working directory where nothing is said; for several sources a directory."""
        text = self._wanted.destination
        path = configure.directory(self._record.config, text)
        several = sum(len(piece.selected) or 1 for piece in pieces) > 1
        return f"{path.rstrip('/')}/" if several or not text or text.endswith(("/", "/.")) or text == "." else path

    def _from_host(self) -> tuple[Piece, ...]:
        wanted = self._wanted
        texts = [self._seen(text) for text in wanted.sources]
        if wanted.adds:
            quoted = tuple("'" + text.replace("'", "'\\''") + "'" for text in texts)
            instruction = tree.Add(0, 0, "", "ADD", sources=quoted)
            return self.sources.pieces(instruction, _NOTHING, self._directory)
        ignore = Ignore(wanted.ignore) if wanted.ignore else None
        name = wanted.context or "the host"
        files = self._stack.enter_context(FileTree(wanted.context or "/", name, ignore=ignore))
        return tuple(Piece(text, files, tuple(files.select(text))) for text in texts)

    def _seen(self, text: str) -> str:
        """A source as it is seen from the root of the tree: relative ones begin in the working directory."""
        remote = self._wanted.adds and (text.startswith(("http://", "https://", "git@")) or "://" in text)
        return text if remote or self._wanted.context else os.path.abspath(text)

    def _from_elsewhere(self) -> tuple[Piece, ...]:
        """From a container, else an image; what comes from there belongs to root as well, as with buildah."""
        wanted = self._wanted
        store = self._site.store
        root = ""
        try:
            other = records.find(self._shelf, wanted.source_from)
        except NotFound:
            found = self._site.find_image(wanted.source_from, self._record.platform, "missing")
            root = self._stack.enter_context(Mounted(store, found.record.diff_ids)).path
        else:
            if other.id == self._record.id:
                root = f"{self._shelf.path(other.id)}/merged"  # mounted by now, and locked
            else:
                root = self._stack.enter_context(Tree(store, self._shelf, other, shared=True))
        files = self._stack.enter_context(FileTree(root, wanted.source_from))
        pieces = []
        for text in wanted.sources:
            for selected in files.select(text):
                packed = wanted.adds and unpacking.is_archive(files, selected)
                pieces.append(Piece(text, files, (selected,), archive=packed))
        return tuple(pieces)


def transfer_files(site: Site, shelf: Shelf, record: WorkingRecord, wanted: Transfer) -> str:
    """Copy it; the digest of what was copied, in hexadecimal."""
    with Tree(site.store, shelf, record, shared=False) as root, site.store.work() as work:
        with _Copy(site, shelf, wanted, record, work.path) as copy:
            prepared = copy.prepare()
            _carry_out(root, record.id_map, prepared, copy.sources, work.path)
        if wanted.told:
            _tell(shelf, record, prepared, adds=wanted.adds)
    return prepared.digest


def _tell(shelf: Shelf, record: WorkingRecord, prepared: Prepared, *, adds: bool) -> None:
    words = f"/bin/sh -c #(nop) {'ADD' if adds else 'COPY'} {prepared.kind}:{prepared.digest} "
    records.write(shelf, records.told(records.read(shelf, record.id), words))
