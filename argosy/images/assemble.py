"""An image out of what was made here: its config and its layers, which are in the store."""

from __future__ import annotations

from argosy.images.publish import Arrived, publish
from argosy.oci import digest as digests
from argosy.oci import mediatypes
from argosy.oci.descriptor import Descriptor
from argosy.oci.manifest import ImageManifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from argosy.images.guard import Maker
    from argosy.oci.imageconfig import ContainerConfig, ImageConfig
    from argosy.oci.reference import Reference
    from argosy.signatures.blob import Signature
    from argosy.storage.images import ImageRecord, LayerRef
    from argosy.storage.store import Store
    from argosy.storage.work import Work

NO_PAIRS: Mapping[str, str] = {}
TYPES = {
    "oci": (mediatypes.OCI_MANIFEST, mediatypes.OCI_CONFIG, mediatypes.OCI_LAYER),
    "docker": (mediatypes.DOCKER_MANIFEST, mediatypes.DOCKER_CONFIG, mediatypes.DOCKER_LAYER),
}
_DOCKER_OF_OCI = {
    mediatypes.OCI_LAYER: mediatypes.DOCKER_LAYER,
    mediatypes.OCI_LAYER_GZIP: mediatypes.DOCKER_LAYER_GZIP,
    mediatypes.OCI_LAYER_ZSTD: mediatypes.DOCKER_LAYER_ZSTD,
}
_OCI_OF_DOCKER = {docker: oci for oci, docker in _DOCKER_OF_OCI.items()}


def assemble(
    store: Store,
    work: Work,
    config: ImageConfig,
    layers: Sequence[LayerRef],
    form: str,
    names: tuple[Reference, ...],
    annotations: Mapping[str, str] = NO_PAIRS,
    *,
    signers: Sequence[Maker] = (),
) -> ImageRecord:
    """Put config and manifest in the form "oci" or "docker" into the store, and let the names mean the image.

    `layers` are those of the config's diff ids, pinned by `work`.  All is on disk when this returns, the signatures of
    `signers` among it.
    """
    manifest_type, config_type, _ = TYPES[form]
    data = config.to_bytes()
    described = Descriptor(config_type, digests.of_bytes(data), len(data))
    descriptors = tuple(_descriptor(layer, form) for layer in layers)
    manifest = ImageManifest(manifest_type, described, descriptors, dict(annotations))
    raw = manifest.to_bytes()
    digest = digests.of_bytes(raw)
    work.pin(str(described.digest), str(digest))
    signatures = _signatures(raw, manifest, signers) if signers else ()
    store.blobs.put(data)
    store.blobs.put(raw)
    store.chains.ensure_fix([layer.diff_id for layer in layers])
    work.settle()
    arrived = Arrived(
        manifest_digest=str(digest), manifest_size=len(raw), image=manifest, config=config, signatures=signatures
    )
    return publish(store, arrived, names, durable=True)


def _signatures(raw: bytes, manifest: ImageManifest, signers: Sequence[Maker]) -> tuple[Signature, ...]:
    from argosy.registry.client import RawManifest

    made = RawManifest(raw, manifest.media_type, digests.of_bytes(raw))
    return tuple(sign(made) for sign in signers)


def _descriptor(layer: LayerRef, form: str) -> Descriptor:
    names = _DOCKER_OF_OCI if form == "docker" else _OCI_OF_DOCKER
    media_type = names.get(layer.media_type, layer.media_type)
    return Descriptor(media_type, digests.parse(layer.blob or layer.diff_id), layer.size)


def for_format(config: ContainerConfig, form: str, warn: Callable[[str], object]) -> ContainerConfig:
    """What the OCI image specification has no words for is left out, as podman does, with a warning for each."""
    if form == "docker":
        return config
    for name, value, empty in (
        ("HEALTHCHECK", config.healthcheck, None),
        ("ONBUILD", config.on_build, ()),
        ("SHELL", config.shell, ()),
    ):
        if value != empty:
            warn(f"{name} is not supported for OCI image format and will be ignored. Must use `docker` format")
    return config.replace(healthcheck=None, on_build=(), shell=())
