"""Statements to the syntax tree: each instruction's arguments and flags by docker's reference."""

from __future__ import annotations

import re

from argosy.build.dockerfile import instructions as tree
from argosy.build.dockerfile import lexer, words
from argosy.build.dockerfile.commandline import command_line
from argosy.build.dockerfile.errors import DockerfileError, near
from argosy.build.dockerfile.flags import SWITCH, TEXT, TEXTS, Flags
from argosy.build.dockerfile.healthcheck import parse_healthcheck
from argosy.build.dockerfile.instructions import Assignment, Dockerfile, From, Instruction, Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from argosy.build.dockerfile.lexer import Heredoc, Statement

_STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*")
_LABEL_OR_ENV = {"ENV": tree.Env, "LABEL": tree.Label}
_TRANSFER_FLAGS = {"chown": TEXT, "chmod": TEXT, "link": SWITCH, "exclude": TEXTS}
_COPY_FLAGS = {**_TRANSFER_FLAGS, "from": TEXT, "parents": SWITCH}
_ADD_FLAGS = {**_TRANSFER_FLAGS, "checksum": TEXT, "keep-git-dir": SWITCH, "unpack": SWITCH}
_RUN_FLAGS = {"mount": TEXTS, "network": TEXT, "security": TEXT, "device": TEXTS}
_NETWORKS = ("default", "none", "host")
_SECURITIES = ("sandbox", "insecure")
_MOST_INSTRUCTIONS = 10_000  # each is an entry of the image's history, and a config has 4 MiB at most


def parse(data: bytes, path: str = "Dockerfile") -> Dockerfile:
    """The syntax tree of a file, named `path` in errors.  Raises DockerfileError."""
    lexed = lexer.lex(data, path)
    if len(lexed.statements) > _MOST_INSTRUCTIONS:
        why = f"it has {len(lexed.statements)} instructions, more than {_MOST_INSTRUCTIONS} instructions are not taken"
        raise DockerfileError(why, path=path)
    arguments: list[tree.Arg] = []
    starts: list[From] = []
    bodies: list[list[Instruction]] = []
    for statement in lexed.statements:
        found = _at_place(statement, lexed.escape, path)
        if isinstance(found, From):
            starts.append(found)
            bodies.append([])
        elif bodies:
            bodies[-1].append(found)
        elif isinstance(found, tree.Arg):
            arguments.append(found)
        else:
            why = f"no build stage in current context: {found.keyword} stands before the first FROM"
            raise DockerfileError(why, line=found.line, text=found.text, path=path)
    if not starts:
        raise DockerfileError("file with no instructions" if not lexed.statements else "it has no FROM", path=path)
    return Dockerfile(
        path,
        tuple(Stage(index, start, tuple(bodies[index])) for index, start in enumerate(starts)),
        tuple(arguments),
        lexed.directives,
        lexed.escape,
        tuple(statement.empty_continuation for statement in lexed.statements if statement.empty_continuation),
    )


def parse_trigger(text: str, escape: str, place: Instruction, path: str) -> Instruction:
    """The instruction that an ONBUILD of a base image holds; `place` is the FROM that runs it."""
    lexed = lexer.lex(text.encode("utf-8", "surrogateescape"), path)
    if len(lexed.statements) != 1:
        raise DockerfileError("this is not one instruction", line=place.line, text=text, path=path)
    found = _at_place(lexed.statements[0], escape, path)
    return found.replace(line=place.line, last_line=place.last_line)


def _at_place(statement: Statement, escape: str, path: str) -> Instruction:
    try:
        return _instruction(statement, escape)
    except DockerfileError as error:
        raise error.at(path, statement.line, statement.text) from None


def _instruction(statement: Statement, escape: str) -> Instruction:
    parser = _PARSERS.get(statement.keyword)
    if parser is None:
        raise DockerfileError(f"unknown instruction: {statement.written}{near(statement.written, _PARSERS)}")
    place: dict[str, Any] = {
        "line": statement.line,
        "last_line": statement.last_line,
        "text": statement.text.strip(),
        "written": statement.written,
        "comments": statement.comments,
    }
    return parser(statement, escape, place)


def _no_flags(statement: Statement) -> None:
    Flags(statement.flags, {})


def _at_least_one(keyword: str, found: tuple[Any, ...] | list[Any] | str) -> None:
    if not found:
        raise DockerfileError(f"{keyword} requires at least one argument")


def _list(statement: Statement) -> tuple[str, ...]:
    """The strings of a JSON array, or the words between blanks."""
    array = words.json_array(statement.rest)
    return tuple(words.split_blanks(statement.rest)) if array is None else array


def _arg(statement: Statement, escape: str, place: dict[str, Any]) -> Instruction:
    _no_flags(statement)
    found = []
    for word in words.split_quoted(statement.rest, escape):
        name, equals, value = word.partition("=")
        if not name:
            raise DockerfileError("ARG names can not be blank")
        found.append(Assignment(name, value if equals else None))
    _at_least_one("ARG", found)
    return tree.Arg(**place, assignments=tuple(found))


def _assignments(statement: Statement, escape: str, place: dict[str, Any]) -> Instruction:
    """ENV and LABEL: `name=value ...`, or in the old form one name and the rest of the line."""
    keyword = statement.keyword
    _no_flags(statement)
    parts = words.split_quoted(statement.rest, escape)
    _at_least_one(keyword, parts)
    if "=" not in parts[0]:
        name, value = words.split_first(statement.rest)
        if not value:
            raise DockerfileError(f"{keyword} must have two arguments")
        return _LABEL_OR_ENV[keyword](**place, assignments=(Assignment(name, value, spaced=True),))
    found = []
    for word in parts:
        name, equals, value = word.partition("=")
        if not equals:
            raise DockerfileError(f'can\'t find = in "{word}". Must be of the form: name=value')
        if not name:
            raise DockerfileError(f"{keyword} names can not be blank")
        found.append(Assignment(name, value))
    return _LABEL_OR_ENV[keyword](**place, assignments=tuple(found))


def _from(statement: Statement, _escape: str, place: dict[str, Any]) -> Instruction:
    flags = Flags(statement.flags, {"platform": TEXT})
    parts = words.split_blanks(statement.rest)
    name = ""
    if len(parts) == 3 and parts[1].lower() == "as":
        name = parts[2].lower()
        if not _STAGE_NAME.fullmatch(name):
            why = f'invalid name for build stage: "{parts[2]}", name can\'t start with a number or contain symbols'
            raise DockerfileError(why)
    elif len(parts) != 1:
        raise DockerfileError("FROM requires either one or three arguments")
    written = (parts[2], parts[1]) if name else ("", "")
    return From(
        **place,
        base=parts[0],
        platform=flags.text("platform"),
        name=name,
        name_written=written[0],
        as_written=written[1],
    )


def _run(statement: Statement, _escape: str, place: dict[str, Any]) -> Instruction:
    flags = Flags(statement.flags, _RUN_FLAGS)
    command = command_line(statement)
    if not command.words:
        raise DockerfileError("RUN requires at least one argument")
    network, security = flags.text("network", "default"), flags.text("security", "sandbox")
    _choice("network", network, _NETWORKS)
    _choice("security", security, _SECURITIES)
    return tree.Run(
        **place,
        command=command,
        mounts=flags.texts("mount"),
        network=network,
        security=security,
        devices=flags.texts("device"),
    )


def _choice(flag: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise DockerfileError(f'invalid value "{value}" for flag --{flag}{near(value, known)}; use {", ".join(known)}')


def _cmd(statement: Statement, _escape: str, place: dict[str, Any]) -> Instruction:
    _no_flags(statement)
    return tree.Cmd(**place, command=command_line(statement))


def _entrypoint(statement: Statement, _escape: str, place: dict[str, Any]) -> Instruction:
    _no_flags(statement)
    return tree.Entrypoint(**place, command=command_line(statement))


def _transfer(statement: Statement, flags: Flags) -> dict[str, Any]:
    """What COPY and ADD have in common."""
    keyword = statement.keyword
    array = words.json_array(statement.rest)
    text = statement.rest if array is not None else words.join_heredocs(statement.rest)
    parts = array if array is not None else tuple(_transfer_words(text))
    if len(parts) < 2:
        raise DockerfileError(
            f"{keyword} requires at least two arguments, but only {len(parts)} "
            f"{'was' if len(parts) == 1 else 'were'} provided. Destination could not be determined"
        )
    *sources, destination = parts
    known = {heredoc.name: heredoc for heredoc in statement.heredocs}
    if statement.heredocs and words.heredoc_mark(destination):
        raise DockerfileError(f"{keyword} cannot accept a heredoc as a destination")
    contents: list[Heredoc] = []
    plain: list[str] = []
    for source in sources:
        mark = words.heredoc_mark(source) if known else None
        if mark is not None and mark.name in known:
            contents.append(known[mark.name])
        else:
            plain.append(source)
    return {
        "sources": tuple(plain),
        "contents": tuple(contents),
        "destination": destination,
        "chown": flags.text("chown"),
        "chmod": flags.text("chmod"),
        "link": flags.switch("link"),
        "excludes": flags.texts("exclude"),
    }


def _transfer_words(text: str) -> list[str]:
    """Words between blanks; the blank in `<<\\ NAME`, which `join_heredocs` made, parts nothing."""
    hidden = text.replace("<<\\ ", "<<\0").replace("<<-\\ ", "<<-\0")
    return [part.replace("\0", "\\ ") for part in words.split_blanks(hidden)]


def _copy(statement: Statement, _escape: str, place: dict[str, Any]) -> Instruction:
    flags = Flags(statement.flags, _COPY_FLAGS)
    return tree.Copy(
        **place, **_transfer(statement, flags), source_from=flags.text("from"), parents=flags.switch("parents")
    )


def _add(statement: Statement, _escape: str, place: dict[str, Any]) -> Instruction:
    flags = Flags(statement.flags, _ADD_FLAGS)
    return tree.Add(
        **place,
        **_transfer(statement, flags),
        checksum=flags.text("checksum"),
        keep_git_dir=flags.switch("keep-git-dir"),
        unpack=flags.optional_switch("unpack"),
    )


def _one_text(kind: type[Instruction], field: str) -> Callable[[Statement, str, dict[str, Any]], Instruction]:
    """Instructions whose one argument is the rest of the line."""

    def parse_it(statement: Statement, _escape: str, place: dict[str, Any]) -> Instruction:
        _no_flags(statement)
        if not statement.rest:
            raise DockerfileError(f"{statement.keyword} requires exactly one argument")
        return kind(**{**place, field: statement.rest})

    return parse_it


def _expose(statement: Statement, _escape: str, place: dict[str, Any]) -> Instruction:
    _no_flags(statement)
    ports = tuple(words.split_blanks(statement.rest))
    _at_least_one("EXPOSE", ports)
    return tree.Expose(**place, ports=ports)


def _volume(statement: Statement, _escape: str, place: dict[str, Any]) -> Instruction:
    _no_flags(statement)
    paths = _list(statement)
    _at_least_one("VOLUME", paths)
    if not all(path.strip() for path in paths):
        raise DockerfileError("VOLUME specified can not be an empty string")
    return tree.Volume(**place, paths=paths)


def _shell(statement: Statement, _escape: str, place: dict[str, Any]) -> Instruction:
    _no_flags(statement)
    array = words.json_array(statement.rest)
    if array is None:
        raise DockerfileError("SHELL requires the arguments to be in JSON form", hint='SHELL ["/bin/bash", "-c"]')
    _at_least_one("SHELL", array)
    return tree.Shell(**place, words=array)


def _onbuild(statement: Statement, escape: str, place: dict[str, Any]) -> Instruction:
    _no_flags(statement)
    _at_least_one("ONBUILD", statement.rest)
    written, flags, rest = lexer.split_statement(statement.rest, escape)
    keyword = written.upper()
    if keyword == "ONBUILD":
        raise DockerfileError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if keyword in ("FROM", "MAINTAINER"):
        raise DockerfileError(f"{keyword} isn't allowed as an ONBUILD trigger")
    _instruction(
        statement.replace(keyword=keyword, written=written, flags=flags, rest=rest, text=statement.rest), escape
    )
    heredocs = "".join(f"\n{heredoc.content}{heredoc.name}" for heredoc in statement.heredocs)
    return tree.OnBuild(**place, trigger=statement.rest + heredocs)


_PARSERS: Mapping[str, Callable[[Statement, str, dict[str, Any]], Instruction]] = {
    "ADD": _add,
    "ARG": _arg,
    "CMD": _cmd,
    "COPY": _copy,
    "ENTRYPOINT": _entrypoint,
    "ENV": _assignments,
    "EXPOSE": _expose,
    "FROM": _from,
    "HEALTHCHECK": parse_healthcheck,
    "LABEL": _assignments,
    "MAINTAINER": _one_text(tree.Maintainer, "name"),
    "ONBUILD": _onbuild,
    "RUN": _run,
    "SHELL": _shell,
    "STOPSIGNAL": _one_text(tree.StopSignal, "signal"),
    "USER": _one_text(tree.User, "user"),
    "VOLUME": _volume,
    "WORKDIR": _one_text(tree.Workdir, "path"),
}
