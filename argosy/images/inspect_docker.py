"""`docker image inspect`: what is known about an image, in docker's form."""

from __future__ import annotations

from argosy.images.resolve import config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store

# What docker says of a container's config that an image does not have.
_NO_CONFIG: dict[str, Any] = {
    "Hostname": "",
    "Domainname": "",
    "User": "",
    "AttachStdin": False,
    "AttachStdout": False,
    "AttachStderr": False,
    "ExposedPorts": None,
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Env": None,
    "Cmd": None,
    "Image": "",
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "OnBuild": None,
    "Labels": None,
}
_OPTIONAL = ("ExposedPorts",)


def docker_form(store: Store, document: dict[str, Any], record: ImageRecord) -> dict[str, Any]:
    """`document`, which `inspect` made of the image with this record, as docker shows it."""
    found = config(store, record)
    raw = found.raw
    return {
        "Id": f"sha256:{document['Id']}",
        "RepoTags": document["RepoTags"],
        "RepoDigests": document["RepoDigests"],
        "Parent": "",
        "Comment": str(raw.get("comment") or ""),
        "Created": document["Created"],
        "Container": str(raw.get("container") or ""),
        "ContainerConfig": _completed(raw.get("container_config")),
        "DockerVersion": document["Version"],
        "Author": document["Author"],
        "Config": _completed({**(raw.get("config") or {}), **found.config.to_oci()}),
        "Architecture": document["Architecture"],
        **({"Variant": document["Variant"]} if "Variant" in document else {}),
        "Os": document["Os"],
        "Size": document["Size"],
        "VirtualSize": document["VirtualSize"],
        "GraphDriver": {"Data": document["GraphDriver"]["Data"], "Name": document["GraphDriver"]["Name"]},
        "RootFS": document["RootFS"],
        "Metadata": {"LastTagTime": _added(record)},
    }


def _completed(given: Any) -> dict[str, Any]:
    known = given if isinstance(given, dict) else {}
    whole = {**_NO_CONFIG, **known}
    return {key: value for key, value in whole.items() if key not in _OPTIONAL or value}


def _added(record: ImageRecord) -> str:
    from argosy.images import timestamps

    return timestamps.show(int(record.created_at * 1_000_000_000))
