"""One TOML configuration file, read with a bound and with errors that name the file and the line."""

from __future__ import annotations

import os
import re
import stat
import tomllib

from argosy.errors import ArgosyError, Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_LIMIT = 1 << 20


def read(path: str, what: str) -> dict[str, Any]:
    """The tables of the file at `path`; `what` is the kind of file, for errors ("containers.conf").

    /dev/null is a file without settings, as scripts name it.  Raises Invalid with the line when it is not TOML,
    ArgosyError when it cannot be read.
    """
    if path == os.devnull:
        return {}
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise Invalid(what, path, "it is not a regular file")
            data = file.read(_LIMIT + 1)
    except OSError as error:
        raise unreadable(path, error) from error
    if len(data) > _LIMIT:
        raise Invalid(what, path, "it is larger than 1 MiB")
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Invalid(what, path, f"not UTF-8 (at line {line})") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Invalid(what, path, str(error)) from error


def present(path: str) -> bool:
    """Whether something is at `path`.  What cannot be told (a loop of links, a closed directory) is an error."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise unreadable(path, error) from error
    return True


def unreadable(path: str, error: OSError) -> ArgosyError:
    return ArgosyError(f"cannot read {path}", details=str(error.strerror))


def fault(what: str, path: str, key: str, why: str) -> Invalid:
    """What to raise for the value at `key` (its tables and its name, with dots); with the line where it can be told.

    In a key, `mirror#1` is the second of the tables [[mirror]]; messages leave the number out.
    """
    return Invalid(what, path, f"{without_numbers(key)} {why}{at_line(path, key)}")


def without_numbers(key: str) -> str:
    """A key as it is written in the file."""
    return re.sub(r"#\d+", "", key)


def at_line(path: str, key: str) -> str:
    """ " (at line N)", where `key` or the table that it would be in is set last; "" where this search does not find it,
    because it is written in a way of TOML's that is rare.
    """
    try:
        with open(path, "rb") as file:
            lines = file.read(_LIMIT).decode(errors="replace").splitlines()
    except OSError:
        return ""
    wanted = _bare(key)
    best, found = "", 0
    for number, name in _names(lines):
        if "#" not in wanted:
            name = without_numbers(name)
        if (name == wanted or wanted.startswith((f"{name}.", f"{name}#"))) and len(name) >= len(best):
            best, found = name, number
    return f" (at line {found})" if found else ""


def _names(lines: list[str]) -> Iterator[tuple[int, str]]:
    """The tables and keys that the lines begin with, in full, with the numbers of those lines."""
    table = ""
    counts: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        text = line.strip()
        left, equals, _ = text.partition("=")
        if text.startswith("[["):
            table = _numbered(_bare(text.partition("]")[0].strip("[ ")), counts, new=True)
            yield number, table
        elif text.startswith("["):
            table = _numbered(_bare(text.partition("]")[0].strip("[ ")), counts, new=False)
            yield number, table
        elif equals and not text.startswith("#"):
            yield number, f"{table}.{_bare(left)}".lstrip(".")


def _numbered(name: str, counts: dict[str, int], *, new: bool) -> str:
    """`name` with the numbers of the arrays of tables it is in; `counts` has how many of each there are."""
    parts = name.split(".")
    full = ""
    for position, part in enumerate(parts):
        full = f"{full}.{part}".lstrip(".")
        if new and position == len(parts) - 1:
            counts[full] = counts.get(full, 0) + 1
        if full in counts:
            full = f"{full}#{counts[full] - 1}"
    return full


def _bare(key: str) -> str:
    return key.replace(" ", "").replace('"', "").replace("'", "")
