"""The syntax tree: one frozen value for each instruction, as it is written and before any variable is replaced."""

from __future__ import annotations

from argosy.build.dockerfile.lexer import Directive, Heredoc
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar


class Instruction(Value):
    """What all have: the line, from 1, the joined text, and the words of the comment right above."""

    keyword: ClassVar[str] = ""

    line: int
    last_line: int
    text: str
    written: str
    comments: tuple[str, ...] = ()


class CommandLine(Value):
    """What RUN, CMD, ENTRYPOINT and HEALTHCHECK run: words, or in the shell form one line for the shell."""

    words: tuple[str, ...]
    shell_form: bool
    heredocs: tuple[Heredoc, ...] = ()


class Assignment(Value):
    """`name=value`; a value of None is an ARG without a default.  `spaced` is the old form `NAME value`."""

    name: str
    value: str | None
    spaced: bool = False


class Arg(Instruction):
    keyword = "ARG"
    assignments: tuple[Assignment, ...] = ()


class From(Instruction):
    """`name` is in lower case, `name_written` as it stands there; `as_written` is the word AS."""

    keyword = "FROM"
    base: str = ""
    platform: str = ""
    name: str = ""
    name_written: str = ""
    as_written: str = ""


class Run(Instruction):
    """`mounts` and `devices` are the flags' values as written: they hold variables."""

    keyword = "RUN"
    command: CommandLine = CommandLine((), shell_form=True)
    mounts: tuple[str, ...] = ()
    network: str = "default"
    security: str = "sandbox"
    devices: tuple[str, ...] = ()


class Transfer(Instruction):
    """COPY and ADD.  `contents` are the sources that are heredocs, `sources` the others.

    `chmod`, `chown` and `excludes` hold variables.
    """

    sources: tuple[str, ...] = ()
    contents: tuple[Heredoc, ...] = ()
    destination: str = ""
    chown: str = ""
    chmod: str = ""
    link: bool = False
    excludes: tuple[str, ...] = ()


class Copy(Transfer):
    keyword = "COPY"
    source_from: str = ""
    parents: bool = False


class Add(Transfer):
    """`unpack` is None where it is not said: then local archives are unpacked, remote ones are not."""

    keyword = "ADD"
    checksum: str = ""
    keep_git_dir: bool = False
    unpack: bool | None = None


class Env(Instruction):
    keyword = "ENV"
    assignments: tuple[Assignment, ...] = ()


class Label(Instruction):
    keyword = "LABEL"
    assignments: tuple[Assignment, ...] = ()


class Workdir(Instruction):
    keyword = "WORKDIR"
    path: str = ""


class User(Instruction):
    keyword = "USER"
    user: str = ""


class Expose(Instruction):
    keyword = "EXPOSE"
    ports: tuple[str, ...] = ()


class Volume(Instruction):
    keyword = "VOLUME"
    paths: tuple[str, ...] = ()


class Cmd(Instruction):
    keyword = "CMD"
    command: CommandLine = CommandLine((), shell_form=True)


class Entrypoint(Instruction):
    keyword = "ENTRYPOINT"
    command: CommandLine = CommandLine((), shell_form=True)


class Shell(Instruction):
    keyword = "SHELL"
    words: tuple[str, ...] = ()


class StopSignal(Instruction):
    keyword = "STOPSIGNAL"
    signal: str = ""


class Healthcheck(Instruction):
    """`command` is None for HEALTHCHECK NONE; 0 is the default of what else is said."""

    keyword = "HEALTHCHECK"
    command: CommandLine | None = None
    interval_ns: int = 0
    timeout_ns: int = 0
    start_period_ns: int = 0
    start_interval_ns: int = 0
    retries: int = 0


class OnBuild(Instruction):
    """`trigger` is the instruction's text, with its heredocs."""

    keyword = "ONBUILD"
    trigger: str = ""


class Maintainer(Instruction):
    keyword = "MAINTAINER"
    name: str = ""


class Stage(Value):
    """FROM and what follows it."""

    index: int
    start: From
    instructions: tuple[Instruction, ...]

    @property
    def name(self) -> str:
        """Its name, or its number."""
        return self.start.name or str(self.index)


class Dockerfile(Value):
    """A whole file.  `arguments` are the ARGs before the first FROM; `empty_continuations` are lines."""

    path: str
    stages: tuple[Stage, ...]
    arguments: tuple[Arg, ...] = ()
    directives: tuple[Directive, ...] = ()
    escape: str = "\\"
    empty_continuations: tuple[int, ...] = ()
