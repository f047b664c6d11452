"""From the last state of a stage to an image in the store."""

from __future__ import annotations

from argosy.images.assemble import assemble, for_format
from argosy.oci import digest as digests
from argosy.oci.imageconfig import ImageConfig
from argosy.oci.reference import Reference
from argosy.spec.options import NO_PAIRS
from argosy.values import Value
from argosy.version import SPOKEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from argosy.build.options import BuildOptions
    from argosy.build.state import State
    from argosy.images.guard import Maker
    from argosy.oci.imageconfig import ContainerConfig
    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store
    from argosy.storage.work import Work

IDENTITY = "io.buildah.version"
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
    os_features: tuple[str, ...] = ()
    identity: bool = False
    signers: tuple[Maker, ...] = ()


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
    config = ImageConfig(
        os=state.platform.os,
        architecture=state.platform.architecture,
        variant=state.platform.variant,
        os_version=options.os_version or state.platform.os_version,
        os_features=os_features(state.os_features, options.os_features),
        created=created,
        author=state.author,
        config=_for_format(state.config, options, warn),
        diff_ids=tuple(digests.parse(diff_id) for diff_id in state.diff_ids),
        history=() if options.omit_history else state.history,
        raw=dict(more),
    )
    annotations = _annotations(state, options)
    return assemble(
        store, work, config, state.layers, options.format, options.names, annotations, signers=options.signers
    )


def os_features(base: Sequence[str], changes: Sequence[str]) -> tuple[str, ...]:
    """The base's features with the changes: a name adds one, a name with a dash at its end takes it away."""
    found = dict.fromkeys(base)
    for change in changes:
        if change.endswith("-"):
            found.pop(change[:-1], None)
        else:
            found[change] = None
    return tuple(found)


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
    """Without the variables of --unsetenv, and without what the form has no words for; with buildah's label."""
    if options.identity:
        config = config.replace(labels={**config.labels, IDENTITY: SPOKEN["buildah"]})
    if options.unset_env:
        gone = frozenset(options.unset_env)
        config = config.replace(env=tuple(entry for entry in config.env if entry.partition("=")[0] not in gone))
    return for_format(config, options.format, warn)
