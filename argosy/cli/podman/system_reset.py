"""`system reset`: back to nothing."""

from __future__ import annotations

import os

from argosy.cli.errors import report
from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError, NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine

_WARNING = """WARNING! This will remove:
\t- all pods and containers
\t- all images
\t- all volumes
\t- all networks
\t- everything else in {root} and {run}
"""


class ResetOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    force: bool


def run(options: ResetOptions, engine: Engine, out: Output) -> int:
    """Stop and remove the containers, then the store, the run directory and the process that holds the namespace."""
    from argosy.containers import check_networks
    from argosy.images import mount

    store = engine.store
    others = [
        container_id for shelf, container_id in store.each_container() if shelf.directory != store.containers.directory
    ]
    if others:
        raise ArgosyError(
            f"{len(others)} containers of the other mode would lose their files",
            hint="remove them first: argosy rm --all --force, with --transient-store or with --transient-store=false",
        )
    if not options.force:
        from argosy.cli.confirm import confirmed

        if not confirmed(out, _WARNING.format(root=store.root, run=store.run)):
            return 0
    status = _containers(engine, out)
    if status:
        return status  # what still runs needs its files
    for image_id in mount.mounted(store):
        mount.unmount(store, image_id, force=True)
    check_networks.remove_bridges(engine.site)
    store.reset()
    _run_directory(store.run)
    return 0


def _containers(engine: Engine, out: Output) -> int:
    status = 0
    for pod_id in engine.store.pods.ids():
        from argosy.pods import remove

        try:
            remove.remove(engine.site, pod_id, force=True, timeout_s=0)
        except NotFound:
            continue
        except ArgosyError as error:
            status = report(error, out)
    for container_id in engine.store.containers.ids():
        try:
            engine.containers.remove(container_id, force=True, volumes=True, timeout_s=0)
        except NotFound:
            continue
        except ArgosyError as error:
            status = report(error, out)
    working = engine.build().containers
    for container_id in engine.store.shelf("working").ids():
        try:
            working.remove(container_id)
        except NotFound:
            continue
        except ArgosyError as error:
            status = report(error, out)
    return status


def _run_directory(run: str) -> None:
    """The run directory with the record of the pause process, and that process: its namespace has no use any more."""
    from argosy.linux import files, mounts, process, signals, userns

    state = userns.read_state(run)
    for point in sorted((m.path for m in mounts.mountinfo() if m.path.startswith(run + "/")), reverse=True):
        mounts.unmount(point)
    for name in os.listdir(run) if os.path.isdir(run) else ():
        files.remove_tree(f"{run}/{name}")
    try:
        os.rmdir(run)
    except OSError:
        pass  # somebody's mount point, or another command has begun
    if state is not None and process.alive(state.pid, state.start_time):
        process.signal_process(state.pid, state.start_time, signals.SIGKILL)


COMMAND = Command(
    path="system reset",
    summary="Remove all containers, images, volumes, networks and state",
    description=(
        "Stops and removes all containers, and removes all images, volumes, networks and everything else in the store."
    ),
    options=ResetOptions,
    run=run,
    max_operands=0,
    flags=(Flag("force", short="f", help="Do not prompt for confirmation"),),
    examples=("argosy system reset --force",),
)
