"""The life of a pod: what is done with all of its containers at once.

The infra container is started first and stopped last, since the others live in its namespaces.  Those that have nothing
to wait for are worked on at once: a stop takes as long as the slowest.
"""

from __future__ import annotations

from argosy.containers import pause as pausing
from argosy.containers import pod as pods
from argosy.containers import start as starting
from argosy.containers import state
from argosy.containers import stop as stopping
from argosy.containers.pod import PodRecord
from argosy.errors import ArgosyError, NotFound
from argosy.pods import listing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from argosy.containers.site import Site
    from argosy.containers.state import ContainerView

    Work = Callable[[str], object]


class Failed(ArgosyError):
    """Something of a pod could not be done; `errors` has why for each container, which stand on lines of their own."""

    def __init__(self, pod: PodRecord, doing: str, errors: Sequence[tuple[str, ArgosyError]]) -> None:
        count = len(errors)
        first = errors[0][1]
        brief = f"{count} error{'s' if count > 1 else ''} occurred {doing} pod {pod.name}"
        details = "\n".join(f"{doing} container {container_id}: {error}" for container_id, error in errors)
        super().__init__(brief, details=details, hint=first.hint)
        self.doing = doing
        self.errors = tuple(errors)


def start(site: Site, pod_id: str) -> None:
    """Start all containers that do not run.  Raises Failed for those that could not be started."""
    view = listing.view(site, pod_id)
    failures: list[tuple[str, ArgosyError]] = []
    if view.infra is not None:
        failures = each([view.infra.id], lambda one: starting.start(site, one))
    ordered = sorted(view.members, key=lambda one: one.created_at)  # what one requires was there before it
    if not failures and view.status != listing.RUNNING:
        _run_first(site, [one for one in ordered if one.options.get("init_ctr")])
    if not failures:
        failures = each(
            [one.id for one in ordered if not one.options.get("init_ctr")], lambda one: starting.start(site, one)
        )
    pods.tell(site, view.record, "start")
    if failures:
        raise Failed(view.record, "starting", failures)


def stop(site: Site, pod_id: str, timeout_s: float | None = None) -> None:
    """Stop all containers, the infra container last."""
    view = listing.view(site, pod_id)
    failures = stop_all(site, view, timeout_s)
    pods.tell(site, view.record, "stop")
    if failures:
        raise Failed(view.record, "stopping", failures)


def stop_all(site: Site, view: listing.PodView, timeout_s: float | None) -> list[tuple[str, ArgosyError]]:
    """Stop all containers, those that are paused as well; why some could not be stopped."""

    def one(container_id: str) -> None:
        if state.derive(site, container_id).status == state.PAUSED:
            pausing.resume(site, container_id)
        stopping.stop(site, container_id, timeout_s)

    failures = _at_once([view.id for view in view.members], one)
    if view.infra is not None and not failures:
        failures += each([view.infra.id], one)
    return failures


def restart(site: Site, pod_id: str) -> None:
    """Stop all containers and start them again."""
    view = listing.view(site, pod_id)
    failures = stop_all(site, view, None)
    if failures:
        raise Failed(view.record, "restarting", failures)
    start(site, pod_id)


def kill(site: Site, pod_id: str, signal: int) -> None:
    """Send a signal to the first process of each container that runs."""
    _with_running(site, pod_id, "kill", "killing", lambda one: stopping.kill(site, one, signal), state.RUNNING)


def pause(site: Site, pod_id: str) -> None:
    """Stop all processes of the containers that run where they are."""
    _with_running(site, pod_id, "pause", "pausing", lambda one: pausing.pause(site, one), state.RUNNING)


def unpause(site: Site, pod_id: str) -> None:
    """Let the processes of paused containers go on."""
    _with_running(site, pod_id, "unpause", "unpausing", lambda one: pausing.resume(site, one), state.PAUSED)


def _with_running(site: Site, pod_id: str, event: str, doing: str, work: Work, status: str) -> None:
    view = listing.view(site, pod_id)
    failures = each([one.id for one in view.containers if one.run.status == status], work)
    pods.tell(site, view.record, event)
    if failures:
        raise Failed(view.record, doing, failures)


def _run_first(site: Site, containers: Sequence[ContainerView]) -> None:
    """Run the init containers, one after the other, and take those away that run once.

    Raises ArgosyError, in podman's words, when one fails: what is behind it is not started then.
    """
    from argosy.containers import remove, wait

    for one in containers:
        starting.start(site, one.id)
        code = wait.wait(site, one.id)
        if code:
            raise ArgosyError(
                f"init container {one.id} exited with code {code}", hint=f"argosy logs {one.name} shows what it said"
            )
        if one.options["init_ctr"] == "once":
            remove.remove(site, one.id, force=True, volumes=True)


def each(container_ids: Iterable[str], work: Work) -> list[tuple[str, ArgosyError]]:
    """Do it with one after the other; what failed.  A container that is gone is none that failed."""
    failures: list[tuple[str, ArgosyError]] = []
    for container_id in container_ids:
        try:
            work(container_id)
        except NotFound as error:
            if error.kind != "container" or error.name != container_id:
                failures.append((container_id, error))
        except ArgosyError as error:
            failures.append((container_id, error))
    return failures


def _at_once(container_ids: Sequence[str], work: Callable[[str], None]) -> list[tuple[str, ArgosyError]]:
    """The same with all of them at once."""
    if len(container_ids) < 2:
        return each(container_ids, work)
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(container_ids)) as pool:
        return [failure for found in pool.map(lambda one: each([one], work), container_ids) for failure in found]
