"""Commands that do one thing to each of several pods: which ones, and what the exit status becomes."""

from __future__ import annotations

from argosy.cli.errors import report
from argosy.containers import pod as pods
from argosy.errors import ArgosyError, NotFound
from argosy.pods import life, listing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from argosy.cli.output import Output
    from argosy.engine import Engine

SHORT_ID = 12


def chosen(
    engine: Engine,
    names: Sequence[str],
    *,
    all_: bool = False,
    latest: bool = False,
    id_files: Iterable[str] = (),
) -> list[str]:
    """What was named, by operands or files, or all pods, or the one made last.

    Raises ArgosyError when nothing was named at all, or in two ways.
    """
    read = _ids(id_files)
    if all_ and latest:
        raise ArgosyError("--all and --latest cannot be used together")
    if (all_ or latest) and read:
        raise ArgosyError("--all, --latest, and --pod-id-file cannot be used together")
    if all_ and names:
        raise ArgosyError("no arguments are needed with --all")
    if latest and names:
        raise ArgosyError("--latest and pods cannot be used together")
    if latest:
        return [newest(engine)]
    if all_:
        found = listing.views(engine.site)
        return [view.id for view in found.views] + [pod_id for pod_id, _ in found.damaged]
    if not names and not read:
        raise ArgosyError("you must provide at least one name or id")
    return [*names, *read]


def _ids(paths: Iterable[str]) -> list[str]:
    from argosy.cli.podman import _container_pod

    return [_container_pod.read_id(path) for path in paths]


def newest(engine: Engine) -> str:
    """The id of the pod that was made last.  Raises NotFound when there is none."""
    views = listing.views(engine.site).views
    if not views:
        error = NotFound("pod", "--latest", hint="there are no pods")
        error.brief = "no such pod"
        raise error
    return views[0].id


def for_each(
    engine: Engine,
    names: Iterable[str],
    out: Output,
    work: Callable[[str], object],
    *,
    ignore: bool = False,
    missing_status: int | None = None,
) -> int:
    """Do `work` with the id of each pod and print that id, unless `work` returns False.

    Goes on after errors: the status is that of the last one.  With `ignore` a pod that does not exist is passed over;
    `missing_status` is the status for one otherwise.
    """
    status = 0
    for name in names:
        try:
            pod_id = pods.find(engine.site, name)
            done = work(pod_id)
        except NotFound as error:
            if not ignore:
                found = report(error, out)
                status = found if missing_status is None else missing_status
            continue
        except life.Failed as error:
            status = _report(error, out)
            continue
        except ArgosyError as error:
            status = report(error, out)
            continue
        if done is not False:
            out.line(pod_id)
    return status


def _report(failed: life.Failed, out: Output) -> int:
    """One line for each container: that is how podman tells it."""
    status = 0
    for container_id, error in failed.errors:
        error.brief = f"{failed.doing} container {container_id}: {error.brief}"
        error.exit_code = ArgosyError.default_exit_code
        status = report(error, out)
    return status
