"""containers-mounts.conf(5): what of the host every container gets a copy of, one `SOURCE:DESTINATION` on a line.

Imported when there is such a file.
"""

from __future__ import annotations

import posixpath

from argosy.errors import ArgosyError, Invalid
from argosy.values import Value

_LIMIT = 1 << 20
_KERNEL_PLACES = ("/proc", "/sys", "/dev")


class DefaultMount(Value):
    """A directory or file of the host, and where its copy appears in the container."""

    source: str
    destination: str


def read(path: str) -> tuple[DefaultMount, ...]:
    """The entries of the file at `path`.  Lines that are empty or begin with # say nothing; a path alone is both.

    Raises Invalid that names the file and the line.
    """
    from argosy.linux import files

    try:
        text = files.read_regular(path, _LIMIT).decode()
    except OSError as error:
        raise ArgosyError(f"cannot read {path}", details=str(error.strerror or error)) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise Invalid("mounts.conf", path, f"not UTF-8 (at line {line})") from error
    lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1))
    return tuple(_entry(path, number, line) for number, line in lines if line and line[0] != "#")


def _entry(path: str, number: int, line: str) -> DefaultMount:
    source, _, destination = line.partition(":")
    destination = destination or source
    fault = _fault(source, destination)
    if fault:
        raise Invalid(
            "mounts.conf",
            path,
            f"{line!r} {fault} (at line {number})",
            hint="an entry is SOURCE:DESTINATION, both absolute paths",
        )
    return DefaultMount(source, "/" + posixpath.normpath(destination).lstrip("/"))


def _fault(source: str, destination: str) -> str:
    if source[:1] != "/" or destination[:1] != "/" or ":" in destination:
        return "is not SOURCE:DESTINATION"
    if "\0" in source + destination:
        return "holds a NUL byte"
    place = "/" + posixpath.normpath(destination).lstrip("/")
    if place == "/" or any((place + "/").startswith(root + "/") for root in _KERNEL_PLACES):
        return "would cover the root or one of the kernel's file systems"
    return ""
