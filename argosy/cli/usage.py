"""Help as text: what `--help` prints for the program, a group and a command, in cobra's layout.

Also what an unknown command gets.  Imported only when one of these is wanted.
"""

from __future__ import annotations

from argosy.cli import names
from argosy.cli.flags import Command, Flag, UsageError, quoted
from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_HELP_FLAG = Flag("help", help="Help for this command")
_VALUE_NAMES = {
    "bool": "",
    "optbool": "",
    "string": "string",
    "optional": "string",
    "int": "int",
    "uint": "uint",
    "float": "float",
    "duration": "duration",
    "list": "stringArray",
    "csv": "strings",
}
_SUGGESTION_DISTANCE = 2


def command_help(command: Command, program: str, words: str) -> str:
    """The help of one command, called as `program words`."""
    parts = [command.summary, "", "Description:"]
    parts += [f"  {line}".rstrip() for line in (command.description or f"{command.summary}.").splitlines()]
    parts += ["", "Usage:", f"  {usage_line(command, program, words)}"]
    aliases = other_spellings(names.index(program), words)
    if aliases:
        parts += ["", "Aliases:", f"  {', '.join([words, *aliases])}"]
    if command.examples:
        parts += ["", "Examples:"]
        parts += [f"  {example.replace('argosy', program)}" for example in command.examples]
    parts += ["", "Options:", *flag_lines((*_shown_flags(command, program), _HELP_FLAG)), ""]
    return "\n".join(parts) + "\n"


def _shown_flags(command: Command, program: str) -> tuple[Flag, ...]:
    flags = command.flags_of(program)
    if program != "docker" or not command.docker_globals:
        return flags
    from argosy.cli.main import GLOBAL_FLAGS

    return (*flags, *(flag for flag in GLOBAL_FLAGS if flag.name in command.docker_globals))


def usage_line(command: Command, program: str, words: str) -> str:
    """`argosy run [options] IMAGE [COMMAND [ARG...]]`."""
    takes = command.usage.removeprefix("[options]").strip()
    return " ".join(part for part in (program, words, "[options]" if command.flags else "", takes) if part)


def group_help(program: str, path: str, root_flags: Iterable[Flag]) -> str:
    """The help of the program itself (`path` is empty), with its own flags, or of a group of commands."""
    index = names.index(program)
    shown = f"{program} {path}".rstrip()
    title = index.GROUPS[path] if path else index.TITLE
    parts = [title, "", "Usage:", f"  {shown} [options] [command]" if not path else f"  {shown} [command]"]
    below = subcommands(index, path)
    width = max(map(len, below), default=0)
    parts += ["", "Available Commands:"]
    parts += [f"  {name.ljust(width)} {summary}" for name, summary in below.items()]
    if not path:
        parts += ["", "Options:", *flag_lines((*root_flags, _HELP_FLAG))]
    return "\n".join(parts) + "\n\n"


def subcommands(index: Any, path: str) -> dict[str, str]:
    """Name to summary of the commands and groups right below `path`, sorted."""
    start = f"{path} " if path else ""
    found = {}
    for words, summary in [*((words, entry[1]) for words, entry in index.COMMANDS.items()), *index.GROUPS.items()]:
        name = words.removeprefix(start)
        if words.startswith(start) and " " not in name and not name.startswith("_"):
            found[name] = summary
    return dict(sorted(found.items()))


def other_spellings(index: Any, words: str) -> list[str]:
    """The aliases of the command `words`."""
    return sorted(alias for alias, target in index.ALIASES.items() if target == words)


def flag_lines(flags: Iterable[Flag]) -> list[str]:
    """One line for each flag that is not hidden, sorted by name, in pflag's layout."""
    rows = [(_flag_start(flag), flag_text(flag)) for flag in sorted(flags, key=lambda f: f.name) if not flag.hidden]
    width = max((len(start) for start, _ in rows), default=0)
    lines = []
    for start, text in rows:
        first, *more = text.split("\n")
        lines.append(f"{start.ljust(width)}   {first}".rstrip())
        lines += [" " * (width + 3) + line for line in more]
    return lines


def _flag_start(flag: Flag) -> str:
    return (f"  -{flag.short}, " if flag.short else "      ") + f"--{flag.name}" + value_name(flag)


def value_name(flag: Flag) -> str:
    """What stands behind the flag's name: a blank and the kind of its value, or nothing for a bool."""
    name = flag.metavar or _VALUE_NAMES[flag.kind]
    text = f" {name}" if name else ""
    return text + (f"[={quoted(flag.implied)}]" if flag.kind == "optional" else "")


def flag_text(flag: Flag) -> str:
    """The flag's help with its default."""
    default = flag.default
    if default in (None, False, "", (), 0):
        return flag.help
    if isinstance(default, str):
        shown = quoted(default)
    elif isinstance(default, tuple):
        shown = f"[{','.join(default)}]"
    else:
        shown = str(default).lower()
    return f"{flag.help} (default {shown})"


def unknown_command(program: str, path: str, word: str) -> ArgosyError:
    """What to raise for a command that does not exist, with the names that may have been meant."""
    shown = f"{program} {path}".rstrip()
    if program == "docker":
        from argosy.cli.docker import errors

        return errors.unknown_command(path, word)
    near = suggestions(word, subcommands(names.index(program), path))
    meant = "\nDid you mean this?\n" + "".join(f"\t{name}\n" for name in near) + "\n" if near else ""
    return UsageError(
        f"unrecognized command `{shown} {word}`", hint=f"{meant}Try '{shown} --help' for more information"
    )


def suggestions(word: str, known: Iterable[str]) -> list[str]:
    """The names at most two edits away from `word`, or that start with it."""
    lower = word.lower()
    return [name for name in known if name.startswith(lower) or _distance(lower, name) <= _SUGGESTION_DISTANCE]


def _distance(left: str, right: str) -> int:
    """Levenshtein's distance."""
    row = list(range(len(right) + 1))
    for at, char in enumerate(left, 1):
        before, row[0] = row[0], at
        for to, other in enumerate(right, 1):
            before, row[to] = row[to], min(row[to] + 1, row[to - 1] + 1, before + (char != other))
    return row[-1]
