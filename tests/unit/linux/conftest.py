"""Code run by an unprivileged user."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator

import pytest

from argosy.linux import process, userns
from tests.rig import host
from tests.rig.as_user import AsUser


@pytest.fixture
def as_user() -> Iterator[AsUser]:
    """The test user where root runs the tests, else ourselves.  Its pause process, if it made one, is ended."""
    if host.is_root() and not host.user_exists():
        pytest.skip(f"the user {host.TEST_USER} does not exist (`make test` adds it)")
    base = tempfile.mkdtemp(prefix="argosy-unit.")
    os.chmod(base, 0o755)
    user = AsUser(base, host.TEST_USER if host.is_root() else "")
    yield user
    end_pause(user.run_dir)
    shutil.rmtree(base)


def end_pause(run_dir: str) -> None:
    """End the recorded pause process, and wait until it is gone."""
    state = userns.read_state(run_dir)
    if state and process.signal_process(state.pid, state.start_time):
        while process.alive(state.pid, state.start_time):
            time.sleep(0.005)
