"""A new pod with the options of another one, and clones of its containers."""

from __future__ import annotations

from argosy.containers import clone as containers
from argosy.containers import record as records
from argosy.errors import ArgosyError
from argosy.pods import create as creation
from argosy.pods import listing, remove
from argosy.pods.create import Infra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from argosy.containers.pod import PodRecord
    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site

_ATTEMPTS = 1000
_ADDED = ("mounts", "devices", "volumes_from")  # what is asked for comes on top of what the other pod has
_MERGED = ("labels", "sysctls")


def clone(
    site: Site,
    pod_id: str,
    name: str,
    changes: Mapping[str, Any],
    infra: Infra,
    create_container: Callable[..., ContainerRecord],
) -> PodRecord:
    """Make the pod, with `changes` among its options.  Without a name it gets the first free one.

    `infra` has what is asked of its infra container; its image is that of the other one's.  Nothing is left when a
    container cannot be cloned.
    """
    view = listing.view(site, pod_id)
    pod, options = view.record, view.record.options
    merged: dict[str, Any] = dict(changes)
    for field in (*_ADDED, *_MERGED):
        if field in changes:
            own, more = getattr(options, field), changes[field]
            merged[field] = {**own, **more} if field in _MERGED else own + more
    made = creation.create(
        site,
        options.replace(**{**merged, "name": name or free_name(site, pod.name)}),
        share=pod.share,
        share_parent=pod.share_parent,
        exit_policy=pod.exit_policy,
        infra=_infra(site, pod, infra),
        create_container=create_container,
    )
    try:
        for member in sorted(view.members, key=lambda one: one.created_at):
            record = records.read_record(site.store, member.id)
            containers.clone(site, record, "", {"pod": made.id}, None, create_container)
    except BaseException:
        remove.remove(site, made.id, force=True)
        raise
    return made


def _infra(site: Site, pod: PodRecord, asked: Infra) -> Infra | None:
    """How the new infra container is made: as the old one, but for what is asked of it."""
    if not pod.infra_id:
        return None
    old = records.read_record(site.store, pod.infra_id)
    if old.image.id:
        image = site.store.images.get(old.image.manifest_digest)
        asked = asked.replace(image=image, image_name=old.image.name, config=old.image_config)
    return asked if asked.command is not None else asked.replace(command=old.options.entrypoint)


def free_name(site: Site, name: str) -> str:
    """NAME-clone, or the first NAME-cloneN that no pod has."""
    stem, mark, count = name.rpartition("-clone")
    original = stem if mark and (not count or count.isdecimal()) else name
    taken = site.store.pods.names()
    for number in range(_ATTEMPTS):
        found = f"{original}-clone{number or ''}"
        if found not in taken:
            return found
    raise ArgosyError(f"cannot find a free name for a clone of pod {name}", hint="give one with --name")
