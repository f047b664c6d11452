"""Whether a registry lets somebody in."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.registry.session import Session


def check(session: Session) -> str:
    """Ask the registry for its base, with the session's credentials; returns its URL.  Raises RegistryError."""
    what = f'authenticating creds for "{session.name}"'
    with session.get("/v2/", what) as answer:
        answer.drain()
    return session.base()
