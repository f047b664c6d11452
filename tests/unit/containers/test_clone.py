"""What a copy of a container is called."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from argosy.containers import clone


@pytest.mark.parametrize(
    ("name", "taken", "free"),
    [
        ("web", (), "web-clone"),
        ("web", ("web-clone",), "web-clone1"),
        ("web-clone", ("web-clone",), "web-clone1"),
        ("web-clone1", ("web-clone", "web-clone1"), "web-clone2"),
        ("web-cloned", (), "web-cloned-clone"),
    ],
)
def test_free_name(name: str, taken: tuple[str, ...], free: str) -> None:
    containers = SimpleNamespace(names=lambda: dict.fromkeys(taken, "id"))
    site: Any = SimpleNamespace(store=SimpleNamespace(containers=containers))
    assert clone.free_name(site, name) == free
