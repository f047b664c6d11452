"""Why a step is made anew, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.build.explain import Explanations


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ({"a": "1", "b": "2"}, "it is not in the cache any more"),
        ({"a": "x", "b": "2"}, "a has changed"),
        ({"a": "x", "b": "y"}, "a has changed, b has changed"),
        ({"a": "1"}, "b is gone"),
        ({"a": "1", "b": "2", "c": "3"}, "c is new"),
        ({"a": "1", "b": "2", "c": "3", "d": "4", "e": "5", "f": "6"}, "c is new, d is new, e is new, and 1 more"),
    ],
)
def test_reasons(tmp_path: Path, now: dict[str, str], expected: str) -> None:
    explanations = Explanations(str(tmp_path), "context:Dockerfile")
    assert explanations.reason("0:2", now) == "it has not been built before"
    explanations.keep("0:2", {"a": "1", "b": "2"})
    assert explanations.reason("0:2", now) == expected
    assert explanations.reason("0:3", now) == "it has not been built before"
    assert Explanations(str(tmp_path), "other").reason("0:2", now) == "it has not been built before"


def test_values_are_not_kept(tmp_path: Path) -> None:
    Explanations(str(tmp_path), "x").keep("0:2", {"argument TOKEN": "hidden"})
    (kept,) = (tmp_path / "buildcache" / ".steps").iterdir()
    assert "hidden" not in kept.read_text()
    kept.write_text("damaged")
    assert Explanations(str(tmp_path), "x").reason("0:2", {}) == "it has not been built before"
