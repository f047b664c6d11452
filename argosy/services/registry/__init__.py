"""The built-in registry: the distribution API, version 1.1, over this store.

Every request is answered from the files of the store, and what was acknowledged is on disk: the process can be killed
at any moment, and several can serve one store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from argosy.engine import Engine


def run(engine: Engine, say: Callable[[str], None], *, door: dict[str, Any]) -> int:
    """Serve until a signal ends it.  `door` has the fields of `house.Door`."""
    from argosy.services import house
    from argosy.services.registry.app import RegistryApp

    app = RegistryApp(engine.store, engine.site.notice)
    return house.run(
        app.answer,
        house.Door(**door),
        name="registry",
        say=say,
        notice=engine.site.notice,
        environ=engine.environ,
    )
