"""What flags, STORAGE_OPTS and storage.conf say of the store that is about to be opened.  Imported where they do."""

from __future__ import annotations

from argosy.config import storage
from argosy.storage import shared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from argosy.linux.userns import Namespace


def settings(
    environ: Mapping[str, str],
    namespace: Namespace,
    options: Sequence[str] | None,
    *,
    transient: bool | None,
    from_file: bool,
) -> tuple[dict[str, Any], str, tuple[str, ...]]:
    """What `Store.open` is to be called with, the program for its mounts, and the words that say the same again.

    `options` are those of --storage-opt, None where it was not given; `from_file`: those of storage.conf count.
    """
    conf = storage.load(environ, uid=namespace.uid, rootless=namespace.rootless) if from_file else None
    found = storage.options(environ, options, conf)
    shared.check_paths(found.image_stores)
    if transient is None:
        transient = conf is not None and conf.transient_store
    words = [f"--storage-opt={option}" for option in found.words()]
    if transient:
        words.append("--transient-store")
    given = conf is None or options is not None or bool(environ.get("STORAGE_OPTS"))
    if given and found.mount_program:
        words.append(f"--storage-opt=overlay.mount_program={found.mount_program}")
    settings = {
        "mount_program": found.mount_program if given else "",
        "image_stores": found.image_stores,
        "mount_options": found.mount_options,
        "ignore_chown_errors": found.ignore_chown_errors,
        "transient": transient,
    }
    return settings, found.mount_program, tuple(words)


def drivers(
    environ: Mapping[str, str], namespace: Namespace, driver: str | None, program: str
) -> tuple[tuple[str, ...], str]:
    """The drivers that a new store may have, and the program that serves its mounts (`Store.open`)."""
    if driver:
        return (driver,), program
    if program:
        return ("fuse_overlay",), program
    return storage.load(environ, uid=namespace.uid, rootless=namespace.rootless).drivers, ""
