"""A new container with the options of another one."""

from __future__ import annotations

from argosy.errors import Exists
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.oci.imageconfig import ContainerConfig
    from argosy.storage.images import ImageRecord

_ATTEMPTS = 1000


class Image(Value):
    """Another image for the clone, and what it is called."""

    record: ImageRecord
    name: str
    config: ContainerConfig


def clone(
    site: Site,
    record: ContainerRecord,
    name: str,
    changes: Mapping[str, Any],
    image: Image | None,
    create: Callable[..., ContainerRecord],
) -> ContainerRecord:
    """Make the container by `create`, with `changes` among its options.  Without a name it gets the first free one.

    What can be one container's alone (an address, a file with its id) is left out.  Raises Exists for a name that is
    taken, NotFound when the image is gone.
    """
    from argosy.containers import record as records

    alone = dict.fromkeys(("cidfile", "pidfile", "conmon_pidfile"), "")
    own = record.options
    if own.pod:
        from argosy.containers import pod

        changes = {"pod": own.pod, **changes}
        own = pod.detached(site, own)
    options = own.replace(**{**alone, **({"image": image.name} if image else {}), **changes})
    manifest = (
        image.record if image else site.store.images.get(record.image.manifest_digest) if record.image.id else None
    )
    shown = image.name if image else record.image.name
    config = image.config if image else record.image_config
    if name:
        return create(options.replace(name=name), manifest, shown, config)
    before = records.current_name(site.store, record)
    for candidate in _names(before):
        try:
            return create(options.replace(name=candidate), manifest, shown, config)
        except Exists:
            continue
    raise Exists("container", before)


def free_name(site: Site, name: str) -> str:
    """A name for a copy of the container `name`, which nobody has now."""
    taken = site.store.containers.names()
    return next((candidate for candidate in _names(name) if candidate not in taken), name)


def _names(name: str) -> Iterator[str]:
    """What a copy may be called, in the order to be tried; that of a copy is called as one of the original."""
    stem, mark, count = name.rpartition("-clone")
    original = stem if mark and (not count or count.isdecimal()) else name
    return (f"{original}-clone{number or ''}" for number in range(_ATTEMPTS))
