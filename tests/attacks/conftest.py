"""What the attacks on the whole program share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks import ground as grounds
from tests.attacks.ground import Ground, Registry
from tests.rig.program import Program


@pytest.fixture(scope="module")
def ground(shared_both: Program) -> Iterator[Ground]:
    """One store for all attacks of a module, as root and without privilege."""
    made = Ground(shared_both)
    yield made
    made.close()


@pytest.fixture(scope="module")
def hostile() -> Iterator[Registry]:
    """A registry of plain HTTP that says what tests want said."""
    with grounds.registry() as server:
        yield server
