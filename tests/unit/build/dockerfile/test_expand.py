"""Expansion of variables, quotes and escapes: what BuildKit's lexer makes of a word."""

from __future__ import annotations

import pytest

from argosy.build.dockerfile.errors import DockerfileError
from argosy.build.dockerfile.expand import LONGEST, Rules, expand

VARIABLES = {
    "PWD": "/home",
    "SHELL": "bash",
    "KOREAN": "한국어",
    "NULL": "",
    "X": "xxyy",
    "P": "/a/b/c.tar.gz",
    "S": "*",
}

WORDS = [
    ("hello", "hello"),
    ("he'll'o", "hello"),
    ("he\\'llo", "he'llo"),
    ("he'll\\'o", "hell\\o"),
    ("he\\\\'llo'", "he\\llo"),
    ("abc\\tdef", "abctdef"),
    ("'abc\\tdef'", "abc\\tdef"),
    ('"abc\\tdef"', "abc\\tdef"),
    ('"a\\"b"', 'a"b'),
    ('"a\\$PWD"', "a$PWD"),
    ('"a\\\\b"', "a\\b"),
    ("'$PWD'", "$PWD"),
    ("'hello", None),
    ('"hello', None),
    ("hello\\", "hello"),
    ('"hello\\"', None),
    ("$", "$"),
    ("a$", "a$"),
    ("$$", ""),
    ("$ a", "$ a"),
    ("\\$PWD", "$PWD"),
    ("$PWD", "/home"),
    ("he$PWD.", "he/home."),
    ("he$PWDx", "he"),
    ("${PWD}x", "/homex"),
    ("${PWD", None),
    ("${", None),
    ("${}", None),
    ("${{PWD}}", None),
    ("${:}", None),
    ("${:-a}", None),
    ("$0a", "a"),
    ("$12a", "a"),
    ("$_", ""),
    ("$@", ""),
    ("${@}", ""),
    ("$KOREAN", "한국어"),
    ("안녕${KOREAN}", "안녕한국어"),
    ("${XXX:-}", ""),
    ("${XXX:-안녕}", "안녕"),
    ("${NULL:-a}", "a"),
    ("${NULL-a}", ""),
    ("${XXX-a}", "a"),
    ("${PWD:-a}", "/home"),
    ("${XXX:-${PWD}/x}", "/home/x"),
    ("${XXX:-${YYY:-zz}}", "zz"),
    ('${XXX:-"a b"}', "a b"),
    ("${XXX:-'$PWD'}", "$PWD"),
    ("${XXX:-\\$PWD}", "$PWD"),
    ("${XXX:-a}b", "ab"),
    ("${PWD:+a}", "a"),
    ("${NULL:+a}", ""),
    ("${NULL+a}", "a"),
    ("${XXX:+a}", ""),
    ("${XXX+a}", ""),
    ("${PWD:+${SHELL}}", "bash"),
    ("${PWD:+${XXX}}", ""),
    ("${PWD:?gone}", "/home"),
    ("${NULL:?gone}", None),
    ("${NULL?gone}", ""),
    ("${XXX?gone}", None),
    ("${XXX:?}", None),
    ("${XXX:x}", None),
    ("${XXX=x}", None),
    ("${XXX:=x}", None),
    ("${XXX:", None),
    ("${PWD:-a", None),
    ("${PWD:}", None),
    ("${PWD:#a}", None),
    ("'$'PWD", "$PWD"),
    ('"$PWD"', "/home"),
    ('"${PWD}"', "/home"),
    ("\"'$PWD'\"", "'/home'"),
    ('"$"', "$"),
    ("$PWD$SHELL", "/homebash"),
    ("${X#x}", "xyy"),
    ("${X##x}", "xyy"),
    ("${X#x*}", "xyy"),
    ("${X##x*}", ""),
    ("${X#*}", "xxyy"),
    ("${X##*}", ""),
    ("${X#*x*y}", "y"),
    ("${X##*x}", "yy"),
    ("${X#y}", "xxyy"),
    ("${X#}", "xxyy"),
    ("${X##}", "xxyy"),
    ("${X#??}", "yy"),
    ("${X#?????}", "xxyy"),
    ("${X%y}", "xxy"),
    ("${X%y*}", "xxy"),
    ("${X%%y*}", "xx"),
    ("${X%%*}", ""),
    ("${X%}", "xxyy"),
    ("${X%x}", "xxyy"),
    ("${X%%x*y}", "x" * 0),
    ("${P##*/}", "c.tar.gz"),
    ("${P%/*}", "/a/b"),
    ("${P%%/*}", ""),
    ("${P#*/}", "a/b/c.tar.gz"),
    ("${P%.*}", "/a/b/c.tar"),
    ("${P%%.*}", "/a/b/c"),
    ("${P#$NULL}", "/a/b/c.tar.gz"),
    ("${XXX#a}", ""),
    ("${S#\\*}", ""),
    ("${S#\\x}", None),
    ("${X#\\\\}", "xxyy"),
    ("${P/a/A}", "/A/b/c.tar.gz"),
    ("${P//\\//:}", ":a:b:c.tar.gz"),
    ("${P/\\//:}", ":a/b/c.tar.gz"),
    ("${P//\\//\\/}", "\\/a\\/b\\/c.tar.gz"),
    ("${P/?tar/}", "/a/b/c.gz"),
    ("${P/.*/}", "/a/b/c"),
    ("${P/b*c/X}", "/a/X.tar.gz"),
    ("${P/zz/X}", "/a/b/c.tar.gz"),
    ("${P//a/}", "//b/c.tr.gz"),
    ("${X/$NULL/ww}", "wwxxyy"),
    ("${X///}", "xxyy"),
    ("${X//*/z}", "z"),
    ("${X//x/$SHELL}", "bashbashyy"),
    ("${XXX/a/b}", ""),
    ("${X//ww}", None),
    ("${X//}", None),
    ("${X/a", None),
    ("${X/a/b", None),
    ("${X/x/}${X/y/}", "xyyxxy"),
]


@pytest.mark.parametrize(("word", "expected"), WORDS)
def test_words(word: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(DockerfileError):
            expand(word, VARIABLES)
    else:
        assert expand(word, VARIABLES).text == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello", ["hello"]),
        ("hello world", ["hello", "world"]),
        (" a  b ", ["a", "b"]),
        ("'a b' c", ["a b", "c"]),
        ('a"b c"d', ["ab cd"]),
        ("a\\ b", ["a b"]),
        ("$TWO", ["one", "two"]),
        ("'$TWO'", ["$TWO"]),
        ('"$TWO"', ["one two"]),
        ("x$TWO", ["xone", "two"]),
        ("$UNSET", []),
        ("a $UNSET b", ["a", "b"]),
        ("'' a", ["a"]),
        ("${UNSET:-a b}", ["a", "b"]),
    ],
)
def test_splitting_comes_after_expansion(text: str, words: list[str]) -> None:
    assert list(expand(text, {"TWO": "one two"}).words) == words


@pytest.mark.parametrize(
    ("text", "rules", "expected"),
    [
        ("`$A", Rules(escape="`"), "$A"),
        ("\\$A", Rules(escape="`"), "\\a"),
        ("'$A'", Rules(quotes_are_text=True), "'a'"),
        ('"it\'s $A"', Rules(quotes_are_text=True), '"it\'s a"'),
        ("\\$A", Rules(quotes_are_text=True), "$A"),
        ("'$A' \"$A\"", Rules(raw_quotes=True), "'$A' \"a\""),
        ("\\a\\\\", Rules(raw_escapes=True), "\\a\\\\"),
        ("$A $B ${B} ${B:-x} ${B/x/y}", Rules(keep_unset=True), "a $B ${B} ${B:-x} ${B/x/y}"),
        ('"\\$\\x"', Rules(raw_escapes=True), "\\$\\\\x"),
    ],
)
def test_rules(text: str, rules: Rules, expected: str) -> None:
    assert expand(text, {"A": "a"}, rules).text == expected


def test_names_asked_for() -> None:
    found = expand("$A ${B:-$C} ${D+x}", {"A": "1", "D": ""})
    assert (found.used, found.unset) == (frozenset(("A", "D")), frozenset(("B", "C")))


def test_error_names_the_word() -> None:
    with pytest.raises(DockerfileError, match=r'failed to process "\$\{X\?no x here\}": X: no x here'):
        expand("${X?no x here}", {})


def test_growth_is_bounded() -> None:
    value = "a"
    with pytest.raises(DockerfileError, match="grows to more than"):
        for _ in range(64):
            value = expand("$V$V", {"V": value}).text
    assert len(value) <= LONGEST
    with pytest.raises(DockerfileError, match="grows to more than"):
        expand("${V//a/$V}", {"V": "a" * 4000})


def test_depth_is_bounded() -> None:
    with pytest.raises(DockerfileError, match="within each other"):
        expand("${A:-" * 5000 + "}" * 5000, {})


def test_matching_takes_linear_time() -> None:
    value = "a" * 200_000
    assert expand("${V##*a*a*a*a*a*a*b}", {"V": value}).text == value
    assert expand("${V//a*a*b/x}", {"V": value}).text == value
    assert expand("${V%%*a*a*a*a*a*b}", {"V": value}).text == value
