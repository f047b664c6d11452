"""All modules of Argosy from one file, for a shorter start.

Python finds, opens and reads a file for each module, which takes a third of the time that importing what `run` needs
takes.  `tools/bundle.py` writes the code of all modules into one file; the launcher puts a `Bundle` in front of the
finders of Python.  A module whose source has another time or size than was written down is left to those.
"""

from __future__ import annotations

import marshal
import os
import sys
from _frozen_importlib import ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import TypeAlias

    # Path below the directory of the package, whether it is a package, time and size of the source, place of the code.
    Entry: TypeAlias = tuple[str, bool, int, int, int, int]

_LENGTH_BYTES = 8
_STANDARD_ERROR = 2


def path(root: str) -> str:
    """Where the bundle of the package below `root` is, for this version of Python."""
    return f"{root}/argosy/__pycache__/bundle.{sys.implementation.cache_tag}"


def use(root: str) -> None:
    """From now on import from the bundle of the package below `root`, if there is one."""
    try:
        fd = os.open(path(root), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    if fd <= _STANDARD_ERROR:  # a standard stream is closed, whose place this must not take
        import fcntl

        closed, fd = fd, fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _STANDARD_ERROR + 1)
        os.close(closed)
    try:
        length = int.from_bytes(os.read(fd, _LENGTH_BYTES), "little")
        table = marshal.loads(os.read(fd, length))  # noqa: S302 -- as trusted as Python's own byte code beside it
    except (OSError, ValueError, EOFError, TypeError, OverflowError, MemoryError):
        os.close(fd)
        return
    sys.meta_path.insert(0, Bundle(root, fd, table))


def write(root: str, modules: dict[str, tuple[str, bool, bytes]]) -> None:
    """Write the bundle: for each module its path below `root`, whether it is a package, and its source."""
    table: dict[str, Entry] = {}
    codes: list[bytes] = []
    offset = 0
    for name, (file, package, source) in modules.items():
        found = os.stat(f"{root}/{file}")
        code = marshal.dumps(compile(source, f"{root}/{file}", "exec", dont_inherit=True))
        table[name] = (file, package, found.st_mtime_ns, found.st_size, offset, len(code))
        codes.append(code)
        offset += len(code)
    head = marshal.dumps(table)
    unfinished = f"{path(root)}.{os.getpid()}"
    os.makedirs(os.path.dirname(unfinished), exist_ok=True)
    with open(unfinished, "wb") as target:
        target.write(len(head).to_bytes(_LENGTH_BYTES, "little") + head)
        target.writelines(codes)
    os.rename(unfinished, path(root))


class Bundle:
    """A finder and loader as importlib wants them.  Keeps the file open, since it may be replaced meanwhile."""

    def __init__(self, root: str, fd: int, table: dict[str, Entry]) -> None:
        self._root = root
        self._fd = fd
        self._table = table
        self._start = os.lseek(fd, 0, os.SEEK_CUR)

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """Where the module is, if it is here and its source has not changed."""
        entry = self._table.get(name)
        if entry is None:
            return None
        origin = f"{self._root}/{entry[0]}"
        try:
            found = os.stat(origin)
        except OSError:
            return None
        if found.st_mtime_ns != entry[2] or found.st_size != entry[3]:
            return None
        spec = ModuleSpec(name, self, origin=origin, is_package=entry[1])  # type: ignore[arg-type]
        spec.has_location = True
        if entry[1]:
            spec.submodule_search_locations = [origin.rpartition("/")[0]]
        return spec

    def create_module(self, _spec: ModuleSpec) -> None:
        """Nothing special."""

    def exec_module(self, module: ModuleType) -> None:
        """Fill the module."""
        entry = self._table[module.__name__]
        code = marshal.loads(os.pread(self._fd, entry[5], self._start + entry[4]))  # noqa: S302 -- see `use`
        exec(code, module.__dict__)  # noqa: S102 -- what an import is
