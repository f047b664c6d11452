"""Stages, what they wait for, and which of them are needed."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.build.dockerfile.errors import DockerfileError
from argosy.build.dockerfile.parser import parse
from argosy.build.plan import Plan, Wanted, plan, show
from argosy.errors import ArgosyError
from argosy.oci.platform import Platform

ARM = Platform("linux", "arm64")


def planned(text: str, **wanted: Any) -> Plan:
    return plan(parse(text.encode()), Wanted(**wanted))


def stages(found: Plan) -> list[tuple[str, str, str, tuple[int, ...]]]:
    return [
        (one.stage.name, one.base.kind, one.base.name, tuple(number for number, _ in one.waits_for))
        for one in found.stages
    ]


def test_the_graph() -> None:
    found = planned(
        "FROM a AS one\nFROM scratch AS two\nCOPY --from=one x /\nFROM two\n"
        "RUN --mount=from=one,target=/x y\nCOPY --from=0 a /\nCOPY --from=img b /\n"
    )
    assert stages(found) == [
        ("one", "image", "a", ()),
        ("two", "scratch", "scratch", (0,)),
        ("2", "stage", "two", (0, 1)),
    ]
    assert found.unused == ()
    assert found.stages[2].waits_for == ((0, "line 5: RUN from one"), (1, "FROM two"))


def test_what_nothing_needs_is_left_out() -> None:
    text = "FROM a AS one\nFROM a AS two\nFROM a AS three\nCOPY --from=two x /\nFROM a AS four\n"
    assert stages(planned(text, target="three")) == [("two", "image", "a", ()), ("three", "image", "a", (1,))]
    assert planned(text, target="three").unused == ("one", "four")
    assert [one[0] for one in stages(planned(text))] == ["four"]
    assert [one[0] for one in stages(planned(text, target="ONE"))] == ["one"]
    assert [one[0] for one in stages(planned(text, target="1"))] == ["two"]


def test_names_of_bases_have_variables() -> None:
    text = "ARG A=base\nARG B=${A}:1\nFROM $B AS x$C\n"
    with pytest.raises(DockerfileError, match="invalid name for build stage"):
        planned(text)
    assert stages(planned("ARG A=base\nARG B=${A}:1\nFROM $B\n"))[0][2] == "base:1"
    assert stages(planned("ARG A=base\nFROM $A\n", arguments={"A": "other"}))[0][2] == "other"
    assert stages(planned("ARG A\nFROM x AS y\nFROM ${A:-y}\n"))[1][1] == "stage"


def test_platforms() -> None:
    found = planned(
        "FROM --platform=$TARGETPLATFORM a AS x\nFROM --platform=linux/386 a\nCOPY --from=x a /\n", platform=ARM
    )
    assert [str(one.platform) for one in found.stages] == ["linux/arm64", "linux/386"]
    with pytest.raises(DockerfileError, match=r"^Dockerfile:1: invalid platform"):
        planned("FROM --platform=what a\n")


def test_contexts_come_before_stages_and_images() -> None:
    found = planned("FROM a AS b\nFROM b\nCOPY --from=b x /\n", contexts=frozenset(("b", "a")))
    assert stages(found) == [("1", "context", "b", ())]


def test_the_last_of_several_stages_with_a_name() -> None:
    assert stages(planned("FROM a AS x\nFROM b AS x\nFROM x\n"))[-1][3] == (1,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("FROM a AS b\nCOPY --from=b x /", "Dockerfile:2: stage b is not above this one"),
        ("FROM a AS b\nCOPY --from=c x /\nFROM a AS c\nCOPY --from=b y /", "Dockerfile:2: stage c is not above"),
        ("FROM a\nCOPY --from=0 x /", "Dockerfile:2: invalid stage index 0"),
        ("FROM a\nCOPY --from=7 x /", "Dockerfile:2: invalid stage index 7"),
        ("FROM a\nCOPY --from=$X x /", "Dockerfile:2: --from doesn't support variable expansion"),
        ("FROM a\nRUN --mount=typ=bind x", "Dockerfile:2: unexpected key 'typ' in 'typ=bind' (did you mean type?)"),
        ("FROM $A", "Dockerfile:1: base name ($A) should not be blank"),
        ("FROM ${A?which}", "A: which"),
    ],
)
def test_errors(text: str, words: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        planned(text)
    assert words in caught.value.brief


def test_an_unknown_target() -> None:
    with pytest.raises(ArgosyError, match=r'the target "tset" was not found .* \(did you mean test\?\)') as caught:
        planned("FROM a AS test\nFROM b\n", target="tset")
    assert caught.value.hint == "there are test, 1"


def test_show() -> None:
    lines = show(planned("FROM a AS b\nFROM a AS c\nFROM scratch\nCOPY --from=b x /\n", platform=ARM))
    assert lines == [
        "stage 0 (b): FROM a for linux/arm64",
        "stage 2: FROM scratch for linux/arm64, target",
        "  waits for stage 0 (line 4: COPY from b)",
        "  4: COPY --from=b x /",
        "stage c is not needed",
    ]
