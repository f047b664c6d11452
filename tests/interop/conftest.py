"""What peers leave behind on the host is put right."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.rig import host


@pytest.fixture(autouse=True, scope="module")
def _null_stays_roots() -> Iterator[None]:
    """podman as root gives the host's /dev/null to the user of a container whose input it is."""
    yield
    if host.is_root():
        os.chown(os.devnull, 0, 0)
