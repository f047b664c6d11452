"""What a stage has come to after a step: frozen, so that a stage that starts from another one just takes it over."""

from __future__ import annotations

from argosy.oci.imageconfig import ContainerConfig, History
from argosy.oci.platform import Platform
from argosy.storage.images import LayerRef
from argosy.values import Value


class State(Value):
    """`layers` have their diff ids and, those of the base image, the blobs that they came as.

    `key` is the cache key of the last step; `arguments` are what ARG has set.  `cmd_is_own`: CMD was given in this
    stage.  `base_name` and `base_digest` are those of the image that it all started from.
    """

    config: ContainerConfig
    platform: Platform
    layers: tuple[LayerRef, ...] = ()
    history: tuple[History, ...] = ()
    author: str = ""
    key: str = ""
    arguments: dict[str, str] = {}  # noqa: RUF012 -- a field's default, never changed
    cmd_is_own: bool = False
    base_name: str = ""
    base_digest: str = ""
    os_features: tuple[str, ...] = ()

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """The layers, bottom first."""
        return tuple(layer.diff_id for layer in self.layers)
