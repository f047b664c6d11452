"""The first filling of a volume: what the image has where the volume is mounted, copied with all its metadata.

The source belongs to whoever made the image: `linux.treecopy` says what it must bear.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, shown
from argosy.linux import files, paths
from argosy.linux.treecopy import TreeCopier

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.linux.idmap import IdMap


def fill(
    directory: str, data: str, merged: str, destination: str, *, content: bool, id_map: IdMap | None = None
) -> bool:
    """Give the empty `data` what is at `destination` in the tree `merged`; a `data` that has content is left alone.

    `content` False copies owner and mode only.  With `id_map` owners are the ids inside for those of `merged`.  The
    copy is made beside `data`, in `directory`, and renamed over it.  Raises ArgosyError when there is no room for it.
    False when there is nothing at `destination`.
    """
    if os.listdir(data):
        return True
    root_fd = paths.open_root(merged)
    try:
        source_fd = paths.open_in_root(root_fd, destination, os.O_PATH | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return False
    finally:
        os.close(root_fd)
    copy = f"{directory}/.filling~"
    try:
        files.remove_tree(copy)
        os.mkdir(copy, 0o700)
        _copy(source_fd, copy, content=content, id_map=id_map)
        os.rename(copy, data)
    except OSError as error:
        files.remove_tree(copy)
        raise ArgosyError(
            f"cannot fill the volume at {destination} with what the image has there",
            details=f"{shown(os.fsdecode(error.filename))}: {error.strerror}"
            if error.filename
            else str(error.strerror),
            hint="make room with `argosy system prune`, or mount it with the option nocopy",
        ) from error
    except BaseException:
        files.remove_tree(copy)
        raise
    finally:
        os.close(source_fd)
    return True


def fill_in_place(data: str, merged: str, destination: str, *, id_map: IdMap | None = None) -> None:
    """As `fill`, for a directory that something is mounted at, which nothing can be renamed over."""
    if os.listdir(data):
        return
    root_fd = paths.open_root(merged)
    try:
        source_fd = paths.open_in_root(root_fd, destination, os.O_PATH | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return
    finally:
        os.close(root_fd)
    try:
        _copy(source_fd, data, content=True, id_map=id_map)
    except OSError as error:
        what = f"cannot fill the volume at {destination} with what the image has there"
        raise ArgosyError(what, details=str(error), hint="mount it with the option nocopy") from error
    finally:
        os.close(source_fd)


def _copy(source_fd: int, copy: str, *, content: bool, id_map: IdMap | None) -> None:
    target_fd = os.open(copy, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        copier = TreeCopier(source_fd, target_fd, id_map=id_map)
        copier.tree() if content else copier.metadata("")
    finally:
        os.close(target_fd)
