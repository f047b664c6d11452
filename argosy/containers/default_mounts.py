"""The copies that mounts.conf asks for: made in the run directory at each start, bound where the file says.

Copies, so that no container can write to the host's files; links are followed, so that what they lead to is there.
Imported when there is such a file.
"""

from __future__ import annotations

import os
import stat

from argosy.config import mountsfile
from argosy.errors import Invalid
from argosy.linux import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_BLOCK = 1 << 20
_DIRECTORY = "default-mounts"


def copy(path: str, directory: str, notice: Callable[[str], None]) -> Mapping[str, str]:
    """Copy what the file `path` names into the run directory; the path of each copy by its place in the container.

    What is not there, or cannot be read, is left out with a notice.  Raises Invalid for a broken file.
    """
    found: dict[str, str] = {}
    parent = f"{directory}/{_DIRECTORY}"
    files.remove_tree(parent)
    os.mkdir(parent, 0o700)
    for number, entry in enumerate(mountsfile.read(path)):
        if not os.path.exists(entry.source):
            notice(f'path "{entry.source}" from "{path}" does not exist, skipping')
            continue
        target = f"{parent}/{number}"
        _Copy(path, notice).copy(entry.source, target)
        if os.path.exists(target):
            found[entry.destination] = target
    return found


class _Copy:
    """One entry's copy."""

    def __init__(self, path: str, notice: Callable[[str], None]) -> None:
        self._path = path
        self._notice = notice
        self._above: list[tuple[int, int]] = []  # the directories that we are in, to see links that lead back

    def copy(self, source: str, target: str) -> None:
        try:
            found = os.stat(source)
            if stat.S_ISDIR(found.st_mode):
                self._directory(source, target, found)
            elif stat.S_ISREG(found.st_mode):
                self._file(source, target, found.st_mode & 0o777)
            else:
                raise Invalid("mounts.conf", self._path, f"{source} is neither a directory nor a regular file")
        except OSError as error:
            self._notice(f'"{source}" from "{self._path}" cannot be copied: {error.strerror}, skipping')

    def _directory(self, source: str, target: str, found: os.stat_result) -> None:
        identity = (found.st_dev, found.st_ino)
        if identity in self._above:
            raise Invalid("mounts.conf", self._path, f"the link {source} leads back to a directory that it is in")
        names = sorted(os.listdir(source))
        os.mkdir(target, 0o700)
        self._above.append(identity)
        for name in names:
            self.copy(f"{source}/{name}", f"{target}/{name}")
        self._above.pop()
        os.chmod(target, found.st_mode & 0o777)

    def _file(self, source: str, target: str, mode: int) -> None:
        with open(source, "rb", buffering=0) as reader, open(target, "xb", buffering=0) as writer:
            while block := reader.read(_BLOCK):
                files.write_all(writer.fileno(), block)
            os.fchmod(writer.fileno(), mode)
