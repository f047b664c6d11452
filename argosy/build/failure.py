"""A step that failed.  The state before a RUN becomes an image that can be run, or a shell is opened there."""

from __future__ import annotations

import os

from argosy.build import configure, result
from argosy.build.run import Command
from argosy.build.working import Working
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.build.dockerfile.instructions import Instruction
    from argosy.build.run import Preparation
    from argosy.build.stage import Tools
    from argosy.build.state import State

SHELL = "shell"
ON_FAILURE = ("", "stop", SHELL)
_SHORT = 12


class RunFailed(ArgosyError):
    """A RUN whose command ended with another status than 0, which is the build's as well.

    `tail` are the last lines of its output where they were not shown before.
    """

    def __init__(self, status: int, tail: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(
            f"while running runtime: exit status {status}",
            details="\n".join(f"  | {line}" for line in tail),
            hint=hint,
            exit_code=status,
        )


class StepFailed(ArgosyError):
    """A step that did not work: its text, where it stands, and what went wrong."""

    def __init__(self, instruction: Instruction, path: str, error: ArgosyError) -> None:
        super().__init__(
            f'building at STEP "{instruction.text}": {error.brief}',
            details="\n".join(part for part in (f"{path}:{instruction.line}", error.details) if part),
            hint=error.hint,
            exit_code=error.exit_code,
        )


class Failed(Value):
    """What failed, and in what state.  `own_tree` is the stage's tree where its steps make no layers: then there is no
    state before it any more.  `prepare` makes the step's mounts around another command."""

    status: int
    tail: tuple[str, ...]
    state: State
    own_tree: Working | None
    prepare: Callable[[Working, Command], Preparation]


def failed(tools: Tools, what: Failed) -> RunFailed:
    """The error to raise; with --on-failure shell after a shell, which ends first."""
    if tools.options.on_failure == SHELL:
        tools.report.pause()
        _open_shell(tools, what)
        return RunFailed(what.status, what.tail)
    if what.own_tree is not None or not what.state.layers:
        return RunFailed(what.status, what.tail)
    image = _image(tools, what.state)
    shell = (what.state.config.shell or configure.DEFAULT_SHELL)[0]
    hint = (
        f"the state before it: argosy run --rm -it {image} {shell}\n"
        "or build with --on-failure shell, which opens one there with the step's mounts"
    )
    return RunFailed(what.status, what.tail, hint)


def _image(tools: Tools, state: State) -> str:
    """The id of an image without a name that has the state, for as long as no prune takes it."""
    finish = result.Finish(format=tools.options.format)
    created = state.history[-1].created if state.history else ""
    record = result.image(tools.store, tools.work, state, finish, created, lambda _text: None)
    return record.config_digest.partition(":")[2][:_SHORT]


def _open_shell(tools: Tools, what: Failed) -> None:
    """A shell in the state before the step, with what the step mounts; what is done there is thrown away."""
    shell = (what.state.config.shell or configure.DEFAULT_SHELL)[0]
    if what.own_tree is not None:
        _run_shell(tools, what, what.own_tree, shell)
        return
    with Working(tools.store, what.state.diff_ids, tools.id_map) as working:
        _run_shell(tools, what, working, shell)


def _run_shell(tools: Tools, what: Failed, working: Working, shell: str) -> None:
    config = what.state.config.replace(volumes=(), entrypoint=(), cmd=(), healthcheck=None, stop_signal="")
    tree = working.tree()
    with what.prepare(working, Command((shell,))) as prepared:
        options = prepared.options.replace(tty=os.isatty(0))
        tools.run_shell(os.urandom(32).hex(), options, config, tree, (1, 2))
