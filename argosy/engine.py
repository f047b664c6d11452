"""The engine: the one place that builds concrete objects, and the door for everything above.

`open_engine` reads the configuration, enters the user namespace where the process lacks the capabilities to do without,
opens the store, and hands the use cases of containers and images to the command line, the services and programs that
use Argosy as a library.  A façade's methods only fill in the collaborators of a use case; each is documented where it
lives.
"""

from __future__ import annotations

import os

from argosy.config import containers as containers_conf
from argosy.config import locations
from argosy.containers.site import Site, settings, started_again
from argosy.linux import userns
from argosy.storage.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, Unpack

    from argosy.config.containers import ContainersConf
    from argosy.config.registries import Registries
    from argosy.containers.exec import ExecOptions
    from argosy.containers.logs import LogOptions, Source
    from argosy.containers.prune import Pruned
    from argosy.containers.record import ContainerRecord
    from argosy.containers.run import Streams
    from argosy.containers.site import Chosen
    from argosy.containers.sizes import Sizes
    from argosy.containers.state import ContainerView, Listing
    from argosy.containers.top import Table
    from argosy.images.progress import Progress
    from argosy.images.pull import Puller
    from argosy.linux.userns import Namespace
    from argosy.oci.imageconfig import ContainerConfig
    from argosy.oci.platform import Platform
    from argosy.oci.reference import Reference
    from argosy.runtime.logs import Entry
    from argosy.spec.options import ContainerOptions
    from argosy.storage.changes import Stack
    from argosy.storage.check import Finding
    from argosy.storage.images import ImageRecord
    from argosy.transports import docker
    from argosy.transports.docker import RegistryOptions


class Engine:
    """A store that is open, and what can be done with it.  Made by `open_engine`; holds no lock and no descriptor."""

    def __init__(
        self,
        *,
        store: Store,
        conf: ContainersConf,
        namespace: Namespace,
        environ: Mapping[str, str],
        site: Site,
        search: Sequence[str] = (),
    ) -> None:
        self.store = store
        self.conf = conf
        self.namespace = namespace
        self.environ = environ
        self.site = site
        self._search = tuple(search)
        self._registries: Registries | None = None

    def load_registries(self) -> Registries:
        """registries.conf, for those that want to be handed a way to get it."""
        return self.registries

    def puller(
        self,
        *,
        options: RegistryOptions | None = None,
        platform: Platform | None = None,
        progress: Progress | None = None,
    ) -> Puller:
        """What pulls images into this store; the notices of a pull go where the engine's go."""
        from argosy.images import progress as progresses
        from argosy.images import pull, transfer
        from argosy.transports import docker

        chosen = self._with_retries(options or docker.RegistryOptions())

        def open_source(reference: Reference) -> docker.DockerSource:
            return docker.open_source(
                reference,
                registries=self.registries,
                environ=self.environ,
                uid=self.namespace.uid,
                options=chosen,
                notice=self.site.notice,
            )

        return pull.Puller(
            store=self.store,
            registries=self.load_registries,
            open_source=open_source,
            progress=progress or progresses.Progress(),
            notice=self.site.notice,
            platform=platform,
            at_once=self.conf.image_parallel_copies or transfer.DOWNLOADS_AT_ONCE,
        )

    def open_destination(
        self, reference: Reference, record: ImageRecord, options: RegistryOptions
    ) -> docker.DockerDestination:
        """The registry's repository to push an image of the store to."""
        from argosy.images import push
        from argosy.transports import docker

        return docker.open_destination(
            reference,
            registries=self.registries,
            environ=self.environ,
            uid=self.namespace.uid,
            options=self._with_retries(options),
            mount_from=push.mount_candidates(record.repo_digests, reference),
            notice=self.site.notice,
        )

    def _with_retries(self, options: RegistryOptions) -> RegistryOptions:
        if options.backoff is not None:
            return options
        from argosy.registry import retry

        return options.replace(backoff=retry.backoff(self.conf.retry, self.conf.retry_delay_s))

    @property
    def containers(self) -> Containers:
        """What can be done with containers."""
        return Containers(self.site, self._find_image)

    def _find_image(self, name: str) -> ImageRecord:
        from argosy.images import resolve

        return resolve.resolve(self.store, self.load_registries, name).record

    @property
    def registries(self) -> Registries:
        """registries.conf, read when it is first asked for."""
        if self._registries is None:
            from argosy.config import registries

            loaded = registries.load(self.environ, rootless=self.namespace.rootless, run=self.store.run)
            self._registries = loaded.for_docker(self._search) if self._search else loaded
        return self._registries


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
    ) -> ContainerRecord:
        from argosy.containers import create

        site, find = self._site, self._find_image
        return create.create(
            site, options, image, image_name, config, find_image=find, to_start=to_start, replacing=replacing
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

    def restart(self, container_id: str, timeout_s: float | None = None) -> None:
        from argosy.containers import restart

        restart.restart(self._site, container_id, timeout_s)

    def rename(self, container_id: str, name: str) -> None:
        from argosy.containers import rename

        rename.rename(self._site, container_id, name)

    def stop(self, container_id: str, timeout_s: float | None = None) -> bool:
        from argosy.containers import stop

        return stop.stop(self._site, container_id, timeout_s)

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

    def wait_for(self, container_id: str, statuses: Sequence[str], *, interval_s: float = 0.25) -> int:
        from argosy.containers import wait

        return wait.wait_for(self._site, container_id, statuses, interval_s=interval_s)

    def cleanup(self, container_id: str) -> None:
        from argosy.containers import cleanup

        cleanup.cleanup(self._site, container_id)

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


def _with_home(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment with HOME, for us and all that we start: in the user namespace the password database names
    root's."""
    home = locations.home_directory(environ, userns.outer_uid())
    if environ is os.environ:
        os.environ["HOME"] = home
        return os.environ
    return {**environ, "HOME": home}


def open_engine(
    *,
    root: str | None = None,
    runroot: str | None = None,
    storage_driver: str | None = None,
    modules: Sequence[str] = (),
    events_backend: str | None = None,
    remote: bool | None = None,
    search: Sequence[str] = (),
    notice: Callable[[str], None] | None = None,
    environ: Mapping[str, str] | None = None,
    **chosen: Unpack[Chosen],
) -> Engine:
    """Open the store at `root` (the default one of this user where None), making it at first use.

    Enters the store's user namespace when this process may not do without: a process with more than one thread cannot,
    and gets Unsupported.  `search` are the registries that short names are looked up at, in place of those that
    registries.conf names (docker knows one alone).  Unless `remote` is False, containers.conf can name another engine,
    which is Unsupported.  `notice` is called with each thing the user should know once.  `chosen` says how containers
    are run where that differs from containers.conf.
    """
    environ = os.environ if environ is None else environ
    if userns.needed() and not environ.get("HOME"):
        environ = _with_home(environ)
    places = locations.resolve(
        root or "", runroot or "", uid=userns.outer_uid(), rootless=userns.needed(), environ=environ
    )
    namespace = userns.enter(places.run)
    if namespace.notice and notice is not None:
        notice(namespace.notice)
    driver = storage_driver or _configured_driver(environ, namespace)
    store = Store.open(places, rootless=namespace.rootless, id_map=namespace.id_map, driver=driver)
    conf = containers_conf.load(store.run, environ, rootless=namespace.rootless, modules=tuple(modules))
    if conf.namespace or (conf.remote and remote is not False):
        from argosy.config import remote_engine

        raise remote_engine.refusal(conf)
    if conf.engine_env:
        environ = containers_conf.engine_environment(conf, environ)
    conf = conf.replace(events_logger=events_backend) if events_backend else conf
    again = started_again(places, chosen, modules, remote=remote)
    site = Site(store=store, conf=conf, namespace=namespace, again=again, notice=notice or _silent, **settings(chosen))
    return Engine(store=store, conf=conf, namespace=namespace, environ=environ, site=site, search=search)


def _configured_driver(environ: Mapping[str, str], namespace: userns.Namespace) -> Callable[[], str]:
    """What tells which driver a new store is to have; storage.conf is not read for a store that is there."""

    def wanted() -> str:
        from argosy.config import storage

        return storage.wanted_driver(environ, uid=namespace.uid, rootless=namespace.rootless)

    return wanted


def _silent(_text: str) -> None:
    """Where notices go when nobody asked for them."""
