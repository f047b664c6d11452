"""Media types of manifests, configs and layers (image-spec, media-types.md; Docker's image manifest v2 schema 2)."""

from __future__ import annotations

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
IN_TOTO_STATEMENT = "application/vnd.in-toto+json"
DSSE_ENVELOPE = "application/vnd.dsse.envelope.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"

DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_LAYER_ZSTD = "application/vnd.docker.image.rootfs.diff.tar.zstd"

MANIFESTS = frozenset((OCI_MANIFEST, DOCKER_MANIFEST))
INDEXES = frozenset((OCI_INDEX, DOCKER_LIST))
CONFIGS = frozenset((OCI_CONFIG, DOCKER_CONFIG))
SCHEMA1 = frozenset(
    (
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    )
)
# Media types that registries and proxies send for a manifest when they know no better: the body decides.
GENERIC = frozenset(("", "application/json", "application/octet-stream", "text/plain"))

# The order is what a registry is asked for (Accept); old ones serve the first that they know.
ACCEPTED = (OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST)

_NONDISTRIBUTABLE = "application/vnd.oci.image.layer.nondistributable.v1.tar"
_DOCKER_FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar"
# Layers that may be kept at the places that their descriptor names (urls), by their compression.
OCI_FOREIGN = {
    "none": _NONDISTRIBUTABLE,
    "gzip": f"{_NONDISTRIBUTABLE}+gzip",
    "zstd": f"{_NONDISTRIBUTABLE}+zstd",
}
DOCKER_FOREIGN = {"none": _DOCKER_FOREIGN, "gzip": f"{_DOCKER_FOREIGN}.gzip", "zstd": f"{_DOCKER_FOREIGN}.zstd"}
FOREIGN = frozenset((*OCI_FOREIGN.values(), *DOCKER_FOREIGN.values()))
ENCRYPTED = "+encrypted"  # behind the type of a layer that is (ocicrypt)

# Each type that a layer of an image may have, and how its bytes are compressed.
LAYER_COMPRESSION = {
    OCI_LAYER: "none",
    OCI_LAYER_GZIP: "gzip",
    OCI_LAYER_ZSTD: "zstd",
    DOCKER_LAYER: "none",
    DOCKER_LAYER_GZIP: "gzip",
    DOCKER_LAYER_ZSTD: "zstd",
    OCI_FOREIGN["none"]: "none",
    OCI_FOREIGN["gzip"]: "gzip",
    OCI_FOREIGN["zstd"]: "zstd",
    DOCKER_FOREIGN["none"]: "none",
    DOCKER_FOREIGN["gzip"]: "gzip",
    DOCKER_FOREIGN["zstd"]: "zstd",
}


def bare(media_type: str) -> str:
    """A Content-Type without its parameters, in lower case."""
    return media_type.partition(";")[0].strip().lower()


def is_media_type(text: str) -> bool:
    """Whether `text` is `type/subtype` in the characters of RFC 6838."""
    main, slash, sub = text.partition("/")
    return bool(slash) and _is_name(main) and _is_name(sub)


def _is_name(part: str) -> bool:
    if not 0 < len(part) <= 127 or not part.isascii() or not part[0].isalnum():
        return False
    return all(c.isalnum() or c in "!#$&-^_.+" for c in part)
