"""The cache: the reading half of the distribution API, which fetches from other registries what it does not have.

What was fetched is kept in this store, verified, within bounds of size.  Credentials are used towards the registries
that they belong to, and no client sees them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from argosy.engine import Engine
    from argosy.oci.reference import Reference
    from argosy.transports.access import RegistryOptions
    from argosy.transports.docker import DockerSource


def run(
    engine: Engine,
    say: Callable[[str], None],
    *,
    door: dict[str, Any],
    upstreams: Sequence[str],
    max_bytes: int,
    ttl_s: float,
    allow_private: bool,
    options: RegistryOptions,
) -> int:
    """Serve until a signal ends it; see the command's flags for what the arguments mean.

    `door` has the fields of `house.Door`.
    """
    from argosy.registry.retry import Backoff
    from argosy.services import house
    from argosy.services.cache.app import CacheApp
    from argosy.services.cache.upstream import Upstream

    chosen = options.replace(backoff=Backoff(retries=1, transfers=3, base_s=0.5))  # clients try again themselves
    registries = engine.load_registries()

    def connect(reference: Reference) -> DockerSource:
        named = reference.registry in upstreams or registries.namespace(reference) is not None
        return engine.open_source(reference, chosen.replace(public=not (named or allow_private)))

    upstream = Upstream(connect, tuple(upstreams))
    app = CacheApp(engine.store, upstream, engine.site.notice, max_bytes=max_bytes, ttl_s=ttl_s)
    return house.run(
        app.answer,
        house.Door(**door),
        name="cache",
        say=say,
        notice=engine.site.notice,
        environ=engine.environ,
    )
