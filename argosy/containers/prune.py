"""Pruning: every container goes that does not run and that nobody is about to start."""

from __future__ import annotations

from argosy.containers import record as records
from argosy.containers import remove, state
from argosy.errors import ArgosyError, NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.containers.site import Site
    from argosy.containers.state import ContainerView


class Pruned(Value):
    """The ids of the containers that are gone, and why others are not."""

    removed: tuple[str, ...]
    failures: tuple[ArgosyError, ...] = ()


def prune(site: Site, accepts: Callable[[ContainerView], bool] = lambda _view: True) -> Pruned:
    """Remove the idle containers that `accepts` accepts."""
    removed, failures = [], []
    for view in state.views(site).views:
        if not _idle(view) or not accepts(view) or _belongs_to_pod(site, view):
            continue
        try:
            remove.remove(site, view.id)
        except NotFound:
            continue
        except ArgosyError as error:
            if not _runs(site, view.id):
                failures.append(error)
            continue
        removed.append(view.id)
    return Pruned(tuple(removed), tuple(failures))


def _belongs_to_pod(site: Site, view: ContainerView) -> bool:
    """An infra container goes with its pod."""
    return bool(view.options.get("infra")) and site.store.pods.exists(view.options["pod"])


def _idle(view: ContainerView) -> bool:
    """Between its creation and its start a container of `run` looks as if nobody wanted it."""
    starter = view.record.get("starter")
    if view.run.status == state.CREATED and starter:
        return not state.is_there(records.Starter.from_json(starter))
    return view.run.status in (state.CREATED, state.EXITED)


def _runs(site: Site, container_id: str) -> bool:
    """Whether it was started since we looked."""
    try:
        return state.derive(site, container_id).status in state.ACTIVE
    except NotFound:
        return True
