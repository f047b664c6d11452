"""--output: an image's files beside the store: a directory, or a tar archive."""

from __future__ import annotations

import os

from argosy.archive import diff
from argosy.build import copying
from argosy.build.filetree import FileTree
from argosy.build.working import Mounted
from argosy.errors import ArgosyError, Invalid
from argosy.linux import paths
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store

STANDARD_OUTPUT = "-"


class Output(Value):
    """Where to: `kind` is "local" or "tar"; a `destination` of "-" is standard output."""

    kind: str
    destination: str


def parse(text: str) -> Output:
    """`DIRECTORY`, `-` for an archive on standard output, or `type=local|tar,dest=PATH`.  Raises Invalid."""
    if "=" not in text:
        return Output("tar" if text == STANDARD_OUTPUT else "local", text)
    fields: dict[str, str] = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if not equals or key not in ("type", "dest"):
            raise Invalid("build output option", text, f'unknown key "{key}": there are type and dest')
        fields[key] = value
    kind, destination = fields.get("type", ""), fields.get("dest", "")
    if kind not in ("local", "tar"):
        raise Invalid("build output option", text, f'the type "{kind}" is neither local nor tar')
    if not destination:
        raise Invalid("build output option", text, "dest is missing")
    if destination == STANDARD_OUTPUT and kind == "local":
        raise Invalid("build output option", text, "only an archive can go to standard output")
    return Output(kind, destination)


def write(store: Store, image: ImageRecord, output: Output) -> None:
    """Write the files.  Raises ArgosyError; an archive that was begun stays as far as it got."""
    with Mounted(store, image.diff_ids) as mounted:
        try:
            if output.kind == "local":
                _directory(mounted.path, output.destination)
            else:
                _archive(mounted.path, output.destination)
        except OSError as error:
            raise ArgosyError(f"cannot write to {output.destination}: {error.strerror}") from error


def _directory(source: str, destination: str) -> None:
    os.makedirs(destination, exist_ok=True)
    target_fd = paths.open_root(destination)
    try:
        with FileTree(source, "the image", keeps_owner=True) as tree:
            (top,) = tree.select(".")
            ownership = copying.Ownership(None, copying.unchanged)
            copying.copy(tree, copying.Placed(top, "/"), target_fd, ownership)
    finally:
        os.close(target_fd)


def _archive(source: str, destination: str) -> None:
    if destination == STANDARD_OUTPUT:
        with open(1, "wb", closefd=False) as file:
            diff.write_archive(source, file.write, layer=False)
        return
    with open(destination, "wb") as file:
        diff.write_archive(source, file.write, layer=False)
