"""The WWW-Authenticate parser."""

from __future__ import annotations

import random

import pytest

from argosy.registry.challenge import Challenge, parse

BEARER = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"'
PARAMETERS = {
    "realm": "https://auth.docker.io/token",
    "service": "registry.docker.io",
    "scope": "repository:a/b:pull,push",
}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([BEARER], [("bearer", PARAMETERS)]),
        (['Basic realm="x"'], [("basic", {"realm": "x"})]),
        (["Basic"], [("basic", {})]),
        (["BASIC realm=x, charset=UTF-8"], [("basic", {"realm": "x", "charset": "UTF-8"})]),
        ([f'{BEARER}, Basic realm="y"'], [("bearer", PARAMETERS), ("basic", {"realm": "y"})]),
        ([BEARER, 'Basic realm="y"'], [("bearer", PARAMETERS), ("basic", {"realm": "y"})]),
        (["Negotiate, Basic realm=z"], [("negotiate", {}), ("basic", {"realm": "z"})]),
        (["Negotiate abc/def==, Basic realm=z"], [("negotiate", {}), ("basic", {"realm": "z"})]),
        (['Bearer realm = "a" , service = b'], [("bearer", {"realm": "a", "service": "b"})]),
        (['Bearer realm="a\\"b\\\\c"'], [("bearer", {"realm": 'a"b\\c'})]),
        (['Bearer REALM="a",realm="b"'], [("bearer", {"realm": "a"})]),
        ([",, ,Basic realm=a,,"], [("basic", {"realm": "a"})]),
        (['Bearer realm="unfinished'], [("bearer", {})]),
        (["", "@", '"x"'], []),
    ],
)
def test_challenges(headers: list[str], expected: list[tuple[str, dict[str, str]]]) -> None:
    assert parse(headers) == tuple(Challenge(scheme, parameters) for scheme, parameters in expected)


def test_any_text_comes_to_an_end() -> None:
    """No input makes the parser loop or fail."""
    chooser = random.Random(7)
    for _ in range(3000):
        text = "".join(chooser.choice('abB ="\\,/\t@=') for _ in range(chooser.randrange(40)))
        for challenge in parse([text]):
            assert challenge.scheme
