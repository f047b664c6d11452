"""HCL as bake files use it: what expressions come to, and where errors point."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.build.bake import hcl, jsonfiles
from argosy.build.bake.evaluate import Scope, evaluate
from argosy.build.bake.expressions import BakeError
from argosy.build.bake.functions import FUNCTIONS

NAMES: dict[str, Any] = {"a": 1, "s": "text", "l": [1, 2, 3], "o": {"k": "v", "n": None}, "t": True, "os": [{"x": 1}]}
VALUES = [
    ("1 + 2 * 3 - 4 / 2", 5),
    ("-(2 + 1) % 2", -3 % 2),
    ("1 < 2 && !(2 >= 3) || false", True),
    ('a == 1 ? "one" : "other"', "one"),
    ("true == 1", False),
    ('"${s}-${a + 1}-${t}"', "text-2-true"),
    ('"${l}"', [1, 2, 3]),
    (r'"a\n\t\"\\\u00e9 $${x} %%{y}"', 'a\n\t"\\é ${x} %{y}'),
    ('"${a == 1 ? "x}" : "y"}"', "x}"),
    ("<<EOT\nFROM ${s}\n  RUN x\nEOT\n", "FROM text\n  RUN x\n"),
    ("<<-EOT\n    FROM x\n      RUN y\n    EOT\n", "FROM x\n  RUN y\n"),
    ("[1, 2,\n  # three\n  3,\n]", [1, 2, 3]),
    ('{ a = 1, "b": 2\n  (s) = 3 // end\n  c-d = [\n] }', {"a": 1, "b": 2, "text": 3, "c-d": []}),
    ("{}", {}),
    ("l[1] + l.2", 5),
    ("o.k", "v"),
    ('o["k"]', "v"),
    ("os[*].x", [1]),
    ("os.*.x", [1]),
    ('[for x in l: "v${x}" if x != 2]', ["v1", "v3"]),
    ("[for i, x in l: i * x]", [0, 2, 6]),
    ("{for k, v in o: upper(k) => v}", {"K": "v", "N": None}),
    ('{for x in l: x > 1 ? "big" : "small" => x...}', {"small": [1], "big": [2, 3]}),
    ("max(l...)", 3),
    ('join(",", ["a", "b"])', "a,b"),
    ('format("%s:%03d %v %q %%", s, 7, t, "x")', 'text:007 true "x" %'),
    ('regex_replace("v1.2.3", "v([0-9]+).*", "$1")', "1"),
    ('concat(["a"], split(",", "b,c"))', ["a", "b", "c"]),
    ("try(o.missing, o.k)", "v"),
    ("can(o.missing)", False),
    ('coalesce(null, "", "x")', "x"),
    ('substr("hello", 1, 3)', "ell"),
    ('lookup(o, "z", 1)', 1),
    ("merge({a = 1}, {b = 2})", {"a": 1, "b": 2}),
    ('equal("a", "a") && notequal(s, "")', True),
    ('sha256("x")', "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"),
    ('setproduct(["a"], [1, 2])', [["a", 1], ["a", 2]]),
    ('sanitize("a/b:c")', "a_b_c"),
]


def value(text: str) -> Any:
    body = hcl.parse(f"x = {text}\n", "bake.hcl")
    return evaluate(body.attributes["x"], Scope(lambda name: NAMES[name], FUNCTIONS, lambda: tuple(NAMES)))


@pytest.mark.parametrize(("text", "wanted"), VALUES)
def test_expressions(text: str, wanted: Any) -> None:
    assert value(text) == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = ", "1:5: expected a value, found the end of the file"),
        ("x = 1 2", "1:7: expected the end of the line, found 2"),
        ("x = [1, 2", "1:10: expected ], found the end of the file"),
        ("x = 1\nx = 2", "2:1: x is set a second time"),
        ('x = "a\n"', "1:5: the string has no end"),
        ('x = "${a"', '1:9: expected }, found "'),
        (r'x = "\z"', r"1:6: \z is no escape"),
        ("x = <<EOT\nno", "1:5: the heredoc has no end: EOT does not come"),
        ("/* no end", "1:1: a comment has no end"),
        ('target "x" {\n', "1:1: the block target is not closed"),
        ('target "x" "', "1:12: the string has no end"),
        ("target x y", "1:11: expected = or { behind target"),
        ("x = {a 1}", "1:8: expected :, found 1"),
        ("x = {a = 1 b = 2}", "1:12: expected , or }, found b"),
        ('x = "%{if a}"', "1:6: template directives (%{...}) are not supported"),
        ("x = 1..2", "1:5: 1..2 is no number"),
        ("?", "1:1: expected a name, found ?"),
    ],
)
def test_errors_have_their_place(text: str, said: str) -> None:
    with pytest.raises(BakeError) as raised:
        hcl.parse(text, "b.hcl")
    assert str(raised.value) == f"b.hcl:{said}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("aa", 'there is no variable "aa"'),
        ("uper(s)", 'there is no function "uper"'),
        ("o.kk", 'the object has no "kk"'),
        ("l[7]", "the list has 3 elements, and none with number 7"),
        ("s.x", "a string has no elements"),
        ('"${l}x"', "a list cannot be part of a string"),
        ("s + 1", "a string is no number"),
        ("1 / 0", "a division by zero"),
        ("s ? 1 : 2", "a string is neither true nor false"),
        ("{for x in l: s => x}", 'the key "text" comes a second time'),
        ("upper(1, 2)", "upper() cannot do this"),
        ("[for x in s: x]", "for cannot go through a string"),
        ("range(100000)", "more than 1024 numbers"),
    ],
)
def test_values_that_cannot_be(text: str, said: str) -> None:
    with pytest.raises(BakeError) as raised:
        value(text)
    assert said in str(raised.value)
    assert str(raised.value).startswith("bake.hcl:1:")


def test_nesting_is_bounded() -> None:
    for text in ("(" * 5000, "[" * 5000, "!" * 5000 + "true", '"${' * 2000, "1+" * 5000 + "1", "a" + ".b" * 5000):
        with pytest.raises(BakeError):
            hcl.parse(f"x = {text}\n", "b.hcl")
    with pytest.raises(BakeError):
        hcl.parse("b {" * 5000, "b.hcl")


def test_json_is_the_same() -> None:
    data = b'{"variable": {"TAG": {"default": "1"}}, "target": {"a": {"tags": ["x:${TAG}"], "args": {"${TAG}": true}}}}'
    body = jsonfiles.parse(data, "b.json")
    assert [(block.kind, block.labels) for block in body.blocks] == [("variable", ("TAG",)), ("target", ("a",))]
    scope = Scope(lambda _name: "1", FUNCTIONS)
    found = {key: evaluate(node, scope) for key, node in body.blocks[1].attributes.items()}
    assert found == {"tags": ["x:1"], "args": {"1": True}}
    for wrong in (b"[]", b"{", b'{"target": []}', b'{"target": {"a": 1}}'):
        with pytest.raises(BakeError):
            jsonfiles.parse(wrong, "b.json")
