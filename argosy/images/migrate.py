"""The images and volumes of another engine's store, taken over: what `system import-store` does.

The other store stays as it is.  What is here already is not touched, so that the work can be repeated.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Exists, NotFound
from argosy.images import load
from argosy.images.places import Opened, Place
from argosy.oci import reference as references
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from argosy.images.progress import Progress
    from argosy.images.trust import Admit, Origin
    from argosy.oci.reference import Reference
    from argosy.registry.daemon import Daemon
    from argosy.storage.store import Store


class Item(Value):
    """One thing to take over: an image with its names, or a volume.  `open` opens the image."""

    kind: str
    name: str
    place: Place | None = None
    names: tuple[Reference, ...] = ()
    open: Callable[[], Opened] | None = None
    directory: str = ""


def from_podman(root: str, driver: str = "") -> Iterator[Item]:
    """What is in podman's store at `root`."""
    from argosy.transports.podman_storage import PodmanSource, PodmanStore

    found = PodmanStore(root, driver)
    for image in found.images():
        names = _references(image.names)
        name = str(names[0]) if names else image.image_id[:12]

        def opened(image: object = image, names: tuple[Reference, ...] = names) -> Opened:
            return Opened(PodmanSource(found, image), names)  # type: ignore[arg-type]  # bound in the loop

        place = Place("containers-storage", f"{found.driver}@{root}", name)
        yield Item("image", name, place, names, opened)
    directory = f"{root}/volumes"
    for name in sorted(os.listdir(directory)) if os.path.isdir(directory) else ():
        if os.path.isdir(f"{directory}/{name}/_data"):
            yield Item("volume", name, directory=f"{directory}/{name}/_data")


def from_docker(daemon: Daemon) -> Iterator[Item]:
    """What a docker daemon has; its volumes must be on this host, where this process may read them."""
    from argosy.transports.docker_daemon import DaemonSource

    what = "listing what docker has"
    for document in daemon.get("/images/json", what) or ():
        names = _references(document.get("RepoTags") or ())
        for named in names:

            def opened(named: Reference = named) -> Opened:
                return Opened(DaemonSource(daemon, str(named)), (named,))

            yield Item("image", str(named), Place("docker-daemon", name=str(named)), (named,), opened)
    for document in (daemon.get("/volumes", what) or {}).get("Volumes") or ():
        if document.get("Driver", "local") == "local":
            yield Item("volume", str(document.get("Name")), directory=str(document.get("Mountpoint")))


def _references(texts: tuple[str, ...] | list[str]) -> tuple[Reference, ...]:
    """The names that are any, with a tag."""
    found = []
    for text in texts:
        try:
            named = references.parse(text)
        except ArgosyError:
            continue  # docker's <none>:<none>
        if named.tag and not named.digest:
            found.append(named)
    return tuple(found)


def take(
    store: Store, item: Item, progress: Progress, notice: Callable[[str], None], door: Callable[[Origin], Admit]
) -> bool:
    """Take one thing over; false when it is here already.  Raises ArgosyError."""
    if item.kind == "volume":
        return _take_volume(store, item)
    assert item.open is not None
    assert item.place is not None
    if item.names and all(store.refs.get(name) for name in item.names):
        return False
    load.load_place(store, item.place, item.open(), None, progress, notice, door)
    return True


def _take_volume(store: Store, item: Item) -> bool:
    from argosy.volumes import adopt

    if not os.path.isdir(item.directory):
        raise NotFound("volume", item.name, details=f"{item.directory} is not a directory that this process can see")
    try:
        adopt.adopt(store, item.name, item.directory)
    except Exists:
        return False
    return True
