"""One stage: its steps in order, each taken from the cache or made."""

from __future__ import annotations

import functools
import os
import time

from argosy import jsontext
from argosy.build import cache as caches
from argosy.build import configure, content, failure, history, run, steps, transfer
from argosy.build.cache import Made
from argosy.build.dockerfile import instructions as tree
from argosy.build.dockerfile import scopes
from argosy.build.dockerfile.errors import DockerfileError
from argosy.build.explain import Explanations
from argosy.build.report import StepName
from argosy.build.working import Working
from argosy.errors import ArgosyError
from argosy.images import timestamps
from argosy.linux import paths
from argosy.oci import mediatypes
from argosy.oci.imageconfig import History
from argosy.spec.options import NO_PAIRS
from argosy.storage.images import LayerRef
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from argosy.build.cache import Cache
    from argosy.build.content import FileDigests
    from argosy.build.dockerfile.instructions import Instruction
    from argosy.build.dockerfile.scopes import Scope
    from argosy.build.filetree import FileTree, Selected
    from argosy.build.options import BuildOptions
    from argosy.build.plan import Plan, PlannedStage
    from argosy.build.report import Report
    from argosy.build.sources import Sources
    from argosy.build.state import State
    from argosy.linux.idmap import IdMap
    from argosy.oci.imageconfig import ContainerConfig
    from argosy.spec.options import ContainerOptions
    from argosy.storage.store import Store
    from argosy.storage.work import Work

    # (id, options, configuration, mounted tree, descriptors for output and errors) -> exit status
    RunStep = Callable[[str, ContainerOptions, ContainerConfig, str, tuple[int, int]], int]
# Of what all RUN steps have, what may change their results; limits and how the network is found do not count.
_COUNTED = frozenset(
    ("cap_add", "cap_drop", "cdi_devices", "devices", "mounts", "network", "privileged", "security", "userns")
)


class Tools(Value):
    """What all stages of a build work with."""

    store: Store
    work: Work
    options: BuildOptions
    id_map: IdMap | None  # of the user namespace that steps run in
    plan: Plan
    cache: Cache
    memory: FileDigests
    report: Report
    run_step: RunStep
    run_shell: RunStep


class StageBuild:
    """Builds one stage from the state of its base.  `stages` and `position` number it for the report, from 1."""

    def __init__(
        self, tools: Tools, planned: PlannedStage, base: State, sources: Sources, *, position: int, stages: int
    ) -> None:
        self._tools = tools
        self._planned = planned
        self._sources = sources
        self._position = position
        self._stages = stages
        self._path = tools.plan.dockerfile.path
        self._is_target = planned.stage.index == tools.plan.target
        options = tools.options
        self._one_layer = not options.layers or (self._is_target and (options.squash or options.squash_all))
        self._instructions = steps.of_stage(tools.plan, planned, base.config.on_build, options)
        self._state = base.replace(cmd_is_own=False, config=base.config.replace(on_build=()))
        self._scope: Scope = scopes.stage_scope(tools.plan.scope, base.config.env, base.arguments)
        self._working: Working | None = None
        self._base_key = base.key
        self._anew = False
        self._explanations = Explanations(tools.store.root, f"{options.context}:{self._path}")

    def build(self) -> State:
        """Do all steps; the state after the last one."""
        start = self._planned.stage.start
        total = len(self._instructions) + 1
        self._tools.report.step(StepName(self._position, self._stages, 1, total, self._from_text(start)))
        try:
            for number, instruction in enumerate(self._instructions, 2):
                name = StepName(self._position, self._stages, number, total, instruction.text)
                self._tools.report.step(name)
                self._step(name, instruction)
            if self._one_layer:
                self._commit_all()
        finally:
            if self._working is not None:
                self._working.__exit__()
        return self._state

    def _from_text(self, start: tree.From) -> str:
        return f"FROM {self._planned.base.name}" + (f" AS {start.name_written}" if start.name else "")

    def _step(self, name: StepName, instruction: Instruction) -> None:
        try:
            if isinstance(instruction, tree.Run):
                self._run(name, instruction)
            elif isinstance(instruction, tree.Transfer):
                self._transfer(name, instruction)
            elif isinstance(instruction, tree.Workdir):
                self._workdir(name, instruction)
            else:
                self._configure(name, instruction)
        except ArgosyError as error:
            self._tools.report.failed(name, error.brief)
            if isinstance(error, DockerfileError):
                raise error.at(self._path, instruction.line, instruction.text) from None
            raise failure.StepFailed(instruction, self._path, error) from error

    # Steps that change the configuration alone.

    def _configure(self, name: StepName, instruction: Instruction) -> None:
        config, scope = self._state.config, self._scope
        state = self._state
        if isinstance(instruction, tree.Arg):
            self._scope = scope = scope.with_arguments(instruction.assignments)
            state = state.replace(arguments=scope.arguments)
        elif isinstance(instruction, tree.Maintainer):
            state = state.replace(author=instruction.name)
        else:
            config = configure.configured(config, instruction, scope)
            if isinstance(instruction, tree.Env):
                self._scope = scope.replace(env=dict(entry.partition("=")[::2] for entry in config.env))
            elif isinstance(instruction, tree.Cmd):
                state = state.replace(cmd_is_own=True)
            elif isinstance(instruction, tree.Entrypoint) and not state.cmd_is_own:
                config = config.replace(cmd=())
        self._state = state.replace(config=config)
        described = jsontext.encode(config.to_json()).decode() if not isinstance(instruction, tree.Arg) else ""
        parts = {"the instruction": instruction.text, "the configuration": described, "the author": state.author}
        self._finish(name, parts, history.plain(instruction), None)

    def _workdir(self, name: StepName, instruction: tree.Workdir) -> None:
        """A directory that is not there yet is made, and so a layer; it belongs to the stage's USER."""
        config = configure.configured(self._state.config, instruction, self._scope)
        self._state = self._state.replace(config=config)
        path = config.working_dir

        def make(working: Working) -> None:
            root_fd = working.open_root()
            try:
                uid, gid = transfer.owner(self._state.config.user, root_fd)
                if working.id_map is not None:
                    uid, gid = working.id_map.to_host(uid, gid)
                os.close(paths.make_directories_in_root(root_fd, path, uid=uid, gid=gid))
            finally:
                os.close(root_fd)

        parts = {"the instruction": "WORKDIR", "the path": path}
        self._finish(name, parts, history.plain(instruction), make, may_be_empty=True)

    # Steps that change the tree.

    def _transfer(self, name: StepName, instruction: tree.Transfer) -> None:
        directory = self._open_working().directory
        pieces = self._sources.pieces(instruction, self._scope, directory)
        prepared = transfer.prepare(instruction, pieces, self._state.config, self._scope, self._tools.memory)

        def unpack(files: FileTree, selected: Selected) -> FileTree:
            return self._sources.unpacked(files, selected, directory)

        def copy(working: Working) -> None:
            transfer.carry_out(prepared, working.tree(), working.id_map, unpack)

        apart = None
        if instruction.link and not self._one_layer:
            from argosy.build import linked

            prepared = linked.settled(prepared, lambda: self._open_working().tree())
            apart = functools.partial(linked.make, self._tools, prepared, unpack)
        told = history.transfer(instruction, prepared.kind, prepared.digest)
        parts = {"the instruction": instruction.keyword, **prepared.key}
        self._finish(name, parts, told, copy, files=prepared.files, apart=apart)

    def _run(self, name: StepName, instruction: tree.Run) -> None:
        config = self._state.config
        wanted = run.command(instruction.command, config)
        mounts = run.parsed_mounts(instruction, self._scope)
        visible = self._scope.run_arguments
        counted = {key: value for key, value in visible.items() if key not in scopes.PREDEFINED}
        words = [*wanted.words, wanted.text, instruction.network, instruction.security, *instruction.devices]
        parts = {"the instruction": "RUN", "the command": "\0".join(words)}
        parts.update((f"argument {argument}", value) for argument, value in sorted(counted.items()))
        files: dict[str, str] = {}
        for mount in mounts:
            parts[f"the mount at {mount.target}"] = jsontext.encode(mount.to_json()).decode()
            if mount.type == "bind":
                shown = self._bound_content(mount.source_from, mount.source, files)
                parts[f"what is mounted at {mount.target}"] = shown

        def prepare(working: Working, command: run.Command) -> run.Preparation:
            return run.Preparation(
                *(self._tools.store, instruction, command, mounts, self._scope, self._sources, working),
                *(self._tools.options, config.working_dir),
            )

        def execute(working: Working) -> None:
            root = working.tree()
            with prepare(working, wanted) as prepared, self._tools.report.output(name) as outlet:
                step = os.urandom(32).hex()
                status = self._tools.run_step(
                    step, prepared.options, self._run_config(config), root, outlet.descriptors
                )
            if status:
                own_tree = working if self._one_layer else None
                what = failure.Failed(status, outlet.tail(), self._state, own_tree, prepare)
                raise failure.failed(self._tools, what)

        self._finish(name, parts, history.run(instruction, counted), execute, files=files)

    @staticmethod
    def _run_config(config: ContainerConfig) -> ContainerConfig:
        """What of the configuration counts while it is built: no volumes, so that what is written there stays."""
        return config.replace(volumes=(), entrypoint=(), cmd=(), healthcheck=None, stop_signal="")

    def _bound_content(self, source_from: str, path: str, told: dict[str, str]) -> str:
        """The digest of what a bind mount shows; `told` gets what it says of files."""
        files = self._sources.files(self._sources.named(source_from))
        if files.content:
            return f"{files.content}/{path}"
        (selected,) = files.select(path or ".")
        return content.of_entries(files, files.walk(selected), self._tools.memory, told)

    # What all steps end with.

    def _open_working(self) -> Working:
        if self._working is None:
            self._working = Working(self._tools.store, self._state.diff_ids, self._tools.id_map)
        return self._working

    def _finish(
        self,
        name: StepName,
        parts: Mapping[str, str],
        told: str,
        change: Callable[[Working], None] | None,
        *,
        may_be_empty: bool = False,
        files: Mapping[str, str] = NO_PAIRS,
        apart: Callable[[], str] | None = None,
    ) -> None:
        """Take the step from the cache, or carry out its change of the tree; then note it in state and history.

        `parts` is what it depends on besides the steps before, in words for people; `files` says more of one of them.
        `apart` makes the layer without them.
        """
        tools = self._tools
        before = _apart(tools.options) if apart else self._state.key
        step = caches.key(before, *(text for part in sorted(parts.items()) for text in part))
        after = caches.key(self._state.key, step) if apart else step
        if self._one_layer:
            if change is not None:
                change(self._open_working())
            self._note(after, Made("", self._now(), told))
            return
        made = tools.cache.find(step)
        if made is None:
            with tools.cache.claim(step):
                made = tools.cache.find(step)
                if made is None:
                    told_of = {**parts, **{f"file {path}": line for path, line in files.items()}}
                    self._explain(name, told_of, alone=apart is not None)
                    if apart is not None:
                        made = Made(apart(), self._now(), told)
                        self._drop_working()
                    else:
                        made = self._make(told, change, may_be_empty=may_be_empty)
                    tools.cache.keep(step, made)
                    self._note(after, made)
                    tools.report.done(name, step)
                    return
        if made.layer:
            self._drop_working()
            tools.work.pin(made.layer)
        self._note(after, made)
        tools.report.cached(name, step)

    def _explain(self, name: StepName, parts: dict[str, str], *, alone: bool) -> None:
        """Tell why the step is made: what has changed, or else that a step before was made anew.

        One that is `alone` does not depend on those before.
        """
        place = f"{self._planned.stage.name}:{name.number}"
        if not alone:
            parts = {"the base image": self._base_key, **parts}
        if 0 < sum(label.startswith("file ") for label in parts) < content.MOST_TOLD:
            parts.pop("what is copied", None)  # the files say more
        why = self._explanations.reason(place, parts) if self._tools.options.use_cache else "--no-cache was given"
        if self._anew and not alone and self._tools.options.use_cache and why.startswith("it is not"):
            why = "a step before it was made anew"
        self._anew = True
        self._tools.report.explain(name, why)
        self._explanations.keep(place, parts)

    def _make(self, told: str, change: Callable[[Working], None] | None, *, may_be_empty: bool) -> Made:
        layer = ""
        if change is not None:
            working = self._open_working()
            change(working)
            if not may_be_empty or working.is_changed():
                options = self._tools.options
                meta = working.commit(self._tools.work, latest_s=options.latest_s, exact=options.exact_times)
                layer = meta.diff_id
        return Made(layer, self._now(), told)

    def _drop_working(self) -> None:
        """The layers below change: another tree is mounted for what comes next."""
        working, self._working = self._working, None
        if working is not None:
            working.__exit__()

    def _note(self, key: str, made: Made) -> None:
        entry = History(made.created, made.created_by, author=self._state.author, empty_layer=not made.layer)
        layers = self._state.layers
        if made.layer:
            layers = (*layers, self._layer(made.layer))
        self._state = self._state.replace(key=key, layers=layers, history=(*self._state.history, entry))

    def _layer(self, diff_id: str) -> LayerRef:
        meta = self._tools.store.layers.meta(diff_id)
        media_type = mediatypes.OCI_LAYER if self._tools.options.format == "oci" else mediatypes.DOCKER_LAYER
        return LayerRef(diff_id, "", meta.size_bytes, media_type)

    def _now(self) -> str:
        latest_s = self._tools.options.latest_s
        return timestamps.show(time.time_ns() if latest_s is None else latest_s * 1_000_000_000)

    def _commit_all(self) -> None:
        """All changes of the stage as one layer; with --squash-all those of its base as well."""
        options = self._tools.options
        whole = self._is_target and options.squash_all
        if not self._instructions and not whole:
            return
        working = self._open_working()
        commit = working.commit_whole if whole else working.commit
        meta = commit(self._tools.work, latest_s=options.latest_s, exact=options.exact_times)
        *before, last = self._state.history or (History(self._now(), "squash"),)
        entries = (*before, last.replace(empty_layer=False))
        layers = (() if whole else self._state.layers) + (self._layer(meta.diff_id),)
        self._state = self._state.replace(layers=layers, history=entries[-1:] if whole else entries)


def marker(options: BuildOptions) -> dict[str, Any]:
    """What of the options every step's result depends on, for the first key."""
    given = {name: value for name, value in options.run.to_json().items() if name in _COUNTED}
    return {"run": given, "latest_s": options.latest_s, "exact": options.exact_times, "unset": options.unset_env}


def _apart(options: BuildOptions) -> str:
    """What takes the place of the steps before in the key of a layer that is made apart from them."""
    return caches.key("apart", str(options.latest_s), str(options.exact_times))
