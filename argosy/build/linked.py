"""COPY --link and ADD --link: a layer that is made apart from those below it, and so outlives a change of them.

What is copied goes into an empty tree.  The step depends on that, on the destination and on the owner alone: the same
layer serves on another base.  Links of the base are not followed on the way to the destination, the directories of the
layer take their places.  Directories that were made on the way are undeclared in the layer: where the base has them
they keep its owner and mode (with docker they become root's).
"""

from __future__ import annotations

import os
import posixpath
import stat

from argosy.build import transfer
from argosy.build.working import Working
from argosy.linux import paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from argosy.build.filetree import FileTree, Selected
    from argosy.build.stage import Tools
    from argosy.build.transfer import Prepared


def settled(prepared: Prepared, tree: Callable[[], str]) -> Prepared:
    """With the owner by number: names are looked up in the tree of the stage, which is not asked for else."""
    user, _, group = prepared.chown.partition(":")
    if not prepared.chown or (user.isdecimal() and (not group or group.isdecimal())):
        return prepared
    root_fd = paths.open_root(tree())
    try:
        uid, gid = transfer.owner(prepared.chown, root_fd)
    finally:
        os.close(root_fd)
    return prepared.replace(chown=f"{uid}:{gid}")


def make(tools: Tools, prepared: Prepared, unpack: Callable[[FileTree, Selected], FileTree]) -> str:
    """Make the layer; its diff id.  Raises DockerfileError (without place) and ArgosyError."""
    options = tools.options
    with Working(tools.store, (), tools.id_map) as working:
        root = working.tree()
        used = transfer.carry_out(prepared, root, working.id_map, unpack)
        undeclared = () if prepared.chown else _made_on_the_way(root, used)
        meta = working.commit(tools.work, latest_s=options.latest_s, exact=options.exact_times, undeclared=undeclared)
    return meta.diff_id


def _made_on_the_way(root: str, used: Iterable[str]) -> tuple[str, ...]:
    """Those of the directories which the copies were put into that hold something, relative to the root.

    Each gets the time of its first entry, which it has as well where an archive of the layer is applied.
    """
    found: set[str] = set()
    for path in used:
        names = posixpath.normpath("/" + path).strip("/").split("/")
        found.update("/".join(names[:count]) for count in range(1, len(names) + 1))
    found.discard("")
    root_fd = paths.open_root(root)
    try:
        return tuple(sorted(path for path in sorted(found, reverse=True) if _takes_time(root_fd, path)))
    finally:
        os.close(root_fd)


def _takes_time(root_fd: int, path: str) -> bool:
    try:
        fd = paths.open_in_root(root_fd, path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False  # a link that was copied is on the way
    try:
        names = os.listdir(fd)
        if not names:
            return False
        first = os.stat(min(names, key=os.fsencode), dir_fd=fd, follow_symlinks=False)
        if stat.S_ISSOCK(first.st_mode):
            return False
        os.utime(fd, ns=(first.st_mtime_ns, first.st_mtime_ns))
    finally:
        os.close(fd)
    return True
