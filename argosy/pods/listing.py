"""What pods there are, with their containers and their states."""

from __future__ import annotations

from argosy.containers import pod as pods
from argosy.containers import state
from argosy.containers.pod import PodRecord
from argosy.errors import ArgosyError, NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from argosy.containers.site import Site
    from argosy.containers.state import ContainerView

CREATED, RUNNING, PAUSED, EXITED, STOPPED, DEGRADED, ERROR = (
    *("Created", "Running", "Paused", "Exited", "Stopped", "Degraded", "Error"),
)


class PodView(Value):
    """A pod and its containers, by their ids."""

    record: PodRecord
    containers: tuple[ContainerView, ...]

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def status(self) -> str:
        """The pod's state, as its containers make it."""
        return status([view.run.status for view in self.containers])

    @property
    def infra(self) -> ContainerView | None:
        """The infra container, where there is one."""
        return next((view for view in self.containers if view.id == self.record.infra_id), None)

    @property
    def members(self) -> tuple[ContainerView, ...]:
        """The containers but for that one."""
        return tuple(view for view in self.containers if view.id != self.record.infra_id)


def status(statuses: Sequence[str]) -> str:
    """The state of a pod whose containers have these."""
    running = sum(one in (state.RUNNING, state.STOPPING) for one in statuses)
    if running:
        return RUNNING if running == len(statuses) else DEGRADED
    exited, paused = statuses.count(state.EXITED), statuses.count(state.PAUSED)
    if paused and paused == len(statuses):
        return PAUSED
    if exited:
        return EXITED if exited == len(statuses) else STOPPED
    return ERROR if paused else CREATED


class Listing(Value):
    """All pods, newest first, and for each that could not be read its id and the error."""

    views: tuple[PodView, ...]
    damaged: tuple[tuple[str, str], ...] = ()


def views(site: Site) -> Listing:
    """Every pod of the store.  One that vanishes meanwhile is left out; a damaged one is reported."""
    members = by_pod(state.views(site).views)
    found, damaged = [], []
    for pod_id in site.store.pods.ids():
        try:
            record = pods.read(site, pod_id)
        except NotFound:
            continue
        except (ArgosyError, OSError) as error:
            damaged.append((pod_id, str(error)))
            continue
        found.append(PodView(record, tuple(members.get(pod_id, ()))))
    found.sort(key=lambda view: view.record.created_at, reverse=True)
    return Listing(tuple(found), tuple(damaged))


def view(site: Site, pod_id: str) -> PodView:
    """One pod.  Raises NotFound, or Invalid when its record is damaged."""
    found = []
    record = pods.read(site, pod_id)
    for member in pods.members(site, pod_id):
        try:
            found.append(state.view(site, member.id))
        except NotFound:
            continue
    return PodView(record, tuple(sorted(found, key=lambda one: one.id)))


def by_pod(containers: Iterable[ContainerView]) -> dict[str, list[ContainerView]]:
    """The containers of each pod, by their ids."""
    found: dict[str, list[ContainerView]] = {}
    for one in sorted(containers, key=lambda one: one.id):
        pod_id = one.options.get("pod")
        if pod_id:
            found.setdefault(pod_id, []).append(one)
    return found
