"""How often and after how long a request is repeated."""

from __future__ import annotations

import time

import pytest

from argosy.registry.faults import Busy, Stalled, Unknown, Unreachable
from argosy.registry.retry import Backoff, Retry, backoff


def test_transient_faults_are_repeated_as_often_as_configured() -> None:
    told: list[str] = []
    retry = Retry(Backoff(retries=2, base_s=0.001), told.append)
    fault = Unreachable("x", "broken")
    retry.pause(fault)
    retry.pause(fault)
    with pytest.raises(Unreachable):
        retry.pause(fault)
    assert len(told) == 2
    assert "cannot reach the registry x: broken; trying again in 0.0 s (1 of 2)" in told[0]


def test_progress_starts_the_count_again() -> None:
    retry = Retry(Backoff(retries=1, base_s=0.001))
    for _ in range(5):
        retry.pause(Unreachable("x", "broken"))
        retry.progress()


@pytest.mark.parametrize(
    "fault",
    [Unknown("x", "y", 404, ""), Unreachable("x", "y", transient=False), Busy("x", "y", 429, "", retry_after_s=99)],
)
def test_what_is_not_repeated(fault: Exception) -> None:
    retry = Retry(Backoff(retries=5, patience_s=10))
    with pytest.raises(type(fault)):
        retry.pause(fault)  # type: ignore[arg-type]


def test_a_silent_registry_is_given_one_more_try_only() -> None:
    retry = Retry(Backoff(retries=5, base_s=0.001))
    retry.pause(Stalled("x", 1))
    with pytest.raises(Stalled):
        retry.pause(Stalled("x", 1))


def test_pauses_grow_up_to_a_ceiling_with_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    retry = Retry(Backoff(retries=6, base_s=1, ceiling_s=8))
    for _ in range(6):
        retry.pause(Unreachable("x", "broken"))
    for delay, longest in zip(slept, (1, 2, 4, 8, 8, 8), strict=True):
        assert longest / 2 <= delay <= longest
    retry.progress()
    retry.pause(Busy("x", "y", 503, "", retry_after_s=20))
    assert slept[-1] == 20


def test_a_delay_of_the_users_does_not_grow() -> None:
    assert backoff(4, 0.5) == Backoff(retries=4, base_s=0.5, ceiling_s=0.5)
    assert backoff(4, None) == Backoff(retries=4)
