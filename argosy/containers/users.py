"""Who uses an object that several containers may use, a volume or a network."""

from __future__ import annotations

from argosy.containers import state
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from argosy.containers.site import Site
    from argosy.containers.state import ContainerView


class Users(Value):
    """For each object's id, the containers that use it, running or not."""

    by_id: Mapping[str, tuple[ContainerView, ...]]

    def of(self, object_id: str) -> tuple[ContainerView, ...]:
        """The containers that use the object."""
        return self.by_id.get(object_id, ())


def users(site: Site, kind: str, used: Callable[[ContainerView], Iterable[str]]) -> Users:
    """Who uses what; `used` tells the ids of the objects, called `kind` in messages, that one container uses.

    Raises ArgosyError when a container's record is damaged: nobody knows what that one uses.
    """
    listing = state.views(site)
    if listing.damaged:
        names = ", ".join(name for name, _ in listing.damaged)
        raise ArgosyError(
            f"cannot tell which {kind}s are in use: the record of {names} is damaged",
            hint="`argosy system check` says what is wrong with it.",
        )
    found: dict[str, list[ContainerView]] = {}
    for view in listing.views:
        for object_id in used(view):
            found.setdefault(object_id, []).append(view)
    return Users({object_id: tuple(views) for object_id, views in found.items()})
