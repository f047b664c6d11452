"""Flags and commands as tables, and a parser with the rules of spf13/pflag, which all the peers are built on.

One table per command gives the parser, `--help`, the manual page and shell completion.  The rules that differ from
getopt's and argparse's, and on which scripts rely:

- a bool (or any flag with an implied value) never eats the next argument: `--rm=false`, not `--rm false`;
- `-it` groups, `-v=x` and `-vx` both give x, `-i=false` works;
- a long flag must be spelled out, `--detach-k` is unknown;
- options end at `--`, and at the first operand where the command is not interspersed;
- a flag that is not repeatable may be repeated: the last one counts.

Messages are pflag's and strconv's, since scripts match on them.
"""

from __future__ import annotations

from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")
# The keys of flags whose values no other process is to read (see `cli.secretwords`).
SECRET_KEYS = frozenset(
    f"{side}{name}" for side in ("", "src_", "dest_") for name in ("creds", "password", "registry_token")
)
# Those that have a passphrase perhaps (FILE:PASSPHRASE) are hidden too.
HIDDEN_KEYS = SECRET_KEYS | {"decryption_key"}
_KEYWORDS = ("as", "class", "del", "except", "from", "global", "if", "import", "in", "is", "pass", "return", "with")


class Flag(Value):
    """One flag.  `kind` says what it takes and what the options class gets:

    - `bool`: True or False; `optbool`: the same, but None when it is not given;
    - `string`, `int`, `uint`, `float`: one value, None when it is not given and there is no `default`;
    - `duration`: Go's `1h2m3.5s`, as seconds;
    - `optional`: a string that may be left out (`--flag` alone gives `implied`, `--flag=x` gives x);
    - `list`: repeatable, each argument whole (pflag's StringArray);
    - `csv`: repeatable, arguments split at commas as CSV (pflag's StringSlice).

    `field` is the name in the options class where it is not the flag's own.  `aliases` are other spellings that the
    peers take but do not show.  `only` is the one program that has the flag; of several flags with the same name or
    letter that program's own counts.
    """

    name: str
    short: str = ""
    kind: str = "bool"
    default: Any = None
    help: str = ""
    metavar: str = ""
    hidden: bool = False
    implied: str = ""
    aliases: tuple[str, ...] = ()
    field: str = ""
    only: str = ""

    @property
    def key(self) -> str:
        """The name of the field in the options class."""
        name = self.field or self.name.replace("-", "_")
        return name + "_" if name in _KEYWORDS else name

    @property
    def initial(self) -> Any:
        """The value when the flag is not given."""
        if self.default is not None:
            return self.default
        return {"bool": False, "list": (), "csv": ()}.get(self.kind)

    @property
    def label(self) -> str:
        """The flag as pflag's messages name it."""
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"


_HELP = Flag("help")


class Command(Value):
    """One command: what it is called, what it takes, and `run(options, engine, out)`, which gives the exit status.

    `usage` names the operands (`IMAGE [COMMAND [ARG...]]`).  `options` is a Value with one field for each flag and
    `operands`.  A command that is not `interspersed` leaves everything from its first operand on untouched.
    `missing` replaces the peers' general message when there are fewer than `min_operands`.  Examples are whole lines
    that call `argosy`; they are shown with the name under which the program was called.  `docker_globals` names the
    global flags that docker has as the command's own.
    """

    path: str
    summary: str
    options: type[Value]
    run: Callable[..., int]
    usage: str = ""
    flags: tuple[Flag, ...] = ()
    min_operands: int = 0
    max_operands: int | None = None
    interspersed: bool = True
    examples: tuple[str, ...] = ()
    description: str = ""
    missing: str = ""
    docker_globals: tuple[str, ...] = ()

    def flags_of(self, program: str) -> tuple[Flag, ...]:
        """The flags that the command has under the name `program`.  docker splits no argument at its commas."""
        own = [flag for flag in self.flags if flag.only == program]
        shared = [flag for flag in self.flags if not flag.only]
        if program == "docker":
            shared = [flag.replace(kind="list") if flag.kind == "csv" else flag for flag in shared]
        if not own:
            return tuple(shared)
        names, letters = {flag.name for flag in own}, {flag.short for flag in own}
        rest = (flag.replace(short="") if flag.short in letters else flag for flag in shared if flag.name not in names)
        return (*own, *rest)


class UsageError(ArgosyError):
    """The command line breaks the grammar."""


class OperandsError(UsageError):
    """There are fewer operands than `low`, or more than `high`."""

    def __init__(self, brief: str, low: int, high: int | None = None) -> None:
        super().__init__(brief)
        self.low = low
        self.high = high


class HelpWanted(Exception):
    """`--help` (or `-h`, where that is no other flag) was given."""


class Parsed(Value):
    """What was given: the values of the flags that were, and the operands."""

    values: dict[str, Any]
    operands: tuple[str, ...]


def quoted(text: str, mark: str = '"') -> str:
    """`text` as Go's %q writes it."""
    out = []
    for char in text:
        if char in (mark, "\\"):
            out.append("\\" + char)
        elif char.isprintable():
            out.append(char)
        elif "\udc80" <= char <= "\udcff":  # a byte that is no UTF-8
            out.append(f"\\x{ord(char) - 0xDC00:02x}")
        else:
            out.append(char.encode("unicode_escape", "surrogatepass").decode())
    return mark + "".join(out) + mark


class _Parser:
    """State of one parse: the tables by spelling, and what was found so far."""

    def __init__(self, flags: Iterable[Flag]) -> None:
        self.long: dict[str, Flag] = {}
        self.short: dict[str, Flag] = {}
        for flag in flags:
            self.long.setdefault(flag.name, flag)
            for alias in flag.aliases:
                self.long.setdefault(alias, flag)
            if flag.short:
                self.short.setdefault(flag.short, flag)
        self.long.setdefault(_HELP.name, _HELP)
        self.values: dict[str, Any] = {}

    def long_flag(self, argument: str, rest: list[str]) -> None:
        name, equals, value = argument[2:].partition("=")
        if not name or name[0] == "-":
            raise UsageError(f"bad flag syntax: {argument}")
        flag = self.long.get(name)
        if flag is None:
            raise UsageError(f"unknown flag: --{name}")
        if not equals:
            value = self._without_equals(flag, rest, f"flag needs an argument: --{name}")
        self.put(flag, value)

    def short_flags(self, argument: str, rest: list[str]) -> None:
        letters = argument[1:]
        while letters:
            letter, tail = letters[0], letters[1:]
            flag = self.short.get(letter)
            if flag is None:
                if letter == "h":
                    self.values[_HELP.key] = True
                    return
                raise UsageError(f"unknown shorthand flag: {quoted(letter, chr(39))} in -{letters}")
            if len(tail) > 1 and tail[0] == "=":
                value, tail = tail[1:], ""
            elif tail and not _implied(flag):
                value, tail = tail, ""
            else:
                needs = f"flag needs an argument: {quoted(letter, chr(39))} in -{letters}"
                value = self._without_equals(flag, rest, needs)
            self.put(flag, value)
            letters = tail

    @staticmethod
    def _without_equals(flag: Flag, rest: list[str], needs: str) -> str:
        implied = _implied(flag)
        if implied:
            return implied
        if not rest:
            raise UsageError(needs)
        return rest.pop()

    def put(self, flag: Flag, text: str) -> None:
        try:
            value = _CONVERT[flag.kind](text)
        except ValueError as error:
            raise UsageError(f"invalid argument {quoted(text)} for {quoted(flag.label)} flag: {error}") from None
        if flag.kind in ("list", "csv"):
            value = self.values.get(flag.key, ()) + value
        self.values[flag.key] = value


def _implied(flag: Flag) -> str:
    return "true" if flag.kind in ("bool", "optbool") else flag.implied


def parse(flags: Iterable[Flag], arguments: Sequence[str], *, interspersed: bool = True) -> Parsed:
    """`arguments` read by pflag's rules.  Raises UsageError, or HelpWanted when help was asked for and all is well."""
    parser = _Parser(flags)
    rest = list(reversed(arguments))
    operands: list[str] = []
    while rest:
        argument = rest.pop()
        if argument == "--":
            operands.extend(reversed(rest))
            break
        if len(argument) < 2 or argument[0] != "-":
            operands.append(argument)
            if not interspersed:
                operands.extend(reversed(rest))
                break
        elif argument[1] == "-":
            parser.long_flag(argument, rest)
        else:
            parser.short_flags(argument, rest)
    if parser.values.pop(_HELP.key, False):
        raise HelpWanted
    return Parsed(parser.values, tuple(operands))


def build_options(command: Command, parsed: Parsed, shown_path: str) -> Value:
    """The command's options value.  Raises UsageError where the number of operands is wrong."""
    count = len(parsed.operands)
    if count < command.min_operands or (command.max_operands is not None and count > command.max_operands):
        text = _operands_error(command, count, shown_path)
        raise OperandsError(text, command.min_operands, command.max_operands)
    values = {flag.key: flag.initial for flag in command.flags}
    values.update((key, value) for key, value in parsed.values.items() if key in values)
    return command.options(operands=parsed.operands, **values)


def _operands_error(command: Command, count: int, shown_path: str) -> str:
    low, high = command.min_operands, command.max_operands
    if count < low and command.missing:
        return command.missing
    if high == 0:
        return f"`{shown_path}` takes no arguments"
    if low == high:
        return f"accepts {low} arg(s), received {count}"
    if count < low:
        return f"requires at least {low} arg(s), only received {count}"
    return f"accepts at most {high} arg(s), received {count}"


# Texts to values, with strconv's messages.


def _to_bool(text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f"strconv.ParseBool: parsing {quoted(text)}: invalid syntax")


def _to_int(text: str, low: int = -(1 << 63), high: int = (1 << 63) - 1, function: str = "ParseInt") -> int:
    digits = text[1:] if text[:1] in ("+", "-") and low else text
    plain = digits.isascii() and digits[:1].isdigit() and digits.replace("_", "").isalnum()
    try:
        if not plain:
            raise ValueError
        octal = len(digits) > 1 and digits[0] == "0" and digits[1] in "0123456789_"
        number = int(digits, 8) if octal else int(digits, 0)
    except ValueError:
        raise ValueError(f"strconv.{function}: parsing {quoted(text)}: invalid syntax") from None
    number = -number if text[0] == "-" else number
    if not low <= number <= high:
        raise ValueError(f"strconv.{function}: parsing {quoted(text)}: value out of range")
    return number


def _to_uint(text: str) -> int:
    return _to_int(text, 0, (1 << 64) - 1, "ParseUint")


def _to_float(text: str) -> float:
    try:
        if text != text.strip() or not text.isascii():
            raise ValueError
        return float(text)
    except ValueError:
        raise ValueError(f"strconv.ParseFloat: parsing {quoted(text)}: invalid syntax") from None


def _to_seconds(text: str) -> float:
    from argosy import durations

    return durations.seconds(text)


def split_csv(text: str) -> tuple[str, ...]:
    """`text` split at commas as one line of CSV: a field in double quotes may hold commas and doubled quotes."""
    fields: list[str] = []
    at = 0
    if text and not text.strip("\n"):
        raise ValueError("EOF")
    text = text.strip("\n")
    while text:
        if text[at : at + 1] == '"':
            field, at = _quoted_field(text, at + 1)
        else:
            end = text.find(",", at)
            end = len(text) if end < 0 else end
            field, at = text[at:end], end
            if '"' in field:
                column = end - len(field) + field.index('"') + 1
                raise ValueError(f'parse error on line 1, column {column}: bare " in non-quoted-field')
        fields.append(field)
        if at >= len(text):
            break
        at += 1
    return tuple(fields)


def _quoted_field(text: str, at: int) -> tuple[str, int]:
    parts = []
    while True:
        end = text.find('"', at)
        if end < 0:
            raise ValueError(f'parse error on line 1, column {len(text) + 1}: extraneous or missing " in quoted-field')
        parts.append(text[at:end])
        if text[end + 1 : end + 2] == '"':
            parts.append('"')
            at = end + 2
        elif end + 1 == len(text) or text[end + 1] == ",":
            return "".join(parts), end + 1
        else:
            raise ValueError(f'parse error on line 1, column {end + 1}: extraneous or missing " in quoted-field')


_CONVERT: dict[str, Callable[[str], Any]] = {
    "bool": _to_bool,
    "optbool": _to_bool,
    "string": str,
    "optional": str,
    "int": _to_int,
    "uint": _to_uint,
    "float": _to_float,
    "duration": _to_seconds,
    "list": lambda text: (text,),
    "csv": split_csv,
}
