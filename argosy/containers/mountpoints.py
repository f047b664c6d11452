"""Why a runtime could not mount what the container is to have: looked for in its tree, after the runtime has failed.

The runtimes say "no such file or directory" of a link that leads nowhere, which sounds as if the command were missing.
"""

from __future__ import annotations

import os
import stat

from argosy.containers import record as records
from argosy.errors import ArgosyError, Invalid
from argosy.linux import paths
from argosy.runtime.oci_runtime import NOT_FOUND, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from argosy.containers.site import Site


def explained(error: ArgosyError, site: Site, container_id: str) -> ArgosyError:
    """The error to raise in place of the runtime's: a better one, or `error` itself where none is found."""
    try:
        config = records.read_bundle(site.run_directory(container_id))
        why = problem(f"{site.state_directory(container_id)}/merged", config["mounts"])
    except (ArgosyError, OSError, LookupError):
        return error
    if not why:
        return error
    words = error.brief.removesuffix(f": {NOT_FOUND}")  # it is no command that is missing
    return Refused(why, details=words, hint="mount it elsewhere, or correct the image")


def problem(root: str, mounts: Iterable[Mapping[str, Any]]) -> str:
    """What keeps one of an OCI specification's `mounts` from its place in the tree `root`; "" when nothing does."""
    root_fd = paths.open_root(root)
    places: list[str] = []
    try:
        for mount in mounts:
            place = os.path.normpath(mount["destination"])
            if not any(place.startswith(f"{above}/") for above in places):
                why = _obstacle(root_fd, place, is_file=_is_file(mount))
                if why:
                    return f"cannot mount at {place} in the container: {why}"
            places.append(place)
    finally:
        os.close(root_fd)
    return ""


def _is_file(mount: Mapping[str, Any]) -> bool:
    """Whether what is mounted is no directory."""
    if mount.get("type") != "bind" and not {"bind", "rbind"} & set(mount.get("options", ())):
        return False
    try:
        return not stat.S_ISDIR(os.stat(mount["source"]).st_mode)
    except OSError:
        return False


def _obstacle(root_fd: int, place: str, *, is_file: bool) -> str:
    names = place.strip("/").split("/")
    for count in range(1, len(names) + 1):
        path = "/" + "/".join(names[:count])
        try:
            plain = paths.stat_in_root(root_fd, path, follow=False).st_mode
        except FileNotFoundError:
            return ""  # the runtime makes what is missing
        except (OSError, Invalid):
            return ""
        is_link = stat.S_ISLNK(plain)
        try:
            mode = paths.stat_in_root(root_fd, path).st_mode
        except OSError as error:
            return f"{path} is a symbolic link that leads nowhere in the image ({error.strerror})" if is_link else ""
        is_last = count == len(names)
        if stat.S_ISDIR(mode) == (is_file and is_last):
            seen = f"a link to {paths.kind(mode)}" if is_link else paths.kind(mode)
            wanted = f", what is to be mounted is {'a file' if is_file else 'a directory'}" if is_last else ""
            return f"{path} is {seen}{wanted}"
    return ""
