"""What the commands about one volume share."""

from __future__ import annotations

from argosy.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.engine import Engine


def exact(engine: Engine, name: str) -> str:
    """The volume with just this name.  Raises NotFound in podman's words."""
    if not engine.store.volumes.exists(name):
        error = NotFound("volume", name)
        error.brief = f"no such volume {name}"
        raise error
    return name
