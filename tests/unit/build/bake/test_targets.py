"""What a bake file comes to: variables, groups, inheritance, matrices, --set."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.build.bake import hcl, targets
from argosy.build.bake.definition import Definition
from argosy.errors import ArgosyError

FILE = """
variable "TAG" { default = "latest" }
variable "PUSH" { default = false }
variable "COUNT" { default = 2 }
variable "NAMES" { default = ["a"] }
repo = "example.com/${TAG}"
function "tag" {
  params = [name]
  result = ["${repo}/${name}:${TAG}"]
}
group "default" { targets = ["web", "all"] }
group "all" { targets = ["tool", "web"] }
target "_base" {
  args   = { A = "1", B = null, C = PUSH }
  labels = { "x.y" = "z" }
  tags   = ["base"]
  annotations = ["one=1"]
}
target "web" {
  inherits = ["_base"]
  context  = "./web"
  args     = { A = COUNT + 1 }
  tags     = tag("web")
  annotations = ["two=2"]
  contexts = { tool = "target:tool" }
}
target "tool" {
  name     = "tool-${os}-${replace(version, ".", "-")}"
  matrix   = { os = ["deb", "alp"], version = ["1.0"] }
  inherits = ["_base"]
  args     = { OS = os, VERSION = version }
}
"""
PLAIN = FILE.replace('contexts = { tool = "target:tool" }', 'contexts = { tool = "target:tool-deb-1-0" }')


def chosen(text: str = PLAIN, *names: str, sets: tuple[str, ...] = (), env: dict[str, str] | None = None) -> Any:
    definition = Definition([hcl.parse(text, "bake.hcl")], env or {}, {})
    return targets.select(definition, names, sets)


def fields(selection: Any, name: str) -> dict[str, Any]:
    return next(target.fields for target in selection.targets if target.name == name)


def test_groups_matrices_and_inheritance() -> None:
    found = chosen()
    assert [target.name for target in found.targets] == ["tool-deb-1-0", "web", "tool-alp-1-0"]
    assert found.groups == {"default": ("web", "tool-deb-1-0", "tool-alp-1-0")}
    assert fields(found, "web") == {
        "context": "./web",
        "args": {"A": "3", "C": "false"},
        "labels": {"x.y": "z"},
        "tags": ["example.com/latest/web:latest"],
        "annotations": ["one=1", "two=2"],
        "contexts": {"tool": "target:tool-deb-1-0"},
    }
    assert fields(found, "tool-alp-1-0")["args"] == {"A": "1", "C": "false", "OS": "alp", "VERSION": "1.0"}
    assert [target.name for target in chosen(PLAIN, "tool").targets] == ["tool-deb-1-0", "tool-alp-1-0"]


def test_the_environment_overrides_as_the_default_is_typed() -> None:
    found = chosen(env={"TAG": "2", "PUSH": "1", "COUNT": "41", "NAMES": "x,y"})
    assert fields(found, "web")["args"] == {"A": "42", "C": "true"}
    assert fields(found, "web")["tags"] == ["example.com/2/web:2"]
    with pytest.raises(ArgosyError, match="neither true nor false"):
        chosen(env={"PUSH": "perhaps"})


def test_set_is_put_over_all() -> None:
    sets = ("*.args.A=9", "web.tags=x", "web.tags=y", "tool-*.platform=linux/amd64,linux/arm64", "web.no-cache=true")
    found = chosen(sets=sets)
    assert fields(found, "web")["args"]["A"] == "9"
    assert fields(found, "web")["tags"] == ["x", "y"]
    assert fields(found, "web")["no-cache"] is True
    assert fields(found, "tool-deb-1-0")["platforms"] == ["linux/amd64", "linux/arm64"]
    assert fields(found, "tool-deb-1-0")["tags"] == ["base"]


def test_later_files_go_over_earlier_ones() -> None:
    over = 'target "web" {\n args = { D = "4" }\n tags = ["over"]\n}\nvariable "COUNT" { default = 7 }\n'
    definition = Definition([hcl.parse(PLAIN, "one.hcl"), hcl.parse(over, "two.hcl")], {}, {"TAG": "given"})
    found = targets.select(definition, ("web",))
    assert fields(found, "web")["args"] == {"A": "8", "C": "false", "D": "4"}
    assert fields(found, "web")["tags"] == ["over"]
    assert definition.scope.lookup("TAG") == "given"


@pytest.mark.parametrize(
    ("text", "names", "sets", "said"),
    [
        (PLAIN, ("webb",), (), "failed to find target webb"),
        (FILE, (), (), "failed to find target tool, a context of web"),
        ('group "g" { targets = ["g"] }', ("g",), (), "the group g is in itself: g -> g"),
        ('group "g" { }', ("g",), (), 'the group "g" has no targets'),
        ('target "t" { inherits = ["t"] }', ("t",), (), "targets inherit from each other: t -> t"),
        ('target "t" { inherits = ["u"] }', ("t",), (), "failed to find target u, which t inherits"),
        ('target "t" { contexts = { x = "target:t" } }', ("t",), (), "targets need each other: t -> t"),
        ('target "t" { tag = ["x"] }', ("t",), (), 'bake.hcl:1:20: a target has no "tag"'),
        ('target "t" { tags = "x" }', ("t",), (), "tags is a list, not a string"),
        ('target "t" { args = [] }', ("t",), (), "args is an object, not a list"),
        ('target "t" { pull = "no" }', ("t",), (), "pull is true or false"),
        ('target "t" { name = "x" }', ("t",), (), "name is for targets with a matrix"),
        ('target "t" { matrix = { a = ["x"] } }', ("t",), (), "a matrix needs a name"),
        ('target "t" {\n matrix = { a = [] }\n name = "x"\n}', ("t",), (), "lists that are not empty"),
        ('target "t" {\n matrix = { a = ["x", "y"] }\n name = "x"\n}', ("t",), (), 'there are two targets "x"'),
        (
            'variable "a" { default = b }\nvariable "b" { default = a }\ntarget "t" { tags = [a] }',
            ("t",),
            (),
            "on itself",
        ),
        ('variable "a" { defalt = 1 }', ("t",), (), 'a variable has no "defalt"'),
        (
            'variable "a" {\n default = 1\n validation {\n condition = a > 1\n error_message = "no"\n }\n}\n'
            'target "t" { tags = [a] }',
            ("t",),
            (),
            'the variable "a" is not valid: no',
        ),
        ('tarket "t" { }', ("t",), (), 'unknown block "tarket"'),
        (PLAIN, (), ("web.args=1",), "args needs a key"),
        (PLAIN, (), ("web.nothing=1",), 'there is no field "nothing"'),
        (PLAIN, (), ("nothing.tags=1",), "it fits no target that is built"),
    ],
)
def test_what_makes_no_sense(text: str, names: tuple[str, ...], sets: tuple[str, ...], said: str) -> None:
    with pytest.raises(ArgosyError) as raised:
        chosen(text, *names, sets=sets)
    assert said in str(raised.value)
