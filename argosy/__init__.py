"""Argosy: build, move, run and serve OCI containers with no daemon and no root.

`argosy.open()` gives the engine that the command line uses (see `argosy.engine.Engine`).  Importing the package costs
nothing: names are resolved when they are first asked for, since every `argosy` command imports this module too.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.engine import Engine
    from argosy.engine import open_engine as open

__all__ = ["Engine", "open"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from argosy import engine

        return engine.Engine if name == "Engine" else engine.open_engine
    raise AttributeError(f"module 'argosy' has no attribute {name!r}")
