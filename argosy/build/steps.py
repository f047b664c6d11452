"""The instructions of a stage as they are carried out: triggers of its base first, its own, then what flags add."""

from __future__ import annotations

from argosy import jsontext
from argosy.build.dockerfile import instructions as tree
from argosy.build.dockerfile import parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from argosy.build.dockerfile.instructions import Instruction
    from argosy.build.options import BuildOptions
    from argosy.build.plan import Plan, PlannedStage


def of_stage(plan: Plan, planned: PlannedStage, triggers: Iterable[str], options: BuildOptions) -> list[Instruction]:
    """The instructions; `triggers` are what ONBUILD says in the base.  Raises DockerfileError for one that is wrong."""
    escape, path = plan.dockerfile.escape, plan.dockerfile.path
    start = planned.stage.start
    found = [parser.parse_trigger(text, escape, start, path) for text in triggers]
    found += planned.stage.instructions
    if planned.stage.index == plan.target:
        found += [_label(name, value) for name, value in options.labels]
    return found


def _label(name: str, value: str) -> Instruction:
    """--label, as an instruction; nothing in it is expanded."""
    quoted = [jsontext.encode(part).decode().replace("$", "\\$") for part in (name, value)]
    assignment = tree.Assignment(quoted[0], quoted[1])
    return tree.Label(0, 0, f'LABEL "{name}"="{value}"', "LABEL", assignments=(assignment,))
