"""The linter: one case for each rule, and what it does not complain about."""

from __future__ import annotations

import pytest

from argosy.build.dockerfile.check import check, directive
from argosy.build.dockerfile.ignore import Ignore
from argosy.build.dockerfile.parser import parse


def rules(text: str) -> list[tuple[str, int]]:
    return [(one.rule, one.line) for one in check(parse(text.encode()))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a AS b\nRUN x", []),
        ("FROM a AS B", [("StageNameCasing", 1)]),
        ("FROM a as b", [("FromAsCasing", 1)]),
        ("from a as b", []),
        ("from a AS b", [("FromAsCasing", 1)]),
        ("FROM a\nRUN b \\\n\n c", [("NoEmptyContinuation", 3)]),
        ("FROM a\nrun b\nRUN c", [("ConsistentInstructionCasing", 2)]),
        ("from a\nrun b\nRUN c", [("ConsistentInstructionCasing", 3)]),
        ("FROM a\nRun b", [("ConsistentInstructionCasing", 2)]),
        ("FROM a AS b\nFROM a AS b", [("DuplicateStageName", 2)]),
        ("FROM a AS scratch", [("ReservedStageName", 1)]),
        ("FROM a\nCMD b", [("JSONArgsRecommended", 2)]),
        ('FROM a\nCMD ["b"]', []),
        ("FROM a\nENTRYPOINT b", [("JSONArgsRecommended", 2)]),
        ('FROM a\nSHELL ["b"]\nCMD b', []),
        ("FROM a\nMAINTAINER b", [("MaintainerDeprecated", 2)]),
        ("FROM a:$TAG", [("UndefinedArgInFrom", 1)]),
        ("ARG TAG=1\nFROM a:$TAG", []),
        ("ARG TAG\nFROM a:$TAG", [("InvalidDefaultArgInFrom", 2)]),
        ("ARG TAG\nFROM a:${TAG:-1}", []),
        ("FROM a:${TAG:-1}", []),
        ("FROM --platform=$BUILDPLATFORM a", []),
        ("FROM --platform=$TARGETPLATFORM a", [("RedundantTargetPlatform", 1)]),
        ("FROM --platform=linux/amd64 a", [("FromPlatformFlagConstDisallowed", 1)]),
        ("FROM --platform=linux/amd64 a AS amd64", []),
        ("FROM a\nWORKDIR b", [("WorkdirRelativePath", 2)]),
        ("FROM a\nWORKDIR /b\nWORKDIR c", []),
        ("FROM a\nENV A b", [("LegacyKeyValueFormat", 2)]),
        ("FROM a\nLABEL a b", [("LegacyKeyValueFormat", 2)]),
        ('FROM a\nCMD ["b"]\nCMD ["c"]', [("MultipleInstructionsDisallowed", 2)]),
        ("FROM a\nHEALTHCHECK NONE\nHEALTHCHECK NONE", [("MultipleInstructionsDisallowed", 2)]),
        ("FROM a\nARG PASSWORD", [("SecretsUsedInArgOrEnv", 2)]),
        ("FROM a\nENV GITHUB_TOKEN=x", [("SecretsUsedInArgOrEnv", 2)]),
        ("FROM a\nENV PUBLIC_KEY=x MONKEY=y", []),
        ("FROM a\nEXPOSE 80/TCP", [("ExposeProtoCasing", 2)]),
        ("FROM a\nEXPOSE 127.0.0.1:80:80", [("ExposeInvalidFormat", 2)]),
        ("FROM scratch\nENV A=$B", [("UndefinedVar", 2)]),
        ("FROM a\nENV A=$B", []),
        ("FROM a\nARG FOO\nCOPY $FO /", [("UndefinedVar", 3)]),
        ("ARG FOO\nFROM a\nCOPY $FOO /", [("UndefinedVar", 3)]),
        ("FROM a\nCOPY $TARGETARCH /", [("UndefinedVar", 2)]),
        ("FROM scratch AS a\nARG B\nFROM a\nCOPY $B$PATH$HTTP_PROXY /", []),
        ("FROM scratch\nWORKDIR /${X:-y}\nRUN $Z", []),
    ],
)
def test_rules(text: str, expected: list[tuple[str, int]]) -> None:
    assert rules(text) == expected


def test_suggestions() -> None:
    (found,) = check(parse(b"FROM scratch\nARG VERSION\nWORKDIR /$VERSIO"))
    assert found.text == "Usage of undefined variable '$VERSIO' (did you mean $VERSION?)"
    (found,) = check(parse(b"ARG VERSION=1\nFROM a:$VERSIN"))
    assert found.text == "FROM argument 'VERSIN' is not declared (did you mean VERSION?)"


@pytest.mark.parametrize(
    ("text", "skipped", "errors", "expected"),
    [
        ("# check=skip=StageNameCasing\nFROM a AS B", {"stagenamecasing"}, False, []),
        ("# check=skip=all\nFROM a AS B", {"all"}, False, []),
        ("# check=error=true\nFROM a AS B", set(), True, [("StageNameCasing", 2)]),
        ("# check=skip=X, JSONArgsRecommended;error=true\nFROM a\nCMD b", {"x", "jsonargsrecommended"}, True, []),
    ],
)
def test_the_directive(text: str, skipped: set[str], errors: bool, expected: list[tuple[str, int]]) -> None:
    assert directive(parse(text.encode())) == (frozenset(skipped), errors)
    assert rules(text) == expected


def test_settings_go_over_the_directive() -> None:
    found = parse(b"# check=skip=all\nFROM a AS B")
    assert directive(found, "skip=X;error=true") == (frozenset({"x"}), True)
    assert [one.rule for one in check(found, settings="error=true")] == ["StageNameCasing"]


def test_what_the_context_hides_should_not_be_copied() -> None:
    found = parse(b"FROM a\nCOPY b ./c/d e.log *.log $F /\nADD http://h/b b /\nCOPY --from=x b /\nCOPY <<b /\nb\n")
    hidden = Ignore(("b", "c", "*.log", "!e.log"))
    assert check(found, hidden, "skip=UndefinedVar") == []  # docker's is experimental
    told = [(one.line, one.text) for one in check(found, hidden, "skip=UndefinedVar;experimental=CopyIgnoredFile")]
    assert check(found, hidden, "skip=UndefinedVar;experimental=all") == check(
        found, hidden, "skip=UndefinedVar;experimental=copyignoredfile"
    )
    assert told == [
        (2, 'Attempting to Copy file "./c/d" that is excluded by .dockerignore'),
        (2, 'Attempting to Copy file "b" that is excluded by .dockerignore'),
        (3, 'Attempting to Add file "b" that is excluded by .dockerignore'),
    ]
