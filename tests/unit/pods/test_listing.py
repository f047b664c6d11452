"""The state of a pod, as its containers make it."""

from __future__ import annotations

import pytest

from argosy.pods.listing import status


@pytest.mark.parametrize(
    ("statuses", "shown"),
    [
        ((), "Created"),
        (("created", "created"), "Created"),
        (("initialized",), "Created"),
        (("running", "running"), "Running"),
        (("running", "stopping"), "Running"),
        (("running", "exited"), "Degraded"),
        (("running", "paused"), "Degraded"),
        (("paused", "paused"), "Paused"),
        (("exited", "exited"), "Exited"),
        (("exited", "created"), "Stopped"),
        (("exited", "paused"), "Stopped"),
    ],
)
def test_status(statuses: tuple[str, ...], shown: str) -> None:
    assert status(statuses) == shown
