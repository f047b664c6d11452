"""The registries behind the cache: which one a client's name means, and connections to them that are used again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from argosy.errors import ArgosyError, Invalid, shown
from argosy.oci import reference as references
from argosy.oci.reference import DOCKER_HUB, Reference
from argosy.registry.faults import Private, Unauthorized, Unknown
from argosy.services.registry.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.transports.docker import DockerSource

_CONNECTIONS_KEPT = 32


class Upstream:
    """Access to the registries that the cache may ask: those in `allowed`, any where there are none.

    The first of `allowed`, else docker.io, is what a name without a registry belongs to.
    """

    def __init__(self, connect: Callable[[Reference], DockerSource], allowed: tuple[str, ...] = ()) -> None:
        self._connect = connect
        self._allowed = frozenset(allowed)
        self._usual = allowed[0] if allowed else DOCKER_HUB
        self._sources: dict[Reference, DockerSource] = {}
        self._lock = threading.Lock()

    def repository(self, name: str, host: str) -> Reference:
        """The repository that a path means: `host` is what containerd adds as `ns`, else the name may begin with one.

        Raises Fault.
        """
        first, slash, rest = name.partition("/")
        if not host and slash and references.is_registry(first):
            host, name = first, rest
        host = host or self._usual
        if not references.is_registry(host) or not references.is_host(host):
            raise Fault("NAME_INVALID", f"{shown(host)} is not a registry")
        try:
            references.check_repository(name)
            found = references.parse(f"{host}/{name}", default_tag="")
        except Invalid as error:
            raise Fault("NAME_INVALID", str(error)) from None
        if self._allowed and found.registry not in self._allowed:
            raise Fault("DENIED", f"this cache does not fetch from {found.registry}")
        return found

    def is_trusted(self, registry: str) -> bool:
        """Whether whoever runs the cache has chosen this registry, so that what it says it has can be believed."""
        return registry == self._usual or registry in self._allowed

    def source(self, repository: Reference) -> DockerSource:
        """A connection to the repository.  Raises ArgosyError, for a registry that registries.conf blocks."""
        with self._lock:
            found = self._sources.pop(repository, None)
            if found is None:
                found = self._connect(repository)
                while len(self._sources) >= _CONNECTIONS_KEPT:
                    self._sources.pop(next(iter(self._sources)))  # closed with its last reader
            self._sources[repository] = found
            return found

    def tagged(self, repository: Reference, tag: str) -> DockerSource:
        """A connection to what a tag means there; for the caller to close."""
        return self._connect(repository.replace(tag=tag))


def refusal(error: ArgosyError, unknown: str = "MANIFEST_UNKNOWN") -> Fault:
    """What a client is told when the registry behind does not give what was asked for; `unknown` when it has it not.

    Whose credentials were refused, and the file that has them, is nothing to tell a client.
    """
    if isinstance(error, Private):
        return Fault("DENIED", f"{error}: this cache goes there when --upstream or registries.conf names it")
    if isinstance(error, Unknown):
        return Fault(unknown, str(error))
    if isinstance(error, Unauthorized):
        return Fault("DENIED", f"{error.host} refuses this to the cache: {error.said or error.status}")
    return Fault("UNAVAILABLE", str(error), status=502)
