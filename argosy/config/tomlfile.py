"""One TOML configuration file, read with a bound and with errors that name the file and the line."""

from __future__ import annotations

import os
import stat
import tomllib

from argosy.errors import ArgosyError, Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
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
    """What to raise for the value at `key` (its tables and its name, with dots); with the line where it can be told."""
    line = _line_of(path, key)
    return Invalid(what, path, f"{key} {why}" + (f" (at line {line})" if line else ""))


def _line_of(path: str, key: str) -> int:
    """The line on which `key` is set last; 0 where it is written in a way that this search does not follow."""
    try:
        with open(path, "rb") as file:
            lines = file.read(_LIMIT).decode(errors="replace").splitlines()
    except OSError:
        return 0
    wanted = _bare(key)
    table = ""
    found = 0
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text.startswith("["):
            table = _bare(text.partition("]")[0].strip("[ "))
            name = table
        else:
            left, equals, _ = text.partition("=")
            name = f"{table}.{_bare(left)}".lstrip(".") if equals and not text.startswith("#") else ""
        if name and (name == wanted or (wanted.startswith(f"{name}.") and "=" in text)):
            found = number
    return found


def _bare(key: str) -> str:
    return key.replace(" ", "").replace('"', "").replace("'", "")
