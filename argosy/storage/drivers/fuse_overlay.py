"""fuse-overlayfs: for kernels and file systems on which a user cannot mount an overlay.

One process per mount, which ends when that is unmounted.
"""

from __future__ import annotations

import os

from argosy.errors import Unsupported
from argosy.linux import mounts, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "fuse-overlayfs"
# What would split a path: the program knows no way to quote it.
_SPECIAL = frozenset(":,\\")


class FuseOverlay:
    """`program` is the path of fuse-overlayfs, "" for the one that is found."""

    def __init__(self, program: str) -> None:
        self._program = program

    def mount(
        self,
        merged: str,
        lowers: Sequence[str],
        upper: str,
        work: str,
        *,
        volatile: bool,
        label: str = "",
        data: str = "",  # noqa: ARG002 -- see Driver.mount
    ) -> None:
        """As `Driver.mount` says."""
        if not lowers:
            mounts.bind(upper, merged, recursive=False)
            return
        if ":" in upper:
            why = f"{PROGRAM} cannot change files below {upper}: there is a colon in the path"
            raise Unsupported(why, hint="move the store to another place")
        options = ("volatile",) if volatile else ()
        if label:
            options = (*options, f'context="{label}"')
        self._start(merged, lowers, {"upperdir": upper, "workdir": work}, options)

    def mount_readonly(self, target: str, lowers: Sequence[str], *, data: str = "") -> None:  # noqa: ARG002
        """As `Driver.mount_readonly` says."""
        if lowers:
            self._start(target, lowers, {}, ("ro",))

    def _start(self, target: str, lowers: Sequence[str], upper: dict[str, str], options: tuple[str, ...]) -> None:
        program = self._program or process.find_program(PROGRAM)
        if program is None:
            raise Unsupported(
                f"the storage driver needs {PROGRAM}", hint=f"install {PROGRAM}, see `argosy doctor fuse`"
            )
        handles: list[int] = []
        try:
            words = ["lowerdir=" + ":".join([_plain(lower, handles) for lower in lowers])]
            words += [f"{key}={_plain(path, handles)}" for key, path in upper.items()]
            argv = [program, "-o", ",".join((*words, *options)), target]
            process.run(argv, pass_fds=handles)
        finally:
            for handle in handles:
                os.close(handle)


def _plain(path: str, handles: list[int]) -> str:
    """`path`, or where it has a character that means something in options, a descriptor's name for it.

    The program resolves the name before anything else, and the descriptor is passed to it.
    """
    if not _SPECIAL.intersection(path):
        return path
    handles.append(os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
    return f"/proc/self/fd/{handles[-1]}"
