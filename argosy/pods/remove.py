"""Removing a pod: nobody joins it any more, its containers go, then its infra container, the pod last.

That it is being removed is written down first.  Whoever is killed meanwhile leaves a pod that nobody can join, which
the same command, or `system check --repair`, takes away.
"""

from __future__ import annotations

from argosy.containers import dependents, podgroup, state
from argosy.containers import pod as pods
from argosy.containers import remove as containers
from argosy.containers.pod import PodRecord
from argosy.errors import ArgosyError, NotFound
from argosy.linux import files
from argosy.pods import life, listing
from argosy.spec.options import ContainerOptions
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from argosy.containers.site import Site
    from argosy.containers.state import ContainerView


def remove(site: Site, pod_id: str, *, force: bool = False, timeout_s: float | None = None) -> None:
    """Remove a pod with all of its containers and their anonymous volumes; `force` stops those that run.

    Raises NotFound when it is gone, ArgosyError (nothing was removed) when containers run and `force` is not given.
    """
    try:
        pod = pods.read(site, pod_id)
    except NotFound:
        raise
    except ArgosyError:
        if not force:
            raise
        infra = next((one.id for one in pods.members(site, pod_id) if one.options.infra), "")
        pod = PodRecord(pod_id, pod_id[:12], 0.0, ContainerOptions(""), share_parent=False, infra_id=infra)
    with site.store.pods.lock(pod_id):
        view = listing.PodView(pod, _views(site, pod_id))
        if not force:
            _check_idle(view)
        site.store.pods.write(pod_id, pods.REMOVING, b"", durable=True)
    failures = life.stop_all(site, view, timeout_s) if force else []
    failures += _remove_containers(site, view, force=force)
    if failures:
        files.unlink_missing(f"{site.store.pods.path(pod_id)}/{pods.REMOVING}")  # what is left of it can be used
        raise life.Failed(pod, "removing", failures)
    podgroup.remove(site, pod)
    with site.store.pods.lock(pod_id):
        pods.tell(site, pod, "remove")
        site.store.pods.remove(pod_id, durable=True)


def _views(site: Site, pod_id: str) -> tuple[state.ContainerView, ...]:
    found = []
    for member in pods.members(site, pod_id):
        try:
            found.append(state.view(site, member.id))
        except NotFound:
            continue
    return tuple(found)


def _check_idle(view: listing.PodView) -> None:
    """Raise Failed, with podman's words for each, where containers run, but for the infra container."""
    failures = []
    for one in view.members:
        try:
            containers.check_idle(one.id, one.run)
        except ArgosyError as error:
            failures.append((one.id, error))
    if failures:
        raise life.Failed(view.record, "removing", failures)


def _remove_containers(site: Site, view: listing.PodView, *, force: bool) -> list[tuple[str, ArgosyError]]:
    """Remove the members, those first that rely on others, then the infra container; why some are still there."""
    graph = dependents.dependents(site)
    ordered: dict[str, None] = {}
    for one in view.members:
        for container_id in dependents.with_dependents(graph, one.id):
            ordered.setdefault(container_id)
    own = {one.id for one in view.members}
    failures = life.each(
        [container_id for container_id in ordered if container_id in own],
        lambda one: containers.remove(site, one, force=force, volumes=True),
    )
    if view.infra is not None and not failures:
        infra = [view.infra.id]
        failures = life.each(infra, lambda one: containers.remove(site, one, force=True, volumes=True, with_pod=True))
    return failures


class Pruned(Value):
    """The ids of the pods that are gone, and why others are not."""

    removed: tuple[str, ...]
    failures: tuple[ArgosyError, ...] = ()


def idle(site: Site) -> list[listing.PodView]:
    """The pods that have stopped, and those that somebody was killed while removing."""
    found = listing.views(site).views
    return [
        view for view in found if view.status in (listing.EXITED, listing.STOPPED) or pods.is_removed(site, view.id)
    ]


def prune(site: Site) -> Pruned:
    """Remove the pods that have stopped."""
    removed, failures = [], []
    for view in idle(site):
        try:
            remove(site, view.id)
        except NotFound:
            continue
        except ArgosyError as error:
            failures.append(error)
        else:
            removed.append(view.id)
    return Pruned(tuple(removed), tuple(failures))


def with_infra(site: Site, using: Iterable[ContainerView], timeout_s: float | None = None) -> None:
    """Remove by force the pods whose infra container is among those that use something which is to go."""
    for view in using:
        if view.options.get("infra") and site.store.pods.exists(view.options["pod"]):
            remove(site, view.options["pod"], force=True, timeout_s=timeout_s)
