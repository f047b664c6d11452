"""Containers: one use case per file, over storage, network, volumes, runtime and spec.

A container is a directory in the store (what must survive a reboot) and one in the run directory (what must not):

    <root>/containers/<id>/container.json   ContainerRecord, frozen at create
                           changes.json     Changes: what may change later (the name, the runtime)
                           started.json     Started: written before `runtime start`, gone after clean-up
                           stop-requested   the user asked for the stop: no restart
                           last.json        LastRun: how the run before ended, written by clean-up
                           health.json      what its health checks have found (containers.health)
                           upper/ work/ merged/ ctr.log
    <run>/containers/<id>/                  bundle, pidfiles, sockets, files bound into the container
    <run>/exits/<id>                        conmon's exit record
    <run>/health/                           the containers that are to be checked (containers.health.watch)

The state of a container is derived from these files (`state.derive`) and stored nowhere.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from argosy.containers.commit import CommitOptions
    from argosy.containers.copy import CopyOptions, Side
    from argosy.containers.exec import ExecOptions
    from argosy.containers.logs import LogOptions, Source
    from argosy.containers.prune import Pruned
    from argosy.containers.record import ContainerRecord
    from argosy.containers.run import Streams
    from argosy.containers.site import Site
    from argosy.containers.sizes import Sizes
    from argosy.containers.state import ContainerView, Listing
    from argosy.containers.step import Step
    from argosy.containers.top import Table
    from argosy.errors import ArgosyError
    from argosy.linux.idmap import IdMap
    from argosy.oci.imageconfig import ContainerConfig
    from argosy.oci.reference import Reference
    from argosy.runtime.logs import Entry
    from argosy.spec.options import ContainerOptions
    from argosy.storage.changes import Stack
    from argosy.storage.check import Finding
    from argosy.storage.images import ImageRecord


class Containers:
    """The use cases of `argosy.containers` on one store.  Ids are full ids; `find` makes one of what a user typed."""

    def __init__(self, site: Site, find_image: Callable[[str], ImageRecord]) -> None:
        self._site = site
        self._find_image = find_image

    def find(self, text: str) -> str:
        """The id for a name, an id or an unambiguous beginning of one.  Raises NotFound, or Invalid when ambiguous."""
        return self._site.store.containers.find(text)

    def create(
        self,
        options: ContainerOptions,
        image: ImageRecord | None,
        image_name: str,
        config: ContainerConfig,
        *,
        to_start: bool = False,
        replacing: bool = False,
        succeeds: str = "",
    ) -> ContainerRecord:
        from argosy.containers import create

        return create.create(
            *(self._site, options, image, image_name, config),
            find_image=self._find_image,
            to_start=to_start,
            replacing=replacing,
            succeeds=succeeds,
        )

    def run(self, record: ContainerRecord, streams: Streams | None, *, preserve_fds: int = 0) -> int:
        from argosy.containers import run

        return run.run(self._site, record, streams, preserve_fds=preserve_fds)

    def start(self, container_id: str) -> None:
        from argosy.containers import start

        start.start(self._site, container_id)

    def start_attached(self, container_id: str, streams: Streams) -> int:
        """Start a container and stay with it as `run` does; its exit status, 0 when the user detached."""
        from argosy.containers import record, run

        return run.run(self._site, record.read_record(self._site.store, container_id), streams)

    def attach(self, container_id: str, streams: Streams) -> int:
        from argosy.containers import attach

        return attach.attach(self._site, container_id, streams)

    def execute(self, container_id: str, options: ExecOptions) -> int:
        from argosy.containers import exec as execs

        return execs.execute(self._site, container_id, options)

    def execute_detached(self, container_id: str, options: ExecOptions) -> str:
        from argosy.containers import exec as execs

        return execs.execute_detached(self._site, container_id, options)

    def restart(self, container_id: str, timeout_s: float | None = None, *, signal: int | None = None) -> None:
        from argosy.containers import restart

        restart.restart(self._site, container_id, timeout_s, signal)

    def rename(self, container_id: str, name: str) -> None:
        from argosy.containers import rename

        rename.rename(self._site, container_id, name)

    def stop(self, container_id: str, timeout_s: float | None = None, *, signal: int | None = None) -> bool:
        from argosy.containers import stop

        return stop.stop(self._site, container_id, timeout_s, signal)

    def initialize(self, container_id: str) -> None:
        from argosy.containers import initialize

        initialize.initialize(self._site, container_id)

    def update(self, container_id: str, fields: Mapping[str, Any]) -> None:
        from argosy.containers import update

        update.update(self._site, container_id, fields)

    def commit(
        self,
        container_id: str,
        name: Reference | None,
        options: CommitOptions,
        tell: Callable[[str], object] = lambda _text: None,
    ) -> ImageRecord:
        from argosy.containers import commit

        return commit.commit(self._site, container_id, name, options, tell, self._site.notice)

    def copy(self, source: Side, target: Side, options: CopyOptions) -> None:
        from argosy.containers import copy

        copy.copy(self._site, source, target, options)

    def pause(self, container_id: str) -> None:
        from argosy.containers import pause

        pause.pause(self._site, container_id)

    def unpause(self, container_id: str) -> None:
        from argosy.containers import pause

        pause.resume(self._site, container_id)

    def kill(self, container_id: str, signal: int) -> None:
        from argosy.containers import stop

        stop.kill(self._site, container_id, signal)

    def wait(self, container_id: str, *, interval_s: float = 0.25) -> int:
        from argosy.containers import wait

        return wait.wait(self._site, container_id, interval_s=interval_s)

    def remove(
        self, container_id: str, *, force: bool = False, volumes: bool = False, timeout_s: float | None = None
    ) -> None:
        from argosy.containers import remove

        remove.remove(self._site, container_id, force=force, volumes=volumes, timeout_s=timeout_s)

    def stop_all(self) -> Iterator[str]:
        from argosy.containers import migrate

        return migrate.stop_all(self._site)

    def boot(self) -> Iterator[tuple[str, ArgosyError | None]]:
        from argosy.containers import boot

        return boot.boot(self._site)

    def change_runtime(self, name: str) -> None:
        from argosy.containers import migrate

        migrate.change_runtime(self._site, name)

    def wait_for(self, container_id: str, statuses: Sequence[str], *, interval_s: float = 0.25) -> int:
        from argosy.containers import wait

        return wait.wait_for(self._site, container_id, statuses, interval_s=interval_s)

    def cleanup(self, container_id: str) -> None:
        from argosy.containers import cleanup

        cleanup.cleanup(self._site, container_id)

    def run_step(self, step: Step) -> int:
        from argosy.containers import step as steps

        return steps.run(self._site, step)

    def user_namespace_of_steps(self, options: ContainerOptions) -> tuple[ContainerOptions, IdMap | None]:
        from argosy.containers import step

        return step.settled(self._site, options)

    def end_step(self, step_id: str) -> None:
        from argosy.containers import step

        step.end(self._site, step_id)

    def sweep_steps(self) -> None:
        from argosy.containers import step

        step.sweep(self._site)

    def check(self, *, repair: bool = False) -> Sequence[Finding]:
        from argosy.containers import check

        return check.check(self._site, repair=repair)

    def prune_exits(self) -> None:
        """Drop, every ten minutes, the exit records of containers that were removed more than an hour ago."""
        from argosy.runtime import exits

        exits.prune_sometimes(self._site.store.run, self._site.store.containers.ids)

    def top(self, container_id: str, descriptors: tuple[str, ...]) -> Table:
        from argosy.containers import top

        return top.top(self._site, container_id, descriptors)

    def view(self, container_id: str) -> ContainerView:
        from argosy.containers import state

        return state.view(self._site, container_id)

    def check_health(self, container_id: str) -> str:
        from argosy.containers.health import once

        return once.run(self._site, container_id)

    def health(self, view: ContainerView) -> str:
        from argosy.containers.health import kept

        return kept.status(self._site, view.id, view.options)

    def keep_checked(self, views: Iterable[ContainerView]) -> None:
        """See to it that the containers which run and have a health check are checked in time."""
        running = [(view.id, view.options) for view in views if view.options.get("health") and view.run.pid]
        if running:
            from argosy.containers.health import watch

            watch.ensure(self._site, running)

    def last_finished(self, view: ContainerView) -> float:
        from argosy.containers import state

        return state.last_finished(self._site, view.id, view.run)

    def list(self, *, under_way: bool = False) -> Listing:
        from argosy.containers import state

        return state.views(self._site, under_way=under_way)

    def prune(self, accepts: Callable[[ContainerView], bool] = lambda _view: True) -> Pruned:
        from argosy.containers import prune

        return prune.prune(self._site, accepts)

    def inspect(self, container_id: str, *, size: bool = False) -> dict[str, Any]:
        from argosy.containers import inspect

        return inspect.inspect(self._site, container_id, size=size)

    def stack(self, container_id: str) -> Stack:
        from argosy.containers import diff

        return diff.stack(self._site, container_id)

    def sizes(self, container_id: str, manifest_digest: str) -> Sizes:
        from argosy.containers import sizes

        return sizes.sizes(self._site, container_id, manifest_digest)

    def open_logs(self, container_ids: Sequence[str], options: LogOptions) -> tuple[Source, ...]:
        from argosy.containers import logs

        return logs.open_logs(self._site, container_ids, options)

    def follow_logs(
        self,
        sources: Sequence[Source],
        *,
        until_ns: int | None = None,
        reader: int = -1,
        idle: Callable[[], None] = lambda: None,
    ) -> Iterator[tuple[Source, Entry]]:
        from argosy.containers import logs

        return logs.follow(self._site, sources, until_ns=until_ns, reader=reader, idle=idle)

    def record(self, container_id: str) -> ContainerRecord:
        from argosy.containers import record

        return record.read_record(self._site.store, container_id)
