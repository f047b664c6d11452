"""Fixtures for the tests of builds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.storage.store import Store
from tests.unit.storage.making import make_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    made = make_store(str(tmp_path))
    yield made
    made.unstable.settle()
