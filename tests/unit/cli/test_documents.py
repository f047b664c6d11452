"""Documents as the peers print them: indented JSON, times in templates."""

from __future__ import annotations

import json
from typing import Any

import pytest

from argosy.cli import documents, templates


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -1.5,
        "",
        'quote " and \\ and \n and \u00e9 and <&>',
        [],
        {},
        [[]],
        {"a": {}},
        [1, [2, {"b": [3, None]}], "x"],
        {"a": {"b": {"c": [{"d": []}]}}, "\u00e9": 1},
    ],
)
def test_indented_as_the_json_module_does(value: Any) -> None:
    for width in (1, 2, 5):
        assert documents.indented(value, width) == json.dumps(value, indent=width, ensure_ascii=False)


def test_tuples_are_arrays() -> None:
    assert documents.indented((1, ("a",)), 1) == '[\n 1,\n [\n  "a"\n ]\n]'


def test_times_are_go_s_in_templates_and_rfc_3339_in_json() -> None:
    row = documents.with_moments(
        {"Created": "2024-05-06T07:08:09.5Z", "State": [{"StartedAt": "0001-01-01T00:00:00Z"}]}
    )
    text = "{{.Created}} {{json .Created}} {{range .State}}{{.StartedAt}} {{json .}}{{end}}"
    assert templates.Template(text).execute(row) == (
        '2024-05-06 07:08:09.5 +0000 UTC "2024-05-06T07:08:09.5Z" '
        '0001-01-01 00:00:00 +0000 UTC {"StartedAt":"0001-01-01T00:00:00Z"}'
    )
    assert documents.indented(row, 1) == documents.indented(json.loads(json.dumps(row)), 1)


def test_only_the_fields_that_are_times_are_changed() -> None:
    row = {"Created": 7, "Name": "2024-05-06T07:08:09Z", "Labels": {"x": "2024-05-06T07:08:09Z"}}
    assert str(documents.with_moments(row)) == str(row)


def test_what_is_no_time_is_shown_as_it_is() -> None:
    assert str(documents.Moment("2024-01-02T03:04:05Z")) == "2024-01-02 03:04:05 +0000 UTC"
    assert str(documents.Moment("yesterday")) == "yesterday"
