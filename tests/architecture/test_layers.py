"""Who may import whom: design.md section 2.  Imports point down; packages on one row do not know each other.

Two things are looser than the page says (docs/decisions/0002): `config` stands above `linux` and `oci`, whose files and
names it reads; and a module may name a type of its own row, as it does when it is handed an object of that kind.
"""

from __future__ import annotations

import pytest

from tests.architecture import source
from tests.architecture.source import Module

ROWS = (
    ("errors", "version", "values", "jsontext", "durations", "human", "numbers", "undo", "bundle"),
    ("linux", "oci"),
    ("config",),
    ("archive", "registry", "records", "signatures", "encryption"),
    ("storage", "network", "volumes", "secrets", "runtime", "spec"),
    ("transports",),
    ("images",),
    ("containers", "build"),
    ("pods",),
    ("kube", "compose"),
    ("engine",),
    ("cli", "services", "library", "ui"),
    ("__main__",),
    ("launch",),
)
RANK = {unit: row for row, units in enumerate(ROWS) for unit in units}

MODULES = source.modules()


def test_every_module_has_its_row() -> None:
    assert {module.unit for module in MODULES} - RANK.keys() == {"argosy"}


def own_imports(module: Module) -> list[tuple[int, str]]:
    """Line and unit of what a module imports from the package."""
    found = set()
    for line, name in source.imports(module):
        parts = name.split(".")
        if parts[0] == "argosy" and len(parts) > 1 and parts[1] in RANK:
            found.add((line, parts[1]))
    return sorted(found)


@pytest.mark.parametrize("unit", RANK)
def test_imports_point_down(unit: str) -> None:
    assert [text for module in MODULES if module.unit == unit for text in wrong_imports(module)] == []


def wrong_imports(module: Module) -> list[str]:
    """The imports of a module that point up or sideways."""
    types = source.type_imports(module)
    return [
        f"{module.path}:{line}: {module.unit} (row {RANK[module.unit]}) imports {unit} (row {RANK[unit]})"
        for line, unit in own_imports(module)
        if unit != module.unit and RANK[module.unit] > 0
        if RANK[unit] > RANK[module.unit] or (RANK[unit] == RANK[module.unit] and line not in types)
    ]


def test_the_bottom_row_stands_alone() -> None:
    for module in MODULES:
        if RANK.get(module.unit) == 0:
            assert all(RANK[unit] == 0 for _, unit in own_imports(module)), module.path


def test_errors_know_nothing() -> None:
    assert [own_imports(module) for module in MODULES if module.name == "argosy.errors"] == [[]]


def test_the_package_itself_imports_nothing() -> None:
    (package,) = (module for module in MODULES if module.unit == "argosy")
    types = source.type_imports(package)
    assert [(line, unit) for line, unit in own_imports(package) if line not in types] == []
