"""COPY and ADD: from what is written to what is copied, with the digest of it all for the step's key."""

from __future__ import annotations

import contextlib
import os
import posixpath

from argosy.build import configure, content, copying
from argosy.build.copying import Ownership, Placed
from argosy.build.dockerfile import instructions as tree
from argosy.build.dockerfile.errors import DockerfileError
from argosy.build.dockerfile.ignore import Ignore
from argosy.build.filetree import FileTree
from argosy.errors import Invalid
from argosy.linux import paths
from argosy.oci import digest as digests
from argosy.spec import users
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.build.content import FileDigests
    from argosy.build.dockerfile.instructions import Transfer
    from argosy.build.dockerfile.scopes import Scope
    from argosy.build.filetree import Selected
    from argosy.linux.idmap import IdMap
    from argosy.oci.imageconfig import ContainerConfig

_ACCOUNTS_LIMIT = 1 << 20
_FILE_MODE = 0o644


class Piece(Value):
    """One source: what it is called, and the tree with the places in it, or the bytes of a heredoc or a download.

    `archive` marks files whose content is unpacked; `kept` is what --parents leaves out in front of the paths.
    """

    name: str
    tree: FileTree | None = None
    selected: tuple[Selected, ...] = ()
    data: bytes = b""
    mode: int = _FILE_MODE
    archive: bool = False
    kept: str = ""


class Prepared(Value):
    """A COPY or ADD whose sources are at hand.  `digest` covers all that is copied; `kind` is file, dir or multi."""

    pieces: tuple[Piece, ...]
    destination: str
    chown: str
    chmod: str
    excludes: tuple[str, ...]
    parents: bool
    digest: str
    kind: str
    files: dict[str, str]  # what the digest says of files, by their paths

    @property
    def key(self) -> dict[str, str]:
        """What the step's result depends on, besides the steps before."""
        return {
            "what is copied": self.digest,
            "the destination": self.destination,
            "--chown": self.chown,
            "--chmod": self.chmod,
            "--exclude": "\n".join(self.excludes),
            "--parents": str(self.parents),
        }


def prepare(
    instruction: Transfer,
    pieces: tuple[Piece, ...],
    config: ContainerConfig,
    scope: Scope,
    memory: FileDigests,
) -> Prepared:
    """Expand the rest of the instruction, and take the digest.  Raises DockerfileError, without place."""
    destination = scope.expand(instruction.destination).text
    if not destination:
        raise DockerfileError("the destination is empty")
    excludes = tuple(scope.expand(text).text for text in instruction.excludes)
    hidden = _excludes(excludes)
    parents = isinstance(instruction, tree.Copy) and instruction.parents
    told: dict[str, str] = {}
    digest = digest_of(pieces, memory, hidden, told, parents=parents)
    absolute = configure.directory(config, destination)
    return Prepared(
        pieces=pieces,
        destination=f"{absolute.rstrip('/')}/" if destination.endswith(("/", "/.", ".")) else absolute,
        chown=scope.expand(instruction.chown).text,
        chmod=scope.expand(instruction.chmod).text,
        excludes=excludes,
        parents=parents,
        digest=digest,
        kind=kind_of(pieces),
        files=told,
    )


def digest_of(
    pieces: tuple[Piece, ...],
    memory: FileDigests,
    hidden: Ignore | None,
    told: dict[str, str],
    *,
    parents: bool = False,
) -> str:
    """The digest of all that is copied, in hexadecimal; `told` gets what it says of files."""
    parts = []
    for piece in pieces:
        if piece.tree is None:
            parts.append(f"{piece.name}\0{piece.mode:o}\0{digests.of_bytes(piece.data).hex}")
            continue
        for selected in piece.selected:
            written = selected.written.removeprefix(piece.kept) if parents else posixpath.basename(selected.written)
            found = piece.tree.content and f"{piece.tree.content}/{selected.path}"
            found = found or content.of_entries(piece.tree, piece.tree.walk(selected, hidden), memory, told)
            parts.append(f"{'' if selected.is_directory and not parents else written}\0{piece.archive}\0{found}")
    return digests.of_bytes("\n".join(parts).encode("utf-8", "surrogateescape")).hex


def kind_of(pieces: tuple[Piece, ...]) -> str:
    selected = [one for piece in pieces for one in piece.selected]
    if len(selected) + sum(piece.tree is None for piece in pieces) > 1:
        return "multi"
    return "dir" if selected and selected[0].is_directory else "file"


def _excludes(patterns: tuple[str, ...]) -> Ignore | None:
    try:
        return Ignore(patterns) if patterns else None
    except Invalid as error:
        raise DockerfileError(str(error)) from None


def carry_out(
    prepared: Prepared, root: str, id_map: IdMap | None, unpack: Callable[[FileTree, Selected], FileTree]
) -> tuple[str, ...]:
    """Copy everything into the mounted tree `root`, which is under the map; the directories that it was put into.

    Raises DockerfileError (without place) and ArgosyError.  `unpack` gives the content of an archive.
    """
    mode = chmod(prepared.chmod)
    root_fd = paths.open_root(root)
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, root_fd)
        chosen = owner(prepared.chown, root_fd) if prepared.chown else None
        hidden = _excludes(prepared.excludes)
        several = sum(len(piece.selected) or 1 for piece in prepared.pieces) > 1
        if (
            several
            and not prepared.destination.endswith("/")
            and not copying.is_directory(root_fd, prepared.destination)
        ):
            why = (
                "when using COPY or ADD with more than one source, the destination must be a directory and end with a /"
            )
            raise DockerfileError(why)
        used: list[str] = []
        for piece in prepared.pieces:
            keeps = piece.tree is not None and piece.tree.keeps_owner and not prepared.chown
            ownership = Ownership(None if keeps else chosen or (0, 0), mode, id_map)
            if piece.tree is None:
                path = prepared.destination
                if path.endswith("/") or copying.is_directory(root_fd, path):
                    path = posixpath.join(path, piece.name)
                copying.write_file(root_fd, path, piece.data, ownership, piece.mode)
                used.append(posixpath.dirname(path))
                continue
            if piece.archive:
                used.append(prepared.destination)
                _unpack(piece.tree, piece.selected, prepared, root_fd, Ownership(chosen, mode, id_map), unpack)
                continue
            for placed in copying.place(
                piece.selected, prepared.destination, root_fd, parents=prepared.parents, kept=piece.kept
            ):
                copying.copy(piece.tree, placed, root_fd, ownership, hidden)
                used.append(placed.target if placed.source.is_directory else posixpath.dirname(placed.target))
    return tuple(used)


def _unpack(
    files: FileTree,
    archives: tuple[Selected, ...],
    prepared: Prepared,
    root_fd: int,
    ownership: Ownership,
    unpack: Callable[[FileTree, Selected], FileTree],
) -> None:
    """What is in archives goes into the destination, with its owners unless others were chosen."""
    for archive in archives:
        content_tree = unpack(files, archive)
        (top,) = content_tree.select(".")
        copying.copy(content_tree, Placed(top, prepared.destination), root_fd, ownership)


def owner(text: str, root_fd: int) -> tuple[int, int]:
    """The ids that --chown names, looked up in the stage's own account files.  A user alone is his group as well."""
    user, colon, group = text.partition(":")
    found = users.resolve(
        f"{user}:{group}" if colon and group else f"{user}:{user}" if user.isdecimal() else user,
        _account_file(root_fd, "/etc/passwd"),
        _account_file(root_fd, "/etc/group"),
    )
    return found.uid, found.gid


def _account_file(root_fd: int, path: str) -> bytes:
    try:
        return paths.read_in_root(root_fd, path, _ACCOUNTS_LIMIT)
    except (FileNotFoundError, NotADirectoryError):
        return b""


def chmod(text: str) -> copying.ModeChange:
    """What --chmod makes of a mode: octal digits, or `u=rwX,go=rX` as chmod(1) has it.  Raises DockerfileError."""
    if not text:
        return copying.unchanged
    if not text.strip("01234567"):
        number = int(text, 8)
        if number > 0o7777:
            raise DockerfileError(
                f"invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777"
            )
        return lambda _mode, _is_directory: number
    from argosy.build import symbolic

    return symbolic.parse(text)
