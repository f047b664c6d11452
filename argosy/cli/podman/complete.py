"""`__complete WORD...`: what the last word of a command line may become; shells call it (cobra's protocol).

One candidate a line, with its description behind a tab, then `:` and a directive: 0 for "files as well", 4 for "nothing
else".  Never fails: what cannot be found out has no candidates.
"""

from __future__ import annotations

import os

from argosy.cli import names, usage
from argosy.cli.flags import Command, Flag
from argosy.cli.main import GLOBAL_FLAGS, ROOT_FLAGS
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from argosy.cli.main import Opener
    from argosy.cli.output import Output

    Candidates = list[tuple[str, str]]

_FILES, _NOTHING_ELSE = 0, 4


class CompleteOptions(Value):
    """The words behind the program's name; the last one is to be completed."""

    operands: tuple[str, ...]


def run(options: CompleteOptions, opener: Opener, out: Output) -> int:
    """Print the candidates with their descriptions."""
    found, directive = candidates(out.program, options.operands or ("",), opener)
    for text, description in found:
        out.line(f"{text}\t{description}" if description else text)
    out.line(f":{directive}")
    return 0


def candidates(program: str, words: Sequence[str], opener: Opener) -> tuple[Candidates, int]:
    """The candidates for the last of `words`, and the directive."""
    path, rest = command_path(program, words)
    index = names.index(program)
    *before, last = rest
    if path not in index.COMMANDS:
        if last.startswith("-"):
            return _flags(ROOT_FLAGS, last), _NOTHING_ELSE
        below = usage.subcommands(index, path)
        return [(name, text) for name, text in below.items() if name.startswith(last)], _NOTHING_ELSE
    command = names.load_command(program, index.COMMANDS[path][0])
    operands = _operands(command, program, before)
    if operands is None:
        return [], _FILES  # a flag's value
    ended = "--" in before or (operands > 0 and not command.interspersed)
    if last.startswith("-") and not ended:
        return _flags((*command.flags_of(program), *GLOBAL_FLAGS), last), _NOTHING_ELSE
    kind = _operand_kind(command, operands)
    if program == "buildah" and kind == "CONTAINER":
        return [], _NOTHING_ELSE  # working containers are others
    return _objects(kind, last, opener)


def command_path(program: str, words: Sequence[str]) -> tuple[str, list[str]]:
    """The group or command that the words name, and the words behind it; the last word is never part of it."""
    index = names.index(program)
    takes_value = {f"--{flag.name}" for flag in GLOBAL_FLAGS if flag.kind != "bool"}
    path = ""
    rest = list(words)
    while len(rest) > 1 and path not in index.COMMANDS:
        word = rest[0]
        if word.startswith("-"):
            del rest[: 2 if word in takes_value and len(rest) > 2 else 1]
            continue
        longer = f"{path} {word}".lstrip()
        longer = index.ALIASES.get(longer, longer)
        if longer not in index.COMMANDS and longer not in index.GROUPS:
            break
        path = longer
        del rest[0]
    return path, rest


def _operands(command: Command, program: str, before: Iterable[str]) -> int | None:
    """How many operands stand before the last word; None when that is the value of the flag before it."""
    flags = command.flags_of(program)
    table = {f"--{flag.name}": flag for flag in (*flags, *GLOBAL_FLAGS)}
    table |= {f"-{flag.short}": flag for flag in flags if flag.short}
    count = 0
    value_next = False
    for word in before:
        if value_next:
            value_next = False
        elif word.startswith("-") and word != "-" and (command.interspersed or not count):
            flag = table.get(word)
            value_next = flag is not None and flag.kind not in ("bool", "optbool", "optional")
        else:
            count += 1
    return None if value_next else count


def _flags(flags: Iterable[Flag], last: str) -> Candidates:
    shown = sorted((flag for flag in flags if not flag.hidden), key=lambda flag: flag.name)
    return [(f"--{f.name}", f.help.split("\n")[0]) for f in shown if f"--{f.name}".startswith(last)]


def _operand_kind(command: Command, position: int) -> str:
    """`CONTAINER` or `IMAGE`, or what else the usage line calls the operand."""
    words = [word.strip("[].") for word in command.usage.removeprefix("[options]").split()]
    return words[min(position, len(words) - 1)] if words else ""


def _objects(kind: str, last: str, opener: Opener) -> tuple[Candidates, int]:
    if kind not in ("CONTAINER", "CONTEXT", "IMAGE", "NETWORK", "VOLUME"):
        return [], _FILES
    try:
        if kind == "CONTEXT":
            return _contexts(last), _NOTHING_ELSE
        engine = opener.open()
        if kind == "CONTAINER":
            found = [(view.name, view.image) for view in engine.containers.list().views]
        elif kind == "NETWORK":
            from argosy.containers import networks

            found = [(network.name, network.driver) for network in networks.of(engine.site).listing().networks]
        elif kind == "VOLUME":
            from argosy.volumes import named

            found = [(volume.name, volume.driver) for volume in named.listing(engine.store).volumes]
        else:
            stores = (engine.store, *engine.store.shared)
            found = [(str(reference), "") for store in stores for reference, _ in store.refs.all().refs]
    except (ArgosyError, OSError):
        found = []
    return sorted(pair for pair in found if pair[0].startswith(last)), _NOTHING_ELSE


def _contexts(last: str) -> Candidates:
    """docker's contexts, each with the host that it stands for."""
    from argosy.config import contexts

    known = (contexts.default(os.environ), *contexts.listing(os.environ))
    return sorted((context.name, context.host) for context in known if context.name.startswith(last))


COMMAND = Command(
    path="__complete",
    summary="Candidates for the last word of a command line",
    usage="WORD...",
    options=CompleteOptions,
    run=run,
    interspersed=False,
)
