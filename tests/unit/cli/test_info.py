"""The YAML that `info` prints is YAML: strings stay strings."""

from __future__ import annotations

import pytest

from argosy.cli.podman.info import yaml_lines, yaml_scalar


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (5, "5"),
        ([], "[]"),
        ({}, "{}"),
        ("crun", "crun"),
        ("/usr/bin/crun", "/usr/bin/crun"),
        ("", '""'),
        ("12", '"12"'),
        ("1.2.3", '"1.2.3"'),
        ("yes", '"yes"'),
        ("a: b", '"a: b"'),
        ("a #b", '"a #b"'),
        ("- a", '"- a"'),
        ('say "x"', 'say "x"'),
        ('"x"', '"\\"x\\""'),
    ],
)
def test_scalars(value: object, text: str) -> None:
    assert yaml_scalar(value) == text


def test_documents() -> None:
    document = {"a": {"b": 1, "c": ["x", "y"]}, "d": [{"e": 1, "f": 2}], "g": "one\ntwo"}
    assert list(yaml_lines(document)) == [
        "a:",
        "  b: 1",
        "  c:",
        "  - x",
        "  - y",
        "d:",
        "- e: 1",
        "  f: 2",
        "g: |-",
        "  one",
        "  two",
    ]
