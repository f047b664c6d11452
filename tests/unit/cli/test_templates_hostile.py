"""Templates made at random or to do harm: text or a clear error comes out, in bounded time and memory."""

from __future__ import annotations

import random

import pytest

from argosy.cli.templates import Map, Template, TemplateError
from argosy.cli.templates.functions import FUNCTIONS

DATA = {
    "Id": "0123",
    "Size": 5,
    "Share": 1.5,
    "Running": True,
    "Names": ["a", "b"],
    "Labels": Map(a="1", b="2"),
    "State": {"Pid": 7, "Error": None, "Health": {"Log": []}},
}
WORDS = (
    *(f".{name}" for name in DATA),
    *(".", "$", ".State.Pid", ".State.Error.X", ".Nothing", "$x", "$y", "$.Id", "nil", "true", "false"),
    *("1", "-1", "0x1F", "1.5", "1e400", "99999999999999999999", "'x'", "''", '"a"', '"%d"', '"\\xff"', "`r`", '"'),
    *('"%[5]d"', '"%*d"', '"%.99999999d"', '"%-08.3q|%+v|%#v|%T"', "1000000", "-1000000"),
    *FUNCTIONS,
)
MARKS = ("|", " ", "(", ")", ":=", "=", ",", "- ", " -", "\n", "\\", "@", "\udcff", "\x00", "\u2028")
KEYWORDS = (
    *("{{if ", "{{else}}", "{{else if ", "{{end}}", "{{range ", "{{range $x, $y := ", "{{with $x := ", "{{break}}"),
    *("{{continue}}", '{{define "t"}}', '{{template "t" .}}', '{{block "b" .}}', "{{/* c */}}", "{{- ", " -}}"),
)


def made(dice: random.Random) -> str:
    """A template that is often nearly right."""
    parts = []
    for _ in range(dice.randrange(1, 5)):
        kind = dice.random()
        words = " ".join(dice.choice(WORDS) for _ in range(dice.randrange(1, 4)))
        if kind < 0.5:
            parts.append("{{" + words + "}}")
        elif kind < 0.8:
            parts.append(dice.choice(KEYWORDS) + (words + "}}" if dice.random() < 0.5 else ""))
        elif kind < 0.95:
            parts.append("{{" + dice.choice(MARKS).join(words.split(" ")) + "}}")
        else:
            parts.append(dice.choice(MARKS))
    return "".join(parts) + "{{end}}" * dice.randrange(3)


@pytest.mark.parametrize("seed", range(8))
def test_random_templates_give_text_or_a_clear_error(seed: int) -> None:
    dice = random.Random(seed)
    given = 0
    for _ in range(1500):
        template = made(dice)
        try:
            given += isinstance(Template(template, "t").execute(DATA), str)
        except TemplateError as error:
            assert str(error).startswith("template: t:"), template
    assert given > 25  # not everything is refused


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ('{{define "x"}}{{template "x"}}{{end}}{{template "x"}}', "exceeded maximum template depth (100000)"),
        ("{{" + "(" * 60_000 + "1" + ")" * 60_000 + "}}", "more than 1000 parentheses"),
        ("{{" + "(" * 60_000, "more than 1000 parentheses"),
        ('{{printf "%2000000d" 1}}', "%!(NOVERB)%!(EXTRA int=1)"),
        ("{{if 1}}" * 8000 + "x" + "{{end}}" * 8000, "x"),
        ("{{if 0}}" + "{{else if 0}}" * 8000 + "{{end}}", ""),
        ("{{1" + "|print" * 20_000 + "}}", "1"),
        ("{{.State.Error" + ".A" * 40_000 + "}}", "<no value>"),
    ],
    ids=lambda text: text[:20],
)
def test_deep_templates_are_bounded(template: str, wanted: str) -> None:
    try:
        assert Template(template).execute(DATA) == wanted
    except TemplateError as error:
        assert wanted in str(error)
