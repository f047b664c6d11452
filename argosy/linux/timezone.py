"""Time zones of the host: files below /usr/share/zoneinfo, or the one that the host itself is in ("local")."""

from __future__ import annotations

import os

from argosy.errors import ArgosyError
from argosy.linux import files

ZONES = "/usr/share/zoneinfo"
LOCAL = "/etc/localtime"
_LIMIT_BYTES = 1 << 20


def read(name: str, zones: str = ZONES) -> bytes:
    """The zone's file, as localtime(5) wants it.  Raises ArgosyError in podman's words where there is none."""
    path = os.path.realpath(LOCAL) if name == "local" else os.path.normpath(f"{zones}/{name}")
    if name != "local" and not path.startswith(f"{zones}/"):
        raise _missing(f"{zones}/{name}", "no such file or directory")
    try:
        data = files.read(path, _LIMIT_BYTES)
    except OSError as error:
        raise _missing(path, str(error.strerror).lower()) from error
    if not data.startswith(b"TZif"):
        raise _missing(path, "not a time zone (tzfile(5))")
    return data


def _missing(path: str, why: str) -> ArgosyError:
    return ArgosyError(
        f"running container create option: stat {path}: {why}",
        hint=f'--tz takes "local" or the name of a file below {ZONES}',
    )
