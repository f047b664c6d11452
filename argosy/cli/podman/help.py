"""`help [COMMAND...]`: what `--help` shows."""

from __future__ import annotations

from argosy.cli import names, usage
from argosy.cli.flags import Command
from argosy.cli.main import shown_flags
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class HelpOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: HelpOptions, _opener: Opener, out: Output) -> int:
    """Print the help of the command or group that the operands name."""
    index = names.index(out.program)
    path = ""
    for word in options.operands:
        words = f"{path} {word}".lstrip()
        path = index.ALIASES.get(words, words)
        if path in index.COMMANDS:
            command = names.load_command(out.program, index.COMMANDS[path][0])
            out.write(usage.command_help(command, out.program, path))
            return 0
        if path not in index.GROUPS:
            raise usage.unknown_command(out.program, path.rpartition(" ")[0], word)
    out.write(usage.group_help(out.program, path, shown_flags(out.program)))
    return 0


COMMAND = Command(
    path="help",
    summary="Help about any command",
    description="Shows what a command does and the flags it takes, as `COMMAND --help` does.",
    usage="[COMMAND...]",
    options=HelpOptions,
    run=run,
    examples=("argosy help run", "argosy help image prune"),
)
