"""The plan of a build: which stages have to be built, from what, and what each of them waits for.

Pure: made from the syntax tree and what the user gave, before any image is looked at.  What ONBUILD triggers of a base
image ask for is known only once that image is there.
"""

from __future__ import annotations

from argosy.build.dockerfile import instructions as tree
from argosy.build.dockerfile import mounts, scopes
from argosy.build.dockerfile.errors import DockerfileError, near
from argosy.errors import ArgosyError, Invalid
from argosy.oci import platform as platforms
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from argosy.build.dockerfile.instructions import Dockerfile, Instruction, Stage
    from argosy.build.dockerfile.scopes import Scope
    from argosy.oci.platform import Platform

SCRATCH = "scratch"


class Source(Value):
    """Where files or a base come from: `kind` is "stage", "context" (a named one), "image", or "scratch"."""

    kind: str
    name: str
    stage: int = -1


class PlannedStage(Value):
    """A stage with its base; `waits_for` are the stages that it needs, by number, each with the reason."""

    stage: Stage
    base: Source
    platform: Platform
    waits_for: tuple[tuple[int, str], ...] = ()


class Plan(Value):
    """`stages` are those that are built, in the file's order; `target` is the number of the last one.

    `scope` is the file's own, after its ARGs.  `unused` names stages that nothing needs.
    """

    dockerfile: Dockerfile
    stages: tuple[PlannedStage, ...]
    target: int
    scope: Scope
    unused: tuple[str, ...] = ()


class Wanted(Value):
    """What the user gave.  `contexts` are the names of --build-context."""

    target: str = ""
    arguments: Mapping[str, str] = {}
    platform: Platform | None = None
    contexts: frozenset[str] = frozenset()
    all_stages: bool = False  # also those that the target does not need, if they stand above it


def plan(dockerfile: Dockerfile, wanted: Wanted) -> Plan:
    """The plan.  Raises DockerfileError, which knows the place, and ArgosyError for a target that there is not."""
    target = find_target(dockerfile, wanted.target)
    host = platforms.host()
    platform = wanted.platform or host
    given = scopes.platform_arguments(host, platform, wanted.target)
    scope = scopes.file_scope(wanted.arguments, given, dockerfile.escape)
    for argument in dockerfile.arguments:
        scope = scope.with_arguments(argument.assignments)
    found = [_stage(dockerfile, stage, scope, wanted, platform) for stage in dockerfile.stages[: target + 1]]
    needed = frozenset(range(target + 1)) if wanted.all_stages else _needed(found, target)
    unused = tuple(stage.name for stage in dockerfile.stages if stage.index not in needed)
    return Plan(dockerfile, tuple(one for one in found if one.stage.index in needed), target, scope, unused)


def find_target(dockerfile: Dockerfile, name: str) -> int:
    """The number of the stage that --target names; the last one where it names none."""
    if not name:
        return len(dockerfile.stages) - 1
    for stage in reversed(dockerfile.stages):
        if stage.start.name == name.lower() or str(stage.index) == name:
            return stage.index
    known = [stage.name for stage in dockerfile.stages]
    raise ArgosyError(
        f'the target "{name}" was not found in the provided Dockerfile{near(name, known)}',
        hint=f"there are {', '.join(known)}",
    )


def find_source(dockerfile: Dockerfile, name: str, before: int, contexts: frozenset[str]) -> Source:
    """What the name behind `from` means for stage `before`: a context, an earlier stage, or else an image.

    Raises DockerfileError, without place, for a stage that comes later.
    """
    if name in contexts:
        return Source("context", name)
    lowered = name.lower()
    for stage in reversed(dockerfile.stages[:before]):
        if stage.start.name == lowered:
            return Source("stage", stage.name, stage.index)
    if name.isdecimal() and name.isascii():
        if int(name) < before:
            return Source("stage", dockerfile.stages[int(name)].name, int(name))
        raise DockerfileError(f"invalid stage index {name}: only the stages above can be used")
    if any(stage.start.name == lowered for stage in dockerfile.stages[before:]):
        raise DockerfileError(f"stage {name} is not above this one: stages cannot wait for themselves or each other")
    return Source("image", name)


def _stage(dockerfile: Dockerfile, stage: Stage, scope: Scope, wanted: Wanted, platform: Platform) -> PlannedStage:
    start = stage.start
    try:
        base = _base(dockerfile, stage, scope, wanted.contexts)
        made_for = scope.expand(start.platform).text if start.platform else ""
        chosen = platforms.parse(made_for) if made_for else platform
    except (DockerfileError, Invalid) as error:
        why = error.why if isinstance(error, DockerfileError) else str(error)
        raise DockerfileError(why, line=start.line, text=start.text, path=dockerfile.path) from None
    waits: dict[int, str] = {}
    if base.kind == "stage":
        waits[base.stage] = f"FROM {base.name}"
    for number, reason in _waits(dockerfile, stage, wanted.contexts):
        waits.setdefault(number, reason)
    return PlannedStage(stage, base, chosen, tuple(sorted(waits.items())))


def _base(dockerfile: Dockerfile, stage: Stage, scope: Scope, contexts: frozenset[str]) -> Source:
    name = scope.expand(stage.start.base).text
    if not name:
        raise DockerfileError(f"base name ({stage.start.base}) should not be blank")
    if name in contexts:
        return Source("context", name)
    for earlier in reversed(dockerfile.stages[: stage.index]):
        if earlier.start.name == name.lower():
            return Source("stage", earlier.name, earlier.index)
    return Source("scratch", name) if name == SCRATCH else Source("image", name)


def _waits(dockerfile: Dockerfile, stage: Stage, contexts: frozenset[str]) -> Iterator[tuple[int, str]]:
    for instruction in stage.instructions:
        try:
            for name in sources_of(instruction):
                source = find_source(dockerfile, name, stage.index, contexts)
                if source.kind == "stage":
                    yield source.stage, f"line {instruction.line}: {instruction.keyword} from {name}"
        except DockerfileError as error:
            raise error.at(dockerfile.path, instruction.line, instruction.text) from None


def sources_of(instruction: Instruction) -> Iterator[str]:
    """The names behind `from` in COPY and RUN.  Raises DockerfileError, without place."""
    if isinstance(instruction, tree.Copy) and instruction.source_from:
        if "$" in instruction.source_from:
            raise DockerfileError("--from doesn't support variable expansion, define alias stage instead")
        yield instruction.source_from
    if isinstance(instruction, tree.Run):
        for text in instruction.mounts:
            mount = mounts.parse_mount(text, lambda value: value if "$" not in value else "0")
            if mount.source_from:
                yield mount.source_from


def _needed(stages: Sequence[PlannedStage], target: int) -> frozenset[int]:
    found: set[int] = set()
    pending = [target]
    while pending:
        number = pending.pop()
        if number not in found:
            found.add(number)
            pending += [other for other, _ in stages[number].waits_for]
    return frozenset(found)


def show(plan: Plan) -> list[str]:
    """The plan as lines: each stage with its base, its steps, and what it waits for."""
    lines = []
    for planned in plan.stages:
        start = planned.stage.start
        title = f"stage {planned.stage.index}" + (f" ({start.name})" if start.name else "")
        mark = ", target" if planned.stage.index == plan.target else ""
        lines.append(f"{title}: FROM {planned.base.name} for {planned.platform}{mark}")
        for number, reason in planned.waits_for:
            lines.append(f"  waits for stage {number} ({reason})")
        lines += [f"  {one.line}: {one.text}" for one in planned.stage.instructions]
    lines += [f"stage {name} is not needed" for name in plan.unused]
    return lines
