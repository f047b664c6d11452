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
from argosy.containers import Containers
from argosy.containers.site import Site, settings, started_again
from argosy.linux import userns
from argosy.storage.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Unpack

    from argosy.build import Build
    from argosy.build.stage import RunStep
    from argosy.config.containers import ContainersConf
    from argosy.config.registries import Registries
    from argosy.containers.site import Chosen
    from argosy.encryption.layers import Keys
    from argosy.images import Images
    from argosy.images.doors import Doors
    from argosy.images.progress import Progress
    from argosy.images.pull import Puller
    from argosy.images.resolve import Resolved
    from argosy.images.trust import Trust
    from argosy.linux.userns import Namespace
    from argosy.oci.imageconfig import ContainerConfig
    from argosy.oci.platform import Platform
    from argosy.oci.reference import Reference
    from argosy.spec.options import ContainerOptions
    from argosy.storage.images import ImageRecord
    from argosy.transports import docker
    from argosy.transports.access import RegistryOptions


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
        signature_policy: str = "",
        keys: Keys | None = None,
    ) -> Puller:
        """What pulls images into this store; the notices of a pull go where the engine's go.

        `signature_policy` is a file to use in place of the usual policy.json; `keys` decrypt layers.
        """
        from argosy.images import progress as progresses
        from argosy.images import pull, transfer
        from argosy.transports.access import RegistryOptions

        chosen = self._with_retries(options or RegistryOptions())

        def open_source(reference: Reference) -> docker.DockerSource:
            return self.open_source(reference, chosen)

        return pull.Puller(
            store=self.store,
            registries=self.load_registries,
            open_source=open_source,
            door=self.doors.registry_door(chosen, signature_policy),
            progress=progress or progresses.Progress(),
            notice=self.site.notice,
            platform=platform,
            at_once=self.conf.image_parallel_copies or transfer.DOWNLOADS_AT_ONCE,
            keys=keys,
        )

    def open_destination(
        self, reference: Reference, record: ImageRecord | None, options: RegistryOptions
    ) -> docker.DockerDestination:
        """The registry's repository to push an image of the store (None: something else) to."""
        from argosy.images import push
        from argosy.transports import docker

        return docker.open_destination(
            reference,
            registries=self.registries,
            environ=self.environ,
            uid=self.namespace.uid,
            options=self._with_retries(options),
            mount_from=() if record is None else push.mount_candidates(record.repo_digests, reference),
            notice=self.site.notice,
            notes=f"{self.store.run}/uploads",
        )

    def trust(self, signature_policy: str = "") -> Trust:
        """The policy by which images are accepted: the file `signature_policy`, or the usual one."""
        from argosy.images import trust

        return trust.load(self.environ, signature_policy)

    @property
    def doors(self) -> Doors:
        """What judges images by the policy where they come in or go on."""
        from argosy.images.doors import Doors

        return Doors(
            store=self.store,
            environ=self.environ,
            rootless=self.namespace.rootless,
            open_source=lambda reference, options: self.open_source(reference, self._with_retries(options)),
            open_destination=self.open_destination,
        )

    def open_source(self, reference: Reference, options: RegistryOptions) -> docker.DockerSource:
        """The image or artifact at its registry; nothing is sent yet."""
        from argosy.transports import docker

        return docker.open_source(
            reference,
            registries=self.registries,
            environ=self.environ,
            uid=self.namespace.uid,
            options=options,
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

    @property
    def images(self) -> Images:
        """What can be done with images."""
        from argosy.images import Images

        return Images(self.store, self.load_registries, self.site.notice)

    def remove_user(self, container_id: str) -> None:
        """Remove a container, or a working container of the builder's, whose image is to go.

        By force; nothing happens when it went by itself meanwhile.
        """
        from argosy.errors import NotFound
        from argosy.pods import remove

        try:
            remove.with_infra(self.site, [self.containers.view(container_id)])
            self.containers.remove(container_id, force=True)
        except NotFound:
            self.remove_working(container_id)

    def remove_working(self, container_id: str) -> None:
        """Remove a working container of the builder's, if there is one."""
        from argosy.errors import NotFound

        try:
            self.build().containers.remove(container_id)
        except NotFound:
            return

    def build(
        self,
        *,
        registry: RegistryOptions | None = None,
        progress: Progress | None = None,
        signature_policy: str = "",
        keys: Keys | None = None,
        stdin: int | None = None,
        no_pivot: bool = False,
        **chosen: Unpack[Chosen],
    ) -> Build:
        """What builds images; base images are pulled with `registry`, judged by `signature_policy` and decrypted with
        `keys`, and `progress` tells of that.

        Steps read from the descriptor `stdin`, where there is one; `no_pivot` and `chosen` are about how they are run.
        """
        from argosy.build import Build
        from argosy.build.executor import Site as BuildSite
        from argosy.images import pull, resolve
        from argosy.transports.access import RegistryOptions

        access = self._with_retries(registry or RegistryOptions())

        def find_image(name: str, platform: Platform, policy: str) -> Resolved:
            def pulled(text: str) -> Resolved:
                puller = self.puller(
                    options=access,
                    platform=platform,
                    progress=progress,
                    signature_policy=signature_policy,
                    keys=keys,
                )
                return pull.pull_text(puller, text)

            return resolve.ensure(self.store, self.load_registries, name, pull=pulled, policy=policy, platform=platform)

        containers = Containers(self.site.replace(**settings(chosen)), self._find_image)

        return Build(
            BuildSite(
                store=self.store,
                find_image=find_image,
                run_step=_step_runner(containers, stdin, no_pivot=no_pivot),
                run_shell=_step_runner(containers, 0, no_pivot=no_pivot),
                end_step=containers.end_step,
                sweep_steps=containers.sweep_steps,
                load_registries=self.load_registries,
                open_source=lambda reference: self.open_source(reference, access),
                open_destination=lambda reference: self.open_destination(reference, None, access),
                environ=self.environ,
                user_namespace=containers.user_namespace_of_steps,
            )
        )

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
    storage_opts: Sequence[str] | None = None,
    transient_store: bool | None = None,
    volumepath: str | None = None,
    network_config_dir: str | None = None,
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
    and gets Unsupported.  `storage_opts` are options of the storage driver in place of those that STORAGE_OPTS or
    storage.conf have; with `transient_store` the containers are those that end with this boot.  `volumepath` is where a
    store without volumes is to have them.  `search` are the registries that short names are looked up at, in place of
    those that registries.conf names (docker knows one alone).  Unless `remote` is False, containers.conf can name
    another engine, which is Unsupported.  `notice` is called with each thing the user should know once.  `chosen` says
    how containers are run where that differs from containers.conf.
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
    usual = root is None and not storage_driver
    storage, words = _storage(environ, namespace, storage_opts, storage_driver, transient_store, usual=usual)
    store = Store.open(places, rootless=namespace.rootless, id_map=namespace.id_map, notice=notice, **storage)
    conf = containers_conf.load(store.run, environ, rootless=namespace.rootless, modules=tuple(modules))
    if conf.namespace or (conf.remote and remote is not False):
        from argosy.config import remote_engine

        raise remote_engine.refusal(conf)
    if conf.engine_env:
        environ = containers_conf.engine_environment(conf, environ)
    conf = conf.replace(events_logger=events_backend) if events_backend else conf
    words = (*words, *_log_events(conf, store, events_backend, notice or _silent))
    if namespace.chroot:  # there are no others
        conf = conf.replace(**dict.fromkeys(("pidns", "ipcns", "utsns", "cgroupns", "netns"), "host"))
    if volumepath or conf.volume_path:
        from argosy.storage.places import settle_volume_path

        settle_volume_path(store, os.path.abspath(volumepath or conf.volume_path), by_flag=bool(volumepath))
    if network_config_dir:
        conf = conf.replace(network_config_dir=os.path.abspath(network_config_dir))
        words = (*words, f"--network-config-dir={conf.network_config_dir}")
    again = started_again(places, chosen, modules, remote=remote, storage_words=words)
    site = Site(store=store, conf=conf, namespace=namespace, again=again, notice=notice or _silent, **settings(chosen))
    return Engine(store=store, conf=conf, namespace=namespace, environ=environ, site=site, search=search)


def _storage(
    environ: Mapping[str, str],
    namespace: Namespace,
    options: Sequence[str] | None,
    driver: str | None,
    transient: bool | None,  # noqa: FBT001 -- the flag as it came
    *,
    usual: bool,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What `Store.open` is called with beside the place, and the words that say the same again.

    `usual`: the store is the one that storage.conf speaks of.  With another one, or another driver, its options do not
    count, as with podman.
    """
    found: dict[str, Any] = {}
    program, words = "", tuple[str, ...]()
    from_file = usual and bool(locations.storage_conf(environ, rootless=namespace.rootless))
    if options or transient or from_file or (options is None and environ.get("STORAGE_OPTS")):
        from argosy.storage import chosen

        found, program, words = chosen.settings(environ, namespace, options, transient=transient, from_file=from_file)

    def wanted() -> tuple[tuple[str, ...], str]:
        from argosy.storage import chosen

        return chosen.drivers(environ, namespace, driver, program)

    return {**found, "wanted": wanted}, words


def _log_events(conf: ContainersConf, store: Store, asked: str | None, notice: Callable[[str], None]) -> Sequence[str]:
    """Have the store log events where containers.conf says; the words that say the same again.

    What is to go to the journal goes to the file: there is no other place but none at all.
    """
    if asked == "journald":
        notice("events are kept in a file, not in the journal: argosy events shows them")
    if conf.events_logger == "none" or conf.events_logfile_path or conf.events_logfile_max_size != "1m":
        from argosy.records.events import Log
        from argosy.spec.processflags import parse_log_size

        path = "" if conf.events_logger == "none" else conf.events_logfile_path or store.events.path
        store.events = Log(path, parse_log_size(conf.events_logfile_max_size))
    return (f"--events-backend={asked}",) if asked else ()


def _silent(_text: str) -> None:
    """Where notices go when nobody asked for them."""


def _step_runner(containers: Containers, stdin: int | None, *, no_pivot: bool) -> RunStep:
    """What runs the steps of builds; they read from `stdin`, or nothing."""
    from argosy.containers.step import Step

    def run(step: str, options: ContainerOptions, image: ContainerConfig, tree: str, output: tuple[int, int]) -> int:
        with open(os.devnull, "rb") as nothing:
            source = nothing.fileno() if stdin is None else stdin
            return containers.run_step(Step(step, options, image, tree, source, *output, no_pivot=no_pivot))

    return run
