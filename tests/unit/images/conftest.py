"""Fixtures: a store that must be tidy at the end, and the launcher for the processes that apply layers."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy import version
from argosy.storage.store import Store
from tests.rig import host
from tests.rig.program import CHECKOUT
from tests.unit.storage.making import make_store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty store.  At the end nothing unfinished is left in it."""
    if not host.is_root():
        pytest.skip("layers are applied with their owners: needs root")
    monkeypatch.setattr(version, "LAUNCHER", f"{CHECKOUT}/bin/argosy")
    made = make_store(str(tmp_path))
    yield made
    made.unstable.settle()
    deadline = time.monotonic() + 20
    while os.listdir(made.tmp) and time.monotonic() < deadline:
        time.sleep(0.01)  # the helpers that make things stable on disk have not ended yet
    assert os.listdir(made.tmp) == []
