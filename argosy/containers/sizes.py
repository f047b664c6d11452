"""How much a container takes on disk."""

from __future__ import annotations

import os
import stat

from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.site import Site


class Sizes(Value):
    """`rw_bytes`: the files that the container wrote.  `root_bytes`: those and its image's."""

    rw_bytes: int
    root_bytes: int


def sizes(site: Site, container_id: str, manifest_digest: str) -> Sizes:
    """The sizes of a container and of the image it was made from.  An image that is damaged or gone counts nothing."""
    written = tree_bytes(f"{site.state_directory(container_id)}/upper")
    try:
        image_bytes = site.store.images.get(manifest_digest).size_bytes
    except ArgosyError:
        image_bytes = 0
    return Sizes(written, written + image_bytes)


def tree_bytes(directory: str) -> int:
    """The sizes of the regular files in a tree, each counted once; what cannot be read counts nothing."""
    total = 0
    seen: set[tuple[int, int]] = set()
    waiting = [directory]
    while waiting:
        try:
            entries = os.scandir(waiting.pop())
        except OSError:
            continue
        with entries:
            for entry in entries:
                try:
                    found = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                if stat.S_ISDIR(found.st_mode):
                    waiting.append(entry.path)
                elif stat.S_ISREG(found.st_mode) and (found.st_nlink == 1 or (found.st_dev, found.st_ino) not in seen):
                    seen.add((found.st_dev, found.st_ino))
                    total += found.st_size
    return total
