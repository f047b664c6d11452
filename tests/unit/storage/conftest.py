"""Fixtures for the storage tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.linux import mounts
from argosy.storage.store import Store
from tests.unit.storage.making import make_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store.  At the end nothing of it is mounted, and nothing of ours is left in tmp/."""
    made = make_store(str(tmp_path))
    yield made
    made.unstable.settle()
    left = [point.path for point in mounts.mountinfo() if point.path.startswith(f"{tmp_path}/")]
    for path in reversed(left):
        mounts.unmount(path)
    assert left == []
    if os.path.isdir(made.tmp):
        assert os.listdir(made.tmp) == []
