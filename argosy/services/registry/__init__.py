"""The built-in registry: the distribution API, version 1.1, over this store.

Every request is answered from the files of the store, and what was acknowledged is on disk: the process can be killed
at any moment, and several can serve one store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.engine import Engine


def run(engine: Engine, say: Callable[[str], None], *, listen: str, tls_cert: str, tls_key: str) -> int:
    """Serve until a signal ends it.  `listen` is HOST:PORT, unless systemd has opened the sockets."""
    from argosy.services import house
    from argosy.services.registry.app import RegistryApp

    app = RegistryApp(engine.store, engine.site.notice)
    return house.run(
        app.answer,
        name="registry",
        say=say,
        notice=engine.site.notice,
        environ=engine.environ,
        listen=listen,
        certificate=tls_cert,
        key=tls_key,
    )
