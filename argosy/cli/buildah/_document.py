"""The document of `inspect`, in buildah's form."""

from __future__ import annotations

from argosy import jsontext
from argosy.cli.podman import _build_isolation
from argosy.cli.templates import Map
from argosy.config.containers import DEFAULT_CAPABILITIES
from argosy.images import resolve, timestamps
from argosy.oci.runtimespec import CAPABILITIES
from argosy.spec.options import ContainerOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.build.containers.record import WorkingRecord
    from argosy.images.resolve import Resolved
    from argosy.storage.store import Store

# The names that a template has for what JSON calls otherwise.
_GO_NAMES = {"os": "OS", "rootfs": "RootFS", "diff_ids": "DiffIDs", "id": "ID", "os.version": "OSVersion"}

_MAPS = ("ExposedPorts", "Volumes", "Labels")
_EMPTY_CONFIG: dict[str, Any] = {
    "User": "",
    "ExposedPorts": None,
    "Env": [],
    "Entrypoint": [],
    "Cmd": [],
    "Volumes": None,
    "WorkingDir": "",
    "Labels": None,
    "StopSignal": "",
}


def named(document: dict[str, Any]) -> dict[str, Any]:
    """The document as templates see it: the image configurations have Go's names, and nothing is left out of them."""
    found = {**document, "ImageAnnotations": Map(document["ImageAnnotations"] or {})}
    for key in ("OCIv1", "Docker"):
        found[key] = _named(document[key])
    return found


def _named(value: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"Author": "", "Variant": "", "OSVersion": "", "History": []}
    for key, inner in value.items():
        name = _GO_NAMES.get(key) or "".join(part[:1].upper() + part[1:] for part in key.replace(".", "_").split("_"))
        if name in ("Config", "ContainerConfig"):
            found[name] = _named_config(inner)
        else:
            found[name] = {"Type": inner["type"], "DiffIDs": inner["diff_ids"] or []} if key == "rootfs" else inner
    return found


def _named_config(config: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {**_EMPTY_CONFIG, **config}
    return {key: Map(found[key] or {}) if key in _MAPS else found[key] for key in found}


def container(store: Store, record: WorkingRecord, mount_point: str) -> dict[str, Any]:
    """The document of a working container."""
    config = record.config
    moment = timestamps.show(round(record.created * 1_000_000_000))
    platform = {
        "architecture": record.platform.architecture,
        **({"variant": record.platform.variant} if record.platform.variant else {}),
        "os": record.platform.os,
        **({"os.version": record.platform.os_version} if record.platform.os_version else {}),
        **({"os.features": list(record.os_features)} if record.os_features else {}),
    }
    head = {"created": moment, **({"author": record.author} if record.author else {}), **platform}
    oci_config = config.replace(healthcheck=None, shell=(), on_build=()).to_oci()
    rootfs = {"type": "layers", "diff_ids": list(record.diff_ids)} if record.layers else {"type": "", "diff_ids": None}
    history = [entry.to_oci() for entry in record.history]
    told = {"history": history} if history else {}
    docker_config = _docker_config(config.to_oci(), record.hostname, record.domainname)
    comment = {"comment": record.comment} if record.comment else {}
    return {
        "Type": "buildah 0.0.1",
        "FromImage": record.image,
        "FromImageID": record.image_id,
        "FromImageDigest": record.manifest_digest,
        **_blobs(store, record.manifest_digest, f"sha256:{record.image_id}" if record.image_id else ""),
        "Container": record.name,
        "ContainerID": record.id,
        "MountPoint": mount_point,
        "ProcessLabel": "",
        "MountLabel": "",
        "ImageAnnotations": dict(record.annotations) or None,
        "ImageCreatedBy": record.created_by,
        "OCIv1": {**head, "config": oci_config, "rootfs": rootfs, **told},
        "Docker": {**comment, **head, "container_config": docker_config, "config": docker_config},
        **_isolation(record.options),
        "History": [entry.to_oci() for entry in record.added] or None,
        "Devices": [device.to_json() for device in record.options.devices],
    }


def image(store: Store, found: Resolved) -> dict[str, Any]:
    """The document of an image: as that of a container of it, without the container."""
    from argosy.build.containers.record import of_image

    config = resolve.config(store, found.record)
    created = timestamps.parse_or_zero(config.created) / 1_000_000_000
    record = of_image(found, config, "", created, ContainerOptions(image=""))
    document = container(store, record, "")
    manifest = jsontext.decode(store.blobs.read(found.record.manifest_digest))
    annotations = manifest.get("annotations") if isinstance(manifest, dict) else None
    return {**document, "ImageAnnotations": annotations}


def _blobs(store: Store, manifest: str, config: str) -> dict[str, str]:
    """Config and manifest of the image, as they are."""
    return {
        key: store.blobs.read(digest).decode("utf-8", "replace") if digest else ""
        for key, digest in (("Config", config), ("Manifest", manifest))
    }


def _docker_config(config: dict[str, Any], hostname: str, domainname: str) -> dict[str, Any]:
    """docker's form, in which nothing is left out."""
    empty: dict[str, Any] = {
        "Hostname": hostname,
        "Domainname": domainname,
        "User": "",
        **dict.fromkeys(("AttachStdin", "AttachStdout", "AttachStderr", "Tty", "OpenStdin", "StdinOnce"), False),
        "Env": None,
        "Cmd": None,
        "Image": "",
        "Volumes": None,
        "WorkingDir": "",
        "Entrypoint": None,
        "OnBuild": [],
        "Labels": None,
    }
    return {**empty, **config}


def _isolation(options: ContainerOptions) -> dict[str, Any]:
    defaults = CAPABILITIES if "ALL" in options.cap_add else DEFAULT_CAPABILITIES
    modes = {"ipc": options.ipc, "network": options.network, "pid": options.pid, "uts": options.uts}
    namespaces = [
        {
            "Name": name,
            "Host": mode is not None and mode.kind == "host",
            "Path": mode.target if mode is not None and mode.kind == "ns" else "",
        }
        for name, mode in sorted(modes.items())
    ]
    return {
        "Isolation": "chroot" if _build_isolation.is_chroot(options) else "oci",
        "NamespaceOptions": namespaces,
        "Capabilities": sorted({*defaults, *options.cap_add}.difference(("ALL", *options.cap_drop))),
    }
