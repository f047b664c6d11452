"""How the results of health checks are told: podman's fields and words, docker's word and silence."""

from __future__ import annotations

from typing import Any

from argosy.cli.podman import _events
from tests.unit.cli.test_docker_events import docker


def event(status: str, health: str = "", **more: Any) -> dict[str, Any]:
    found = {"Time": 10**18, "Type": "container", "Status": status, "ID": "ab" * 32, "Name": "web", "Image": "it:1"}
    return {**found, **({"HealthStatus": health} if health else {}), **more}


def test_podmans_form() -> None:
    sick = event("health_status", "unhealthy", HealthFailingStreak=3, HealthLog="no answer")
    assert _events.document(sick)["health_status"] == "unhealthy"
    assert _events.line(sick).endswith(
        "(image=it:1, name=web, health_status=unhealthy, health_failing_streak=3, health_log=no answer)"
    )
    assert _events.row(sick)["HealthStatus"] == "unhealthy"
    assert _events.row(event("start"))["HealthStatus"] == ""
    assert "health_status" not in _events.document(event("start"))


def test_dockers_form() -> None:
    line = docker(event("health_status", "healthy", HealthFailingStreak=0))
    assert " container health_status: healthy " in line
    assert line.endswith("(image=it:1, name=web)\n")
    accepts = _events.accepting(["event=health_status"])
    assert accepts(event("health_status", "healthy"))
    assert _events.accepting(["event=health_status: healthy"])(event("health_status", "healthy"))


def test_docker_tells_changes_alone() -> None:
    accepts = _events.changing_health(lambda _event: True)
    states = ("starting", "healthy", "healthy", "unhealthy", "unhealthy", "healthy")
    assert [accepts(event("health_status", state)) for state in states] == [True, True, False, True, False, True]
    assert accepts(event("health_status", "healthy", ID="cd" * 32))
    assert accepts(event("start"))
    assert accepts(event("start"))
