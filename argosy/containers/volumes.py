"""Volumes and the containers that use them: which are free, and how one goes although it is in use."""

from __future__ import annotations

from argosy.errors import Exists, InUse, NotFound
from argosy.volumes import named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.record import VolumeUse
    from argosy.containers.site import Site
    from argosy.containers.users import Users
    from argosy.volumes.named import Volume


def ensure(site: Site, use: VolumeUse) -> bool:
    """Make the volume unless it is there already, as volume-opt and volume-label say; whether it was made."""
    if not (use.driver_options or use.labels) or site.store.volumes.exists(use.name):
        return named.ensure(site.store, use.name, anonymous=use.anonymous)
    from argosy.spec import parse
    from argosy.volumes import options

    found = options.parse(use.driver_options)
    labels = parse.parse_labels(use.labels)
    try:
        named.create(site.store, use.name, labels=labels, options=found, anonymous=use.anonymous)
    except Exists:
        return False
    return True


def users(site: Site) -> Users:
    """Who uses which volume, by its name.  Raises ArgosyError when a container's record is damaged."""
    from argosy.containers.users import users

    return users(site, "volume", lambda view: [use["name"] for use in view.record.get("volumes", ())])


def unused(site: Site) -> list[Volume]:
    """The volumes that no container uses."""
    taken = users(site)
    return [volume for volume in named.listing(site.store).volumes if not taken.of(volume.name)]


def prune(site: Site, volumes: list[Volume]) -> list[str]:
    """Remove those of the volumes that are still unused; their names."""
    removed = []
    for volume in volumes:
        if not users(site).of(volume.name):
            named.remove_unused(site.store, volume.name)
            site.store.events.write("volume", "prune", Name=volume.name)
            removed.append(volume.name)
    return removed


def find(site: Site, text: str) -> str:
    """The name of the volume that `text` names, or begins unambiguously.  Raises NotFound in podman's words."""
    try:
        return site.store.volumes.find(text)
    except NotFound:
        error = NotFound("volume", text)
        error.brief = f'no volume with name "{text}" found: no such volume'
        raise error from None


def remove(site: Site, name: str, *, force: bool = False, timeout_s: float | None = None) -> None:
    """Remove a volume and its content; with `force` the containers that use it go first, stopped within `timeout_s`.

    Raises NotFound when there is none, InUse (status 2, as podman's) when a container uses it.
    """
    from argosy.containers import remove as removal

    using = users(site).of(name)
    if using and not force:
        ids = ", ".join(view.id for view in using)
        error = InUse("volume", name, tuple(view.id for view in using))
        error.brief = f"volume {name} is being used by the following container(s): {ids}: volume is being used"
        error.exit_code = 2
        raise error
    for view in using:
        try:
            removal.remove(site, view.id, force=True, timeout_s=timeout_s)
        except NotFound:
            continue
    named.remove_unused(site.store, name) if force else named.remove(site.store, name)
