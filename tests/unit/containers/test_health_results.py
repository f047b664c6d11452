"""What a check makes of a container's health: states, streaks, the log's bounds, actions, and when the next is due."""

from __future__ import annotations

import pytest

from argosy.containers.health import results
from argosy.containers.health.results import Entry, Results
from argosy.spec import health
from argosy.spec.options import HealthCheck, StartupCheck

SECOND = 1_000_000_000
STARTED = 1000.0
PLAIN = HealthCheck(test=("CMD", "x"), interval_ns=10 * SECOND, timeout_ns=SECOND, retries=2, on_failure="kill")
SLOW = PLAIN.replace(start_period_ns=60 * SECOND)
STARTUP = PLAIN.replace(startup=StartupCheck(("CMD", "y"), interval_ns=2 * SECOND, retries=3, successes=2))


def entry(code: int, at_s: float = 2000.0, output: str = "") -> Entry:
    return Entry(int(at_s * SECOND), int(at_s * SECOND) + 1, code, output)


def run(check: HealthCheck, *codes: int, at_s: float = 2000.0, before: Results | None = None) -> tuple[Results, str]:
    """The results after these exit statuses, and what the last one calls for."""
    found, action = before or Results(), "none"
    for code in codes:
        previous = found
        found = results.after(previous, check, entry(code, at_s), started_at=STARTED)
        action = results.action(previous, found, check)
    return found, action


@pytest.mark.parametrize(
    ("codes", "status", "streak", "action"),
    [
        ((), "starting", 0, "none"),
        ((0,), "healthy", 0, "none"),
        ((1,), "starting", 1, "none"),
        ((0, 1), "healthy", 1, "none"),
        ((0, 1, 0, 1), "healthy", 1, "none"),
        ((1, 1), "unhealthy", 2, "kill"),
        ((1, results.TIMED_OUT, 7), "unhealthy", 3, "kill"),
        ((1, 1, 0), "healthy", 0, "none"),
    ],
)
def test_states(codes: tuple[int, ...], status: str, streak: int, action: str) -> None:
    found, wanted = run(PLAIN, *codes)
    assert (found.status, found.failing_streak, wanted) == (status, streak, action)


def test_failures_in_the_start_period_do_not_count() -> None:
    found, action = run(SLOW, 1, 1, 1, at_s=STARTED + 59)
    assert (found.status, found.failing_streak, action, len(found.log)) == ("starting", 0, "none", 3)
    found, action = run(SLOW, 0, at_s=STARTED + 59, before=found)
    assert found.status == "healthy"
    found, action = run(SLOW, 1, 1, at_s=STARTED + 60, before=found)
    assert (found.status, action) == ("unhealthy", "kill")


def test_a_new_start_forgets_all_but_the_log() -> None:
    found, _ = run(PLAIN, 0, 1, 1)
    again = results.begun(found)
    assert (again.status, again.failing_streak, again.log) == ("starting", 0, found.log)


def test_startup_checks_come_first() -> None:
    found, action = run(STARTUP, 0)
    assert results.is_starting_up(STARTUP, found)
    assert (found.status, action) == ("starting", "none")
    found, _ = run(STARTUP, 1, 0, before=found)  # not in a row
    assert results.is_starting_up(STARTUP, found)
    found, _ = run(STARTUP, 0, before=found)
    assert not results.is_starting_up(STARTUP, found)
    assert found.status == "healthy"
    found, action = run(STARTUP, 1, 1, before=found)
    assert (found.status, action) == ("unhealthy", "kill")


def test_startup_failures_start_the_container_again() -> None:
    assert run(STARTUP, 1, 1)[1] == "none"
    found, action = run(STARTUP, 1, 1, 1)
    assert (found.status, found.failing_streak, action) == ("starting", 0, "restart")
    for_ever = STARTUP.replace(startup=StartupCheck(("CMD", "y")))
    assert run(for_ever, *[1] * 50)[1] == "none"


def test_the_log_is_bounded() -> None:
    found = Results()
    for number in range(9):
        found = results.after(found, PLAIN, entry(0, output=str(number)), started_at=STARTED)
    assert [item.output for item in found.log] == ["4", "5", "6", "7", "8"]
    boundless = PLAIN.replace(max_log_count=0, max_log_size=0)
    limit = results.output_limit(boundless)
    for _ in range(5):
        found = results.after(found, boundless, entry(0, output="x" * limit), started_at=STARTED)
    assert sum(len(item.output) for item in found.log) <= limit <= 1 << 20
    assert results.output_limit(PLAIN) == 500


def test_when_the_next_check_is_due() -> None:
    def delay(check: HealthCheck, found: Results, now_s: float) -> int | None:
        return results.delay_ns(check, found, started_at=STARTED, now_ns=int(now_s * SECOND))

    nothing = Results()
    assert delay(PLAIN, nothing, STARTED + 1) == 0
    found, _ = run(PLAIN, 0, at_s=STARTED + 1)
    assert delay(PLAIN, found, STARTED + 5) == 6 * SECOND + 1
    assert delay(PLAIN, found, STARTED + 500) == 0  # nobody was there to check
    assert delay(PLAIN, found, STARTED - 5000) == 10 * SECOND  # the clock was set back
    assert delay(PLAIN, run(PLAIN, 0, at_s=STARTED - 9)[0], STARTED) == 0  # of the run before
    assert delay(PLAIN.replace(interval_ns=HealthCheck.NEVER), nothing, STARTED) is None


def test_intervals() -> None:
    def interval(check: HealthCheck, found: Results, now_s: float = 2000.0) -> int:
        return results.interval_ns(check, found, started_at=STARTED, now_ns=int(now_s * SECOND))

    assert interval(PLAIN, Results()) == 10 * SECOND
    assert interval(PLAIN.replace(interval_ns=1), Results()) == results.LEAST_INTERVAL_NS
    assert interval(STARTUP, Results()) == 2 * SECOND
    assert interval(STARTUP, Results(started_up=True)) == 10 * SECOND
    eager = SLOW.replace(start_interval_ns=SECOND)
    assert interval(eager, Results(), STARTED + 5) == SECOND
    assert interval(eager, Results(), STARTED + 61) == 10 * SECOND
    assert interval(eager, Results(status="healthy"), STARTED + 5) == 10 * SECOND


def test_who_is_checked_in_time() -> None:
    assert results.is_scheduled(PLAIN)
    assert not results.is_scheduled(None)
    assert not results.is_scheduled(HealthCheck(test=health.NONE))
    never = PLAIN.replace(interval_ns=HealthCheck.NEVER)
    assert not results.is_scheduled(never)
    assert results.is_scheduled(never.replace(startup=StartupCheck(("CMD", "y"))))


def test_results_as_json() -> None:
    found, _ = run(PLAIN, 0, 1)
    assert Results.from_json(found.to_json()) == found
