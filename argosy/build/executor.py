"""A build: its stages, each as soon as those that it waits for are done, and the image of the last one."""

from __future__ import annotations

import threading
import time

from argosy import jsontext
from argosy.build import cache as caches
from argosy.build import configure, plan, result, stage
from argosy.build.cache import Cache
from argosy.build.content import FileDigests
from argosy.build.dockerfile.errors import near
from argosy.build.sources import Sources
from argosy.build.state import State
from argosy.errors import ArgosyError
from argosy.images import timestamps
from argosy.oci.imageconfig import ContainerConfig
from argosy.storage import sweep
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future, ThreadPoolExecutor

    from argosy.build.cache import Made, Others
    from argosy.build.exchange import Exchange, Place
    from argosy.build.options import BuildOptions
    from argosy.build.plan import Plan, PlannedStage, Source
    from argosy.build.report import Report
    from argosy.build.stage import RunStep
    from argosy.images.resolve import LoadRegistries, Resolved
    from argosy.linux.idmap import IdMap
    from argosy.oci.platform import Platform
    from argosy.oci.reference import Reference
    from argosy.spec.options import ContainerOptions
    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store
    from argosy.storage.work import Work
    from argosy.transports.destination import ImageDestination
    from argosy.transports.source import ImageSource

    FindImage = Callable[[str, Platform, str], Resolved]


_FORGOTTEN_S = 30 * 24 * 3600.0  # steps that no build has used for so long


class Site(Value):
    """What a build works with.  `find_image` gives an image by name, platform and pull policy.

    `end_step` ends a step that runs, by its id; `run_shell` runs one that reads from standard input.
    `open_source` and `open_destination` lead to registries.  `user_namespace` settles what --userns and its like ask
    for: the options with the ids by number, and the map.
    """

    store: Store
    find_image: FindImage
    run_step: RunStep
    run_shell: RunStep
    end_step: Callable[[str], None]
    sweep_steps: Callable[[], None]
    load_registries: LoadRegistries
    open_source: Callable[[Reference], ImageSource]
    open_destination: Callable[[Reference], ImageDestination]
    environ: Mapping[str, str]
    user_namespace: Callable[[ContainerOptions], tuple[ContainerOptions, IdMap | None]]


def make_plan(options: BuildOptions) -> Plan:
    """The plan of a build, which does nothing yet."""
    wanted = plan.Wanted(
        *(options.target, options.arguments, options.platform, frozenset(options.contexts)),
        all_stages=options.all_stages,
    )
    return plan.plan(options.dockerfile, wanted)


def common_platforms(site: Site, options: BuildOptions) -> tuple[Platform, ...]:
    """What all base images are there for, but those whose FROM names a platform.  Raises ArgosyError for none."""
    from argosy.images.offered import offered

    bases = {}
    ask = options.pull in ("always", "newer")
    for planned in make_plan(options).stages:
        name = planned.base.name
        if planned.base.kind == "context":
            name = options.contexts[name].image
        if planned.base.kind in ("image", "context") and name and not planned.stage.start.platform:
            bases[name] = offered(site.store, site.load_registries, site.open_source, name, ask=ask)
    if not bases:
        why = "--all-platforms: no stage starts from an image whose platforms could be looked up"
        raise ArgosyError(why, hint="name the platforms: --platform linux/amd64,linux/arm64")
    first, *others = bases.values()
    found = tuple(one for one in first if all(one in other for other in others))
    if not found:
        told = "\n".join(f"{name}: {', '.join(map(str, there))}" for name, there in bases.items())
        raise ArgosyError("--all-platforms: the base images have no platform in common", details=told)
    return found


def bases(site: Site, options: BuildOptions) -> dict[str, str]:
    """The base images of a build, which are in the store by now, by name, with the digests of their manifests."""
    found = {}
    for planned in make_plan(options).stages:
        base = planned.base
        name = options.contexts[base.name].image if base.kind == "context" else base.name
        if base.kind in ("image", "context") and name:
            found[name] = site.find_image(name, planned.platform, "missing").record.manifest_digest
    return found


def build(site: Site, options: BuildOptions, report: Report) -> ImageRecord:
    """Build the image.  It is on disk when this returns; after an error the cache keeps the steps that were done."""
    planned = make_plan(options)
    site.sweep_steps()
    sweep.sweep_root(f"{site.store.run}/builds")
    with site.store.work() as work:
        site.store.unstable.begin()
        image = _Build(site, options, report, planned, work).run()
    _forget(site.store)
    site.store.events.write("image", "build", Name=image.config_digest.partition(":")[2])
    return image


def _forget(store: Store) -> None:
    """Prune the cache by age, and where the disk is nearly full; then what only it has kept goes."""
    known = Cache(store)
    if known.prune(older_than_s=_FORGOTTEN_S) + known.make_room():
        from argosy.storage import gc

        gc.collect(store)


def _exchange(site: Site, place: Place, directory: str, warn: Callable[[str], None]) -> Exchange:
    """The cache at a place; `directory` is for temporary files."""
    if place.reference is None:
        from argosy.build.exchange import DirectoryCache

        return DirectoryCache(site.store, place.directory)
    from argosy.build.registry_cache import RegistryCache

    return RegistryCache(site.store, place.reference, site.open_source, site.open_destination, directory, warn)


class _Build:
    def __init__(self, site: Site, options: BuildOptions, report: Report, planned: Plan, work: Work) -> None:
        self._site = site
        run_options, id_map = site.user_namespace(options.run)
        self._options = options = options.replace(run=run_options)
        self._plan = planned
        self._states: dict[int, State] = {}
        self._images: dict[tuple[str, str], State] = {}
        self._mutex = threading.Lock()
        self._running: set[str] = set()
        self._cancelled = False
        store = site.store
        self._tools = stage.Tools(
            store=store,
            work=work,
            options=options,
            id_map=id_map,
            plan=planned,
            cache=Cache(
                store,
                reads=options.use_cache,
                writes=options.layers,
                ttl_s=options.cache_ttl_s,
                others=self._others(work, report),
            ),
            memory=FileDigests(f"{store.root}/buildcache/.files"),
            report=report,
            run_step=self._run_step,
            run_shell=site.run_shell,
        )

    def _others(self, work: Work, report: Report) -> Others:
        """What --cache-from asks; the data of cache mounts is taken over at once."""
        found: list[Callable[[str], Made | None]] = []
        for place in self._options.cache_from:
            other = _exchange(self._site, place, work.path, report.warn)
            if place.mounts:
                other.take_mounts()
            found.append(other.find)
        return tuple(found)

    def run(self) -> ImageRecord:
        """Build the stages, then the image."""
        try:
            self._build_stages()
        finally:
            self._tools.memory.save()
        state = self._states[self._plan.target]
        tools = self._tools
        for place in self._options.cache_to:
            other = _exchange(self._site, place, tools.work.path, tools.report.warn)
            other.write(tools.cache.met, mounts=place.mounts)
        return result.image(tools.store, tools.work, state, self._options, self._created(state), tools.report.warn)

    def _created(self, state: State) -> str:
        """The image's time is that of its last step: the same steps from the cache are the same image."""
        if self._options.latest_s is not None:
            return timestamps.show(self._options.latest_s * 1_000_000_000)
        last = state.history[-1].created if state.history else ""
        return last or timestamps.show(time.time_ns())

    def _build_stages(self) -> None:
        waiting = list(self._plan.stages)
        if self._options.jobs == 1 or len(waiting) == 1:
            for planned in waiting:
                self._states[planned.stage.index] = self._build_stage(planned)
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(self._options.jobs or len(waiting), "stage") as pool:
            try:
                self._side_by_side(pool, waiting)
            except BaseException:
                self._cancel()
                raise

    def _side_by_side(self, pool: ThreadPoolExecutor, waiting: list[PlannedStage]) -> None:
        from concurrent.futures import FIRST_COMPLETED, wait

        running: dict[Future[State], int] = {}
        while waiting or running:
            for planned in list(waiting):
                if all(number in self._states for number, _ in planned.waits_for):
                    waiting.remove(planned)
                    running[pool.submit(self._build_stage, planned)] = planned.stage.index
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                self._states[running.pop(future)] = future.result()

    def _cancel(self) -> None:
        """End the steps that run in other threads; those that have not begun do not begin any more."""
        with self._mutex:
            self._cancelled = True
            running = tuple(self._running)
        for step in running:
            self._site.end_step(step)

    def _run_step(self, step: str, *rest: object) -> int:
        with self._mutex:
            if self._cancelled:
                raise ArgosyError("the build was given up: another stage failed")
            self._running.add(step)
        try:
            return self._site.run_step(step, *rest)  # type: ignore[arg-type]  # handed on as it came
        finally:
            with self._mutex:
                self._running.discard(step)

    def _build_stage(self, planned: PlannedStage) -> State:
        position = self._plan.stages.index(planned) + 1
        with Sources(
            self._site.store,
            self._plan.dockerfile,
            planned.stage.index,
            self._options,
            self._site.environ,
            self._layers_of,
            planned.platform,
        ) as sources:
            base = self._base(planned)
            return stage.StageBuild(
                self._tools, planned, base, sources, position=position, stages=len(self._plan.stages)
            ).build()

    def _base(self, planned: PlannedStage) -> State:
        base = planned.base
        if base.kind == "stage":
            return self._states[base.stage]
        if base.kind == "scratch":
            config = ContainerConfig(env=(configure.DEFAULT_PATH,))
            key = caches.key("scratch", str(planned.platform), self._marker())
            return State(config, planned.platform, key=key)
        name = base.name
        if base.kind == "context":
            name = self._options.contexts[base.name].image
            if not name:
                raise ArgosyError(f"the build context {base.name} is a directory, and cannot be a base image")
        return self._image(name, planned.platform)

    def _image(self, name: str, platform: Platform) -> State:
        with self._mutex:
            known = self._images.get((name, str(platform)))
        if known is not None:
            return known
        from argosy.images import resolve

        try:
            found = self._site.find_image(name, platform, self._options.pull)
        except ArgosyError as error:
            self._look_for_stage(name, error)
            raise
        record = found.record
        self._tools.work.pin(record.manifest_digest)
        config = resolve.config(self._site.store, record)
        container = config.config
        if not any(entry.startswith("PATH=") for entry in container.env):
            container = container.replace(env=(configure.DEFAULT_PATH, *container.env))
        state = State(
            container,
            config.platform,
            layers=record.layers,
            history=config.history,
            author=config.author,
            os_features=config.os_features,
            key=caches.key("image", record.config_digest, self._marker()),
            base_name=found.shown if found.name else "",
            base_digest=record.manifest_digest,
        )
        with self._mutex:
            self._images[name, str(platform)] = state
        return state

    def _look_for_stage(self, name: str, error: ArgosyError) -> None:
        """Raise the error with the stage that the name of an image which is not to be had was perhaps meant for."""
        meant = near(name, [one.start.name for one in self._plan.dockerfile.stages if one.start.name])
        if meant:
            hint = f"no stage has the name {name} either{meant}"
            raise ArgosyError(error.brief, details=error.details, hint=hint, exit_code=error.exit_code) from error

    def _marker(self) -> str:
        return jsontext.encode(stage.marker(self._options), sort=True).decode()

    def _layers_of(self, source: Source, platform: Platform) -> tuple[str, ...]:
        """The layers of a stage, which is done by now, or of an image."""
        if source.kind == "stage":
            state = self._states.get(source.stage)
            if state is None:
                raise ArgosyError(
                    f"stage {source.name} is not built: only an ONBUILD of a base image asks for it",
                    hint=f"name it in this Dockerfile as well, as in COPY --from={source.name}",
                )
            return state.diff_ids
        return self._image(source.name, platform).diff_ids
