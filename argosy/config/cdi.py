"""The files of the Container Device Interface, in the directories of cdi_spec_dirs in containers.conf."""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_SUFFIXES = (".json", ".yaml", ".yml")
_LIMIT = 4 << 20


def read(directories: Sequence[str]) -> tuple[list[list[tuple[str, object]]], list[str]]:
    """The documents with their paths, the strongest directory (the last one) first; and what is wrong with others.

    A broken file keeps nobody from the devices of the others, as the specification has it.
    """
    found: list[list[tuple[str, object]]] = []
    problems: list[str] = []
    for directory in reversed(directories):
        documents: list[tuple[str, object]] = []
        try:
            names = sorted(name for name in os.listdir(directory) if name.endswith(_SUFFIXES))
        except (FileNotFoundError, NotADirectoryError):
            names = []
        except OSError as error:
            problems.append(f"{directory}: {str(error.strerror).lower()}")
            names = []
        for name in names:
            path = f"{directory}/{name}"
            try:
                documents.append((path, _document(path)))
            except (ArgosyError, OSError) as error:
                problems.append(f"{path}: {getattr(error, 'strerror', '') or error}")
        found.append(documents)
    return found, problems


def _document(path: str) -> object:
    """What the file holds.  Raises ArgosyError where it is neither JSON nor, by its name, YAML."""
    from argosy.linux import files

    data = files.read_regular(path, _LIMIT)
    if path.endswith(".json"):
        return jsontext.decode(data, path)
    from argosy.config import yamlfile

    return yamlfile.parse(data, path, "CDI file")
