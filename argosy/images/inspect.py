"""`image inspect`: all that is known about an image, in podman's form."""

from __future__ import annotations

from argosy import jsontext
from argosy.errors import ArgosyError
from argosy.images.inventory import Image
from argosy.images.resolve import config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.oci.imageconfig import ImageConfig
    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store

_MANIFEST_LIMIT = 4 << 20
# The fields of a container config that podman shows, in its order.
_CONFIG = ("User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "StopSignal")


def inspect(store: Store, image: Image, record: ImageRecord | None = None) -> dict[str, Any]:
    """The image as podman's `image inspect` shows it; `record` is the one of its manifests that was asked for."""
    record = record or image.record
    found = config(store, record)
    raw = found.raw
    return {
        "Id": image.id,
        "Digest": record.manifest_digest,
        "RepoTags": [str(name) for name in image.names if name.tag],
        "RepoDigests": list(image.repo_digests),
        "Parent": "",
        "Comment": _comment(found, record),
        "Created": found.created or None,
        "Config": _config(found),
        "Version": raw.get("docker_version", "") or "",
        "Author": found.author,
        "Architecture": found.architecture,
        "Os": found.os,
        **({"Variant": found.variant} if found.variant else {}),
        "Size": record.size_bytes,
        "VirtualSize": record.size_bytes,
        "GraphDriver": _graph_driver(store, record),
        "RootFS": {"Type": "layers", "Layers": list(map(str, found.diff_ids))},
        "Labels": dict(sorted(found.config.labels.items())) or None,
        "Annotations": _annotations(store, record),
        "ManifestType": record.media_type,
        "User": found.config.user,
        "History": _history(found),
        "NamesHistory": [str(name) for name in image.names],
        **({"Healthcheck": found.config.healthcheck.to_oci()} if found.config.healthcheck else {}),
    }


def _config(found: ImageConfig) -> dict[str, Any]:
    """The container config; podman tells a health check elsewhere, and nothing of ONBUILD and SHELL."""
    config = found.config.to_oci()
    return {key: _sorted(config[key]) for key in _CONFIG if key in config}


def _sorted(value: Any) -> Any:
    return dict(sorted(value.items())) if isinstance(value, dict) else value


def _comment(found: ImageConfig, record: ImageRecord) -> str:
    """In docker's form a field of the config, in the specification's that of the oldest step."""
    if "docker" in record.media_type:
        return str(found.raw.get("comment") or "")
    return found.history[0].comment if found.history else ""


def _graph_driver(store: Store, record: ImageRecord) -> dict[str, Any]:
    """Where the layers are: the topmost as UpperDir, what is below it as LowerDir, as podman names them."""
    trees = [store.layers.path(diff_id) for diff_id in reversed(record.diff_ids)]
    data = {}
    if len(trees) > 1:
        data["LowerDir"] = ":".join(trees[1:])
    if trees:
        data["UpperDir"] = trees[0]
    return {"Name": store.driver, "Data": data}


def _annotations(store: Store, record: ImageRecord) -> dict[str, str]:
    try:
        manifest = jsontext.decode(store.blobs.read(record.manifest_digest, _MANIFEST_LIMIT))
        return dict(manifest.get("annotations") or {})
    except (ArgosyError, AttributeError, TypeError, ValueError):
        return {}  # inspect shows what there is of a damaged image; `system check` names the damage


def _history(found: ImageConfig) -> list[dict[str, Any]]:
    return [entry.to_oci() for entry in found.history]
