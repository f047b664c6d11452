"""One thing per file, and short functions: style.md, principle 14."""

from __future__ import annotations

import statistics

from tests.architecture import source

MODULES = source.modules()
LONGEST_FILE = 400
LONGEST_FUNCTION = 60


def test_files_are_short() -> None:
    long = {module.path: lines for module in MODULES if (lines := module.text.count("\n")) > LONGEST_FILE}
    assert not long


def test_functions_are_short() -> None:
    lengths = dict(place for module in MODULES for place in source.functions(module))
    assert not {place: lines for place, lines in lengths.items() if lines > LONGEST_FUNCTION}
    assert statistics.median(lengths.values()) < 10
    assert statistics.quantiles(lengths.values(), n=10)[-1] < 35


def test_modules_say_what_they_are_for() -> None:
    import ast

    assert [module.path for module in MODULES if not ast.get_docstring(module.tree)] == []


def test_names_say_something() -> None:
    empty = {"utils", "util", "helpers", "common", "misc", "tools"}
    assert [module.path for module in MODULES if empty & set(module.name.split("."))] == []
