"""What the façades have in common: they may be used by several threads at once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argosy.engine import Engine


class Facade:
    """Gives each thread an engine of its own: a Store keeps account of what one piece of work has yet to make stable.

    All of them work on the same files, as so many processes would.
    """

    def __init__(self, engine: Engine) -> None:
        self._own = _PerThread(engine)

    @property
    def _engine(self) -> Engine:
        return self._own.engine


class _PerThread(threading.local):
    """Made anew by each thread that looks at it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = separate(engine)


def separate(engine: Engine) -> Engine:
    """The same engine with a Store of its own."""
    from argosy.engine import Engine
    from argosy.storage.store import Store

    shared = engine.store
    store = Store(shared.root, shared.run, rootless=shared.rootless, id_map=shared.id_map, record=shared.record)
    return Engine(
        store=store,
        conf=engine.conf,
        namespace=engine.namespace,
        environ=engine.environ,
        site=engine.site.replace(store=store),
    )
