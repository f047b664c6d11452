"""What is known of a container's health, and what the next check makes of it."""

from __future__ import annotations

from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

    from argosy.spec.options import HealthCheck

STARTING, HEALTHY, UNHEALTHY = "starting", "healthy", "unhealthy"
TIMED_OUT = -1
# Limits where the container asks for none: the file is written anew after each check.
_MOST_ENTRIES = 1000
_MOST_OUTPUT = 1 << 19

LEAST_INTERVAL_NS = 100_000_000  # what asks to be checked more often is checked so often


class Entry(Value):
    """One check: when (in nanoseconds since the epoch), its exit status or `TIMED_OUT`, what it wrote."""

    start_ns: int
    end_ns: int
    exit_code: int
    output: str


class Results(Value):
    """The state that lists show, the failures in a row, and the last checks, the oldest first.

    The rest is about startup checks: whether they have passed, and how many in a row have succeeded, or failed.
    """

    status: str = STARTING
    failing_streak: int = 0
    log: tuple[Entry, ...] = ()
    started_up: bool = False
    startup_successes: int = 0
    startup_failures: int = 0

    _nested: ClassVar[dict[str, type[Value]]] = {"log": Entry}


def begun(before: Results) -> Results:
    """When the container has been started: nothing is known but what was, which may tell why it was started again."""
    return Results(log=before.log)


def is_starting_up(check: HealthCheck, found: Results) -> bool:
    """Whether the startup check is the one to run."""
    return check.startup is not None and not found.started_up


def after(before: Results, check: HealthCheck, entry: Entry, *, started_at: float) -> Results:
    """What a check that has ended makes of it.  `started_at` is when the container was, in seconds since the epoch."""
    found = before.replace(log=_log(before.log, check, entry))
    if is_starting_up(check, before):
        return _after_startup(found, check, entry)
    if entry.exit_code == 0:
        return found.replace(status=HEALTHY, failing_streak=0)
    if entry.start_ns < int(started_at * 1e9) + check.start_period_ns:
        return found
    streak = before.failing_streak + 1
    return found.replace(failing_streak=streak, status=UNHEALTHY if streak >= check.retries else before.status)


def _after_startup(found: Results, check: HealthCheck, entry: Entry) -> Results:
    assert check.startup is not None
    if entry.exit_code:
        return found.replace(startup_successes=0, startup_failures=found.startup_failures + 1)
    successes = found.startup_successes + 1
    if successes < check.startup.successes:
        return found.replace(startup_successes=successes, startup_failures=0)
    return found.replace(started_up=True, status=HEALTHY, startup_successes=0, startup_failures=0)


def _log(log: tuple[Entry, ...], check: HealthCheck, entry: Entry) -> tuple[Entry, ...]:
    kept = [*log, entry][-(check.max_log_count or _MOST_ENTRIES) :]
    while len(kept) > 1 and sum(len(item.output) for item in kept) > _MOST_OUTPUT:
        del kept[0]
    return tuple(kept)


def output_limit(check: HealthCheck) -> int:
    """How many characters of a check's output are kept."""
    return min(check.max_log_size or _MOST_OUTPUT, _MOST_OUTPUT)


def action(before: Results, found: Results, check: HealthCheck) -> str:
    """What is to be done with the container now: "none", "kill", "restart" or "stop"."""
    if is_starting_up(check, before):
        assert check.startup is not None
        return "restart" if 0 < check.startup.retries <= found.startup_failures else "none"
    return check.on_failure if found.status == UNHEALTHY else "none"


def interval_ns(check: HealthCheck, found: Results, *, started_at: float, now_ns: int) -> int:
    """The time from the end of one check to the next one; negative where there is none to come."""
    if check.startup is not None and not found.started_up:
        wanted = check.startup.interval_ns
    elif check.start_interval_ns and found.status == STARTING and now_ns < started_at * 1e9 + check.start_period_ns:
        wanted = check.start_interval_ns
    else:
        wanted = check.interval_ns
    return max(wanted, LEAST_INTERVAL_NS) if wanted > 0 else check.NEVER


def is_scheduled(check: HealthCheck | None) -> bool:
    """Whether the container is to be checked without being asked."""
    if check is None or not check.is_active:
        return False
    return check.interval_ns > 0 or (check.startup is not None and check.startup.interval_ns > 0)


def delay_ns(check: HealthCheck, found: Results, *, started_at: float, now_ns: int) -> int | None:
    """How long to wait for the next check, by a clock that may have been set meanwhile.  None where none is to come.

    The first check after a start is due at once.
    """
    interval = interval_ns(check, found, started_at=started_at, now_ns=now_ns)
    if interval < 0:
        return None
    last = found.log[-1] if found.log else None
    if last is None or last.start_ns < started_at * 1e9:
        return 0
    return min(max(0, last.end_ns + interval - now_ns), interval)
