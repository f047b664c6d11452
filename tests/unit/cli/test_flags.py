"""The flag grammar: pflag's rules and words, each case tried against podman 4.3.1."""

from __future__ import annotations

import pytest

from argosy.cli.flags import (
    Command,
    Flag,
    HelpWanted,
    Parsed,
    UsageError,
    build_options,
    parse,
    quoted,
    split_csv,
)
from argosy.values import Value

FLAGS = (
    Flag("rm"),
    Flag("detach", short="d"),
    Flag("interactive", short="i"),
    Flag("tty", short="t"),
    Flag("tls-verify", kind="optbool"),
    Flag("name", kind="string"),
    Flag("volume", short="v", kind="list"),
    Flag("cap-add", kind="csv"),
    Flag("memory", short="m", kind="string"),
    Flag("pids-limit", kind="int"),
    Flag("watch", short="w", kind="uint"),
    Flag("cpus", kind="float"),
    Flag("interval", kind="duration"),
    Flag("network", kind="string", aliases=("net",)),
    Flag("userns", kind="optional", implied="auto"),
    Flag("last", short="n", kind="int", default=-1),
    Flag("from", kind="string"),
)


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ("--rm", {"rm": True}),
        ("--rm=false", {"rm": False}),
        ("--rm=0", {"rm": False}),
        ("--rm=T", {"rm": True}),
        ("--rm --rm=false", {"rm": False}),
        ("--tls-verify=false", {"tls_verify": False}),
        ("-it", {"interactive": True, "tty": True}),
        ("-i=false", {"interactive": False}),
        ("-dit", {"detach": True, "interactive": True, "tty": True}),
        ("--name x", {"name": "x"}),
        ("--name=x=y", {"name": "x=y"}),
        ("--name=", {"name": ""}),
        ("--name --rm", {"name": "--rm"}),
        ("--name -- --rm", {"name": "--", "rm": True}),
        ("-v=/a:/b", {"volume": ("/a:/b",)}),
        ("-v/a:/b", {"volume": ("/a:/b",)}),
        ("-v /a,b -v c", {"volume": ("/a,b", "c")}),
        ("-dv x", {"detach": True, "volume": ("x",)}),
        ("-v=", {"volume": ("=",)}),  # pflag: one character after the letter is the value, an equals sign too
        ("--cap-add a,b --cap-add c", {"cap_add": ("a", "b", "c")}),
        ('--cap-add "a,b",c', {"cap_add": ("a,b", "c")}),
        ("--cap-add=", {"cap_add": ()}),
        ("-m 1g", {"memory": "1g"}),
        ("-m1g", {"memory": "1g"}),
        ("--pids-limit -1", {"pids_limit": -1}),
        ("--pids-limit 0x10", {"pids_limit": 16}),
        ("--pids-limit 010", {"pids_limit": 8}),
        ("--pids-limit +5", {"pids_limit": 5}),
        ("--pids-limit 1_000", {"pids_limit": 1000}),
        ("-w 3", {"watch": 3}),
        ("--cpus 1.5", {"cpus": 1.5}),
        ("--interval 1h2m3.5s", {"interval": 3723.5}),
        ("--net host", {"network": "host"}),
        ("--userns", {"userns": "auto"}),
        ("--userns=keep-id", {"userns": "keep-id"}),
        ("--from x", {"from_": "x"}),
    ],
)
def test_values(arguments: str, values: dict[str, object]) -> None:
    assert parse(FLAGS, arguments.split(" ")) == Parsed(values, ())


@pytest.mark.parametrize(
    ("arguments", "operands", "interspersed"),
    [
        (["a", "--rm", "b"], ("a", "b"), True),
        (["a", "--rm", "b"], ("a", "--rm", "b"), False),
        (["--rm", "--", "--name", "x"], ("--name", "x"), True),
        (["--rm", "--", "a", "--", "b"], ("a", "--", "b"), False),
        (["-", "--rm"], ("-",), True),
        (["", "--rm"], ("",), True),
        (["--rm", "false"], ("false",), True),
        (["--userns", "keep-id"], ("keep-id",), True),
        (["image", "-it", "--unknown"], ("image", "-it", "--unknown"), False),
    ],
)
def test_operands(arguments: list[str], operands: tuple[str, ...], interspersed: bool) -> None:
    assert parse(FLAGS, arguments, interspersed=interspersed).operands == operands


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--foo"], "unknown flag: --foo"),
        (["--foo=bar"], "unknown flag: --foo"),
        (["--detac"], "unknown flag: --detac"),
        (["--Rm"], "unknown flag: --Rm"),
        (["-Z"], "unknown shorthand flag: 'Z' in -Z"),
        (["-dZt"], "unknown shorthand flag: 'Z' in -Zt"),
        (["-d=x"], 'invalid argument "x" for "-d, --detach" flag: strconv.ParseBool: parsing "x": invalid syntax'),
        (["--rm=x"], 'invalid argument "x" for "--rm" flag: strconv.ParseBool: parsing "x": invalid syntax'),
        (["--name"], "flag needs an argument: --name"),
        (["-v"], "flag needs an argument: 'v' in -v"),
        (["-dv"], "flag needs an argument: 'v' in -v"),
        (
            ["--pids-limit", "a"],
            'invalid argument "a" for "--pids-limit" flag: strconv.ParseInt: parsing "a": invalid syntax',
        ),
        (
            ["--pids-limit", "9223372036854775808"],
            'invalid argument "9223372036854775808" for "--pids-limit" flag: strconv.ParseInt: parsing '
            '"9223372036854775808": value out of range',
        ),
        (["-w", "-1"], 'invalid argument "-1" for "-w, --watch" flag: strconv.ParseUint: parsing "-1": invalid syntax'),
        (["--cpus", "x"], 'invalid argument "x" for "--cpus" flag: strconv.ParseFloat: parsing "x": invalid syntax'),
        (["--interval", "5"], 'invalid argument "5" for "--interval" flag: time: missing unit in duration "5"'),
        (["--interval", "x"], 'invalid argument "x" for "--interval" flag: time: invalid duration "x"'),
        (["--interval", "1x"], 'invalid argument "1x" for "--interval" flag: time: unknown unit "x" in duration "1x"'),
        (
            ["--help=x"],
            'invalid argument "x" for "--help" flag: strconv.ParseBool: parsing "x": invalid syntax',
        ),
        (["--=x"], "bad flag syntax: --=x"),
        (["---rm"], "bad flag syntax: ---rm"),
        (
            ["--cap-add", 'a"b'],
            'invalid argument "a\\"b" for "--cap-add" flag: '
            'parse error on line 1, column 2: bare " in non-quoted-field',
        ),
    ],
)
def test_errors(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(FLAGS, arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["-dh"], ["--rm", "--help", "x"], ["--help=true"]])
def test_help_is_asked_for(arguments: list[str]) -> None:
    with pytest.raises(HelpWanted):
        parse(FLAGS, arguments)


def test_help_after_the_first_operand_belongs_to_the_container() -> None:
    assert parse(FLAGS, ["image", "--help"], interspersed=False).operands == ("image", "--help")


def test_an_error_wins_over_help() -> None:
    with pytest.raises(UsageError):
        parse(FLAGS, ["--help", "--foo"])


def test_a_flag_of_its_own_takes_h() -> None:
    parsed = parse((Flag("hostname", short="h", kind="string"),), ["-h", "box"])
    assert parsed.values == {"hostname": "box"}


class Options(Value):
    operands: tuple[str, ...]
    rm: bool
    name: str | None
    volume: tuple[str, ...]
    last: int
    tls_verify: bool | None


def _command(**changes: object) -> Command:
    flags = tuple(flag for flag in FLAGS if flag.key in Options._fields)
    return Command("frob", "Frob", Options, lambda *_: 0, flags=flags).replace(**changes)


def test_options_hold_defaults_and_unset_differs_from_false() -> None:
    options = build_options(_command(), parse(FLAGS, ["a"]), "argosy frob")
    assert options == Options(("a",), rm=False, name=None, volume=(), last=-1, tls_verify=None)


@pytest.mark.parametrize(
    ("low", "high", "given", "message"),
    [
        (1, None, 0, "requires at least 1 arg(s), only received 0"),
        (2, None, 1, "requires at least 2 arg(s), only received 1"),
        (0, 0, 1, "`argosy frob` takes no arguments"),
        (1, 1, 2, "accepts 1 arg(s), received 2"),
        (2, 2, 0, "accepts 2 arg(s), received 0"),
        (0, 1, 2, "accepts at most 1 arg(s), received 2"),
    ],
)
def test_number_of_operands(low: int, high: int | None, given: int, message: str) -> None:
    command = _command(min_operands=low, max_operands=high)
    with pytest.raises(UsageError) as caught:
        build_options(command, Parsed({}, ("x",) * given), "argosy frob")
    assert str(caught.value) == message


def test_a_command_may_word_the_lack_of_operands() -> None:
    command = _command(min_operands=1, missing="image name or ID must be specified")
    with pytest.raises(UsageError, match="image name or ID must be specified"):
        build_options(command, Parsed({}, ()), "argosy frob")


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("", ()),
        ("a", ("a",)),
        ("a,", ("a", "")),
        (",", ("", "")),
        ("a,b c,d", ("a", "b c", "d")),
        ('"a,b"', ("a,b",)),
        ('"a""b",c', ('a"b', "c")),
        ('""', ("",)),
        ("\n\na,b\n", ("a", "b")),
        ('"a\nb"', ("a\nb",)),
    ],
)
def test_csv(text: str, fields: tuple[str, ...]) -> None:
    assert split_csv(text) == fields


def test_csv_of_nothing_but_lines() -> None:
    with pytest.raises(ValueError, match=r"^EOF$"):
        split_csv("\n\n")


@pytest.mark.parametrize("text", ['a"', '"a', '"a"b', '"a"b"'])
def test_wrong_csv(text: str) -> None:
    with pytest.raises(ValueError, match="parse error on line 1"):
        split_csv(text)


def test_quoting_is_that_of_go() -> None:
    assert quoted('a"b\\c\n\x01é') == '"a\\"b\\\\c\\n\\x01é"'
    assert quoted("'", "'") == "'\\''"


class _Nothing(Value):
    pass


def test_a_program_has_flags_of_its_own() -> None:
    """Whose name and letter win over those of the flags that all programs share."""
    shared = (*(Flag(name, short=name[0], kind="int") for name in ("time", "names")), Flag("tail", kind="csv"))
    other = Flag("opt", kind="csv")
    own = (Flag("timeout", short="t", kind="int", only="docker"), Flag("tail", short="n", kind="string", only="docker"))
    command = Command("x", "", _Nothing, lambda *_: 0, flags=(*shared, other, *own))
    assert command.flags_of("podman") == (*shared, other)
    docker = [(flag.name, flag.short, flag.kind) for flag in command.flags_of("docker")]
    assert docker == [
        ("timeout", "t", "int"),
        ("tail", "n", "string"),
        ("time", "", "int"),
        ("names", "", "int"),
        ("opt", "", "list"),
    ]
