"""All that is known about a volume, in podman's form."""

from __future__ import annotations

import os
import time

from argosy.volumes import named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.storage.store import Store


def inspect(store: Store, name: str, *, mounted: int) -> dict[str, Any]:
    """The volume as `inspect` shows it; `mounted` is in how many running containers it is.  Raises NotFound."""
    volume = named.get(store, name)
    fresh = not os.path.exists(f"{store.volumes.path(name)}/{named.FILLED}")
    return {
        "Name": volume.name,
        "Driver": volume.driver,
        "Mountpoint": named.data_path(store, name),
        "CreatedAt": _moment(volume.created_at),
        "Labels": dict(sorted(volume.labels.items())),
        "Scope": "local",
        "Options": dict(sorted(volume.options.items())),
        **{key: int(volume.options[key]) for key in ("UID", "GID") if key in volume.options},
        **({"Anonymous": True} if volume.anonymous else {}),
        "MountCount": mounted,
        **({"NeedsCopyUp": True, "NeedsChown": True} if fresh else {}),
    }


def docker_form(document: dict[str, Any]) -> dict[str, Any]:
    """The same as docker shows it."""
    second, dot, _ = document["CreatedAt"].partition(".")
    return {
        "CreatedAt": f"{second}Z" if dot else second,
        "Driver": document["Driver"],
        "Labels": document["Labels"] or None,
        "Mountpoint": document["Mountpoint"],
        "Name": document["Name"],
        "Options": document["Options"] or None,
        "Scope": document["Scope"],
    }


def _moment(seconds: float) -> str:
    fraction = f"{seconds % 1:.9f}"[1:].rstrip("0").rstrip(".")
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(int(seconds))) + fraction + "Z"
