"""Writes the manual pages in docs/man from the flag tables, so that help and manual cannot disagree.

usage: python tools/manpages.py [--check]

With --check nothing is written; the status is 1 when a page is not what it should be.  Read one with
`man docs/man/argosy-run.1`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, CHECKOUT)

from argosy.cli import buildah, docker, names, podman, skopeo, usage  # noqa: E402 -- the path comes first
from argosy.cli.flags import Command, Flag  # noqa: E402
from argosy.cli.main import ROOT_FLAGS, shown_flags  # noqa: E402
from argosy.version import VERSION  # noqa: E402

DIRECTORY = f"{CHECKOUT}/docs/man"
PROGRAM = "argosy"


def pages() -> dict[str, str]:
    """File name to content of every page."""
    made = {f"{PROGRAM}.1": program_page()}
    for path, summary in podman.GROUPS.items():
        made[file_name(path)] = group_page(path, summary)
    main_names: dict[str, str] = {}
    shown = {words: entry for words, entry in podman.COMMANDS.items() if not words.startswith("_")}
    for words, (module, _, _) in shown.items():
        command = names.load_command(PROGRAM, module)
        if module not in main_names or words == command.path:
            main_names[module] = words
    for words, (module, _, _) in shown.items():
        if main_names[module] == words:
            made[file_name(words)] = command_page(words, names.load_command(PROGRAM, module))
        else:
            made[file_name(words)] = f".so man1/{file_name(main_names[module])}\n"
    guests = (("buildah", buildah, buildah.COMMANDS, ()), ("docker", docker, docker.OWN, ()))
    for program, index, commands, places in (*guests, ("skopeo", skopeo, skopeo.COMMANDS, skopeo.PLACES)):
        made |= guest_pages(program, index.TITLE, commands, places)
    return made


def guest_pages(
    program: str, title: str, commands: Mapping[str, tuple[str, str, bool]], places: Sequence[tuple[str, str]]
) -> dict[str, str]:
    """The pages of `argosy PROGRAM` and its commands, under names that leave those of the program itself alone."""
    guest = f"{PROGRAM} {program}"
    parts = _head(guest, title)
    parts += [".SH SYNOPSIS", f"\\fB{guest}\\fR [\\fIoptions\\fR] \\fIcommand\\fR", ".br"]
    parts += [f"\\fB{program}\\fR [\\fIoptions\\fR] \\fIcommand\\fR"]
    parts += [".SH PLACES OF IMAGES"] if places else []
    for place, text in places:
        parts += [".TP", f"\\fB{_escaped(place)}\\fR", *_paragraphs(text)]
    parts += [".SH OPTIONS", *_options(shown_flags(program)), ".SH COMMANDS"]
    made = {}
    for words, (module, summary, _) in commands.items():
        if words.startswith("_"):
            continue
        page = file_name(f"{program} {words}")
        parts += [".TP", f"\\fB{_escaped(page.removesuffix('.1'))}\\fR(1)", _escaped(summary)]
        made[page] = _guest_page(program, words, names.load_command(program, module))
    made[file_name(program)] = "\n".join([*parts, *_see_also()]) + "\n"
    return made


def _guest_page(program: str, words: str, command: Command) -> str:
    guest = f"{PROGRAM} {program}"
    parts = _head(f"{guest} {words}", command.summary)
    line = usage.usage_line(command, guest, words)
    shown = f"{guest} {words}"
    parts += [".SH SYNOPSIS", f"\\fB{_escaped(shown)}\\fR{_escaped(line.removeprefix(shown))}"]
    command = command.replace(examples=tuple(example.replace(PROGRAM, program) for example in command.examples))
    return "\n".join([*parts, *_body(command, program)]) + "\n"


def _body(command: Command, program: str) -> list[str]:
    """Description, options and examples."""
    parts = [".SH DESCRIPTION", *_paragraphs(command.description or f"{command.summary}.")]
    flags = command.flags_of(program)
    if flags:
        parts += [".SH OPTIONS", *_options(flags)]
    if command.examples:
        parts += [".SH EXAMPLES", ".nf", *(_escaped(example) for example in command.examples), ".fi"]
    return [*parts, *_see_also()]


def file_name(words: str) -> str:
    """`argosy-image-prune.1`."""
    return f"{PROGRAM}-{words.replace(' ', '-')}.1"


def program_page() -> str:
    """The page of the program itself."""
    parts = _head(PROGRAM, podman.TITLE)
    parts += [".SH SYNOPSIS", f"\\fB{PROGRAM}\\fR [\\fIoptions\\fR] \\fIcommand\\fR"]
    parts += [".SH OPTIONS", *_options(ROOT_FLAGS), ".SH COMMANDS", *_commands("")]
    return "\n".join(parts) + "\n"


def group_page(path: str, summary: str) -> str:
    """The page of a group of commands."""
    parts = _head(f"{PROGRAM} {path}", summary)
    parts += [
        ".SH SYNOPSIS",
        f"\\fB{_escaped(f'{PROGRAM} {path}')}\\fR \\fIcommand\\fR",
        ".SH COMMANDS",
        *_commands(path),
    ]
    return "\n".join([*parts, *_see_also()]) + "\n"


def command_page(words: str, command: Command) -> str:
    """The page of one command."""
    parts = _head(f"{PROGRAM} {words}", command.summary)
    parts += [".SH SYNOPSIS"]
    for name in (words, *(other for other, entry in podman.COMMANDS.items() if _same(other, words, entry[0]))):
        line = usage.usage_line(command, PROGRAM, name)
        shown = f"{PROGRAM} {name}"
        parts += [f"\\fB{_escaped(shown)}\\fR{_escaped(line.removeprefix(shown))}", ".br"]
    return "\n".join([*parts, *_body(command, PROGRAM)]) + "\n"


def _same(other: str, words: str, module: str) -> bool:
    return other != words and module == podman.COMMANDS[words][0]


def _head(shown: str, summary: str) -> list[str]:
    name = shown.replace(" ", "-")
    return [
        '.\\" Written by tools/manpages.py from the flag tables; change those.',
        f'.TH {_escaped(name.upper())} 1 "" "Argosy {VERSION}" "User Commands"',
        ".SH NAME",
        f"{_escaped(name)} \\- {_escaped(summary)}",
    ]


def _options(flags: Iterable[Flag]) -> list[str]:
    lines = []
    for flag in sorted(flags, key=lambda one: one.name):
        if flag.hidden:
            continue
        spelled = ", ".join(
            f"\\fB{_escaped(text)}\\fR" for text in (f"-{flag.short}" if flag.short else "", f"--{flag.name}") if text
        )
        lines += [".TP", spelled + _value(flag), *_paragraphs(usage.flag_text(flag))]
    return lines


def _value(flag: Flag) -> str:
    text = usage.value_name(flag).strip()
    if not text:
        return ""
    name, bracket, implied = text.partition("[=")
    return (
        f" \\fI{_escaped(name)}\\fR"
        if not bracket
        else f"[=\\fI{_escaped(name)}\\fR] (alone: {_escaped(implied.rstrip(']'))})"
    )


def _commands(path: str) -> list[str]:
    lines = []
    for name, summary in usage.subcommands(podman, path).items():
        page = file_name(f"{path} {name}".strip()).removesuffix(".1")
        lines += [".TP", f"\\fB{_escaped(page)}\\fR(1)", _escaped(summary)]
    return lines


def _see_also() -> list[str]:
    return [".SH SEE ALSO", f"\\fB{PROGRAM}\\fR(1)"]


def _paragraphs(text: str) -> list[str]:
    return [_escaped(line) if line else ".sp" for line in text.splitlines()]


def _escaped(text: str) -> str:
    plain = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + plain if plain[:1] in (".", "'") else plain


def differences() -> list[str]:
    """The pages that are not current, missing or left over."""
    wanted = pages()
    there = {name for name in os.listdir(DIRECTORY) if name.endswith(".1")} if os.path.isdir(DIRECTORY) else set()
    return sorted((there - wanted.keys()) | {name for name, text in wanted.items() if _read(name) != text})


def _read(name: str) -> str:
    try:
        with open(f"{DIRECTORY}/{name}", encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def main() -> int:
    """Write the pages, or compare."""
    changed = differences()
    if "--check" in sys.argv[1:]:
        for name in changed:
            print(f"not current: docs/man/{name} (run `make man`)")
        return 1 if changed else 0
    wanted = pages()
    os.makedirs(DIRECTORY, exist_ok=True)
    for name in changed:
        if name in wanted:
            with open(f"{DIRECTORY}/{name}", "w", encoding="utf-8") as file:
                file.write(wanted[name])
        else:
            os.unlink(f"{DIRECTORY}/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
