"""Health as `inspect` shows it: a container's check and its results, in podman's form and in docker's."""

from __future__ import annotations

from argosy.images import timestamps
from argosy.spec import health

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.containers.health.results import Entry, Results
    from argosy.spec.options import HealthCheck, StartupCheck

NOTHING_KNOWN = {"Status": "", "FailingStreak": 0, "Log": None}


def results(found: Results) -> dict[str, Any]:
    """podman's form.  Exit statuses are 0, 1 for whatever failed, and -1 for what took too long."""
    return {
        "Status": found.status,
        "FailingStreak": found.failing_streak,
        "Log": [_entry(entry, min(entry.exit_code, 1), entry.output.rstrip("\n")) for entry in found.log] or None,
    }


def docker_results(found: Results) -> dict[str, Any]:
    """docker's form."""
    log = [_entry(entry, entry.exit_code, entry.output) for entry in found.log]
    return {"Status": found.status, "FailingStreak": found.failing_streak, "Log": log}


def _entry(entry: Entry, code: int, output: str) -> dict[str, Any]:
    times = {"Start": timestamps.show(entry.start_ns), "End": timestamps.show(entry.end_ns)}
    return {**times, "ExitCode": code, "Output": output}


def config(check: HealthCheck) -> dict[str, Any]:
    """The fields of podman's `.Config`; those that podman 4 does not know where they are not the default."""
    usual = type(check)()
    more = {
        "HealthLogDestination": "log_destination",
        "HealthcheckMaxLogCount": "max_log_count",
        "HealthcheckMaxLogSize": "max_log_size",
    }
    return {
        "Healthcheck": _check(check, start_period_ns=check.start_period_ns),
        "HealthcheckOnFailureAction": check.on_failure,
        **({"StartupHealthCheck": _startup(check.startup)} if check.startup else {}),
        **{key: getattr(check, field) for key, field in more.items() if getattr(check, field) != getattr(usual, field)},
    }


def docker_config(check: HealthCheck) -> dict[str, Any]:
    """docker's `.Config.Healthcheck`, in which what goes without saying is not said."""
    usual = {"Interval": health.DEFAULT_NS, "Timeout": health.DEFAULT_NS, "Retries": health.DEFAULT_RETRIES}
    found = _check(check, start_period_ns=check.start_period_ns)
    return {key: value for key, value in found.items() if usual.get(key) != value}


def _startup(check: StartupCheck) -> dict[str, Any]:
    return {**_check(check), **({"Successes": check.successes} if check.successes else {})}


def _check(check: HealthCheck | StartupCheck, start_period_ns: int = 0) -> dict[str, Any]:
    numbers = {
        "StartPeriod": start_period_ns,
        "Interval": max(check.interval_ns, 0),
        "Timeout": check.timeout_ns,
        "Retries": check.retries,
    }
    return {"Test": list(check.test), **{key: number for key, number in numbers.items() if number}}
