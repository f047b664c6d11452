"""From the last state of a stage to an image in the store."""

from __future__ import annotations

from argosy.images.publish import Arrived, publish
from argosy.oci import digest as digests
from argosy.oci import mediatypes
from argosy.oci.descriptor import Descriptor
from argosy.oci.imageconfig import ImageConfig
from argosy.oci.manifest import ImageManifest
from argosy.oci.reference import Reference
from argosy.spec.options import NO_PAIRS
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from argosy.build.options import BuildOptions
    from argosy.build.state import State
    from argosy.oci.imageconfig import ContainerConfig
    from argosy.storage.images import ImageRecord, LayerRef
    from argosy.storage.store import Store
    from argosy.storage.work import Work

_TYPES = {
    "oci": (mediatypes.OCI_MANIFEST, mediatypes.OCI_CONFIG, mediatypes.OCI_LAYER),
    "docker": (mediatypes.DOCKER_MANIFEST, mediatypes.DOCKER_CONFIG, mediatypes.DOCKER_LAYER),
}
_DOCKER_OF_OCI = {
    mediatypes.OCI_LAYER: mediatypes.DOCKER_LAYER,
    mediatypes.OCI_LAYER_GZIP: mediatypes.DOCKER_LAYER_GZIP,
    mediatypes.OCI_LAYER_ZSTD: mediatypes.DOCKER_LAYER_ZSTD,
}
_OCI_OF_DOCKER = {docker: oci for oci, docker in _DOCKER_OF_OCI.items()}
_BASE_NAME = "org.opencontainers.image.base.name"
_BASE_DIGEST = "org.opencontainers.image.base.digest"


class Finish(Value):
    """What of the options of a build counts at its end: for those who have no Dockerfile."""

    names: tuple[Reference, ...] = ()
    annotations: Mapping[str, str] = NO_PAIRS
    format: str = "oci"
    omit_history: bool = False
    unset_env: tuple[str, ...] = ()
    os_version: str = ""


def image(
    store: Store,
    work: Work,
    state: State,
    options: BuildOptions | Finish,
    created: str,
    warn: Callable[[str], None],
    more: Mapping[str, Any] = NO_PAIRS,
) -> ImageRecord:
    """Put config and manifest into the store, and let the names mean the image.  All is on disk when this returns.

    `more` holds fields of the image config that have no place in the state.
    """
    manifest_type, config_type, _ = _TYPES[options.format]
    config = ImageConfig(
        os=state.platform.os,
        architecture=state.platform.architecture,
        variant=state.platform.variant,
        os_version=options.os_version or state.platform.os_version,
        created=created,
        author=state.author,
        config=_for_format(state.config, options, warn),
        diff_ids=tuple(digests.parse(diff_id) for diff_id in state.diff_ids),
        history=() if options.omit_history else state.history,
        raw=dict(more),
    )
    data = config.to_bytes()
    described = Descriptor(config_type, digests.of_bytes(data), len(data))
    manifest = ImageManifest(
        manifest_type,
        described,
        tuple(_descriptor(layer, options.format) for layer in state.layers),
        _annotations(state, options),
    )
    raw = manifest.to_bytes()
    digest = digests.of_bytes(raw)
    work.pin(str(described.digest), str(digest))
    store.blobs.put(data)
    store.blobs.put(raw)
    store.chains.ensure_fix(state.diff_ids)
    work.settle()
    arrived = Arrived(manifest_digest=str(digest), manifest_size=len(raw), image=manifest, config=config)
    return publish(store, arrived, options.names, durable=True)


def _descriptor(layer: LayerRef, form: str) -> Descriptor:
    names = _DOCKER_OF_OCI if form == "docker" else _OCI_OF_DOCKER
    media_type = names.get(layer.media_type, layer.media_type)
    return Descriptor(media_type, digests.parse(layer.blob or layer.diff_id), layer.size)


def _annotations(state: State, options: BuildOptions | Finish) -> dict[str, str]:
    if options.format != "oci":
        return {}
    found = {}
    if state.base_digest:
        found = {_BASE_DIGEST: state.base_digest, _BASE_NAME: state.base_name}
    return {**found, **options.annotations}


def _for_format(
    config: ContainerConfig, options: BuildOptions | Finish, warn: Callable[[str], None]
) -> ContainerConfig:
    """What the OCI image specification has no words for is left out, as podman does, with a warning for each."""
    if options.unset_env:
        gone = frozenset(options.unset_env)
        config = config.replace(env=tuple(entry for entry in config.env if entry.partition("=")[0] not in gone))
    if options.format == "docker":
        return config
    for name, value, empty in (
        ("HEALTHCHECK", config.healthcheck, None),
        ("ONBUILD", config.on_build, ()),
        ("SHELL", config.shell, ()),
    ):
        if value != empty:
            warn(f"{name} is not supported for OCI image format and will be ignored. Must use `docker` format")
    return config.replace(healthcheck=None, on_build=(), shell=())
