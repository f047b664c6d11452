"""Events: which ones a filter accepts, and how they look."""

from __future__ import annotations

import time

from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    Event = Mapping[str, Any]
    Test = Callable[[Event], bool]

_NS = 1_000_000_000
_DOCKERS = {
    "died": "die",
    "exec": "exec_start",
    "exec_died": "exec_die",
    "loadfromarchive": "load",
}
_HEALTH = {"HealthStatus": "health_status", "HealthFailingStreak": "health_failing_streak", "HealthLog": "health_log"}
_DOCKERS_REMOVAL = {"container": "destroy", "volume": "destroy", "network": "destroy", "image": "delete"}
# What happens to networks themselves; the rest happens to containers on them, whose ids those events have.
_OF_NETWORKS = ("create", "remove")
# As podman's documents have them, in their order.
_FIELDS = (
    *("ContainerExitCode", "ID", "Image", "Name", "Network", "Status", "Time", "Type", "health_status"),
    *("HealthFailingStreak", "HealthLog"),
)


def accepting(filters: Iterable[str]) -> Test:
    """Whether an event fits: one of the values for each key.  Raises ArgosyError for what is no filter."""
    given: dict[str, list[Test]] = {}
    for text in filters:
        key, equals, value = text.partition("=")
        key = key.lower()
        make = _TESTS.get(key)
        if make is None or not equals:
            known = ", ".join(sorted(_TESTS))
            raise ArgosyError(f"{text if not equals else key} is an invalid filter", hint=f"KEY=VALUE, of {known}")
        given.setdefault("event" if key == "status" else key, []).append(make(value))
    return lambda event: all(any(test(event) for test in tests) for tests in given.values())


def changing_health(accepts: Test) -> Test:
    """Of the results of health checks those alone that are others than the one before, as docker tells them."""
    known: dict[str, str] = {}

    def test(event: Event) -> bool:
        if event["Status"] != "health_status":
            return accepts(event)
        before, now = known.get(event.get("ID", "")), event.get("HealthStatus", "")
        known[event.get("ID", "")] = now
        return before != now and accepts(event)

    return test


def _of_object(kind: str) -> Callable[[str], Test]:
    def make(value: str) -> Test:
        def test(event: Event) -> bool:
            named = event.get("Name") == value or (value != "" and str(event.get("ID", "")).startswith(value))
            return event["Type"] == kind and named

        return test

    return make


def _of_image(value: str) -> Test:
    def test(event: Event) -> bool:
        if event["Type"] == "image":
            named = str(event.get("Name", ""))
            return value in (named, named.rpartition("/")[2]) or str(event.get("ID", "")).startswith(value)
        return value in str(event.get("Image", ""))

    return test


def _of_label(value: str) -> Test:
    key, equals, wanted = value.partition("=")

    def test(event: Event) -> bool:
        labels = event.get("Attributes") or {}
        return key in labels and (not equals or labels[key] == wanted)

    return test


def _of_status(value: str) -> Test:
    return lambda event: value in (event["Status"], docker_status(event))


_TESTS: dict[str, Callable[[str], Test]] = {
    "container": _of_object("container"),
    "event": _of_status,
    "image": _of_image,
    "label": _of_label,
    "network": lambda value: lambda event: event.get("Network") == value,
    "pod": _of_object("pod"),
    "status": _of_status,
    "type": lambda value: lambda event: event["Type"] == value,
    "volume": _of_object("volume"),
}


def docker_status(event: Event) -> str:
    """docker's word for what happened."""
    status = str(event["Status"])
    if status == "remove":
        return _DOCKERS_REMOVAL.get(event["Type"], status)
    if status == "health_status":
        return f"{status}: {event.get('HealthStatus', '')}"
    return _DOCKERS.get(status, status)


def document(event: Event) -> dict[str, Any]:
    """The event in podman's form."""
    found = {**event, "Time": stamp(event["Time"]), "health_status": event.get("HealthStatus")}
    shown = {field: found[field] for field in _FIELDS if found.get(field)}
    return {**shown, "Attributes": event.get("Attributes")}


def row(event: Event) -> dict[str, Any]:
    """What templates are given: all fields."""
    from argosy.cli.documents import Moment
    from argosy.cli.templates import Map

    empty = dict.fromkeys((*_FIELDS, "HealthStatus"), "")
    found = {**empty, "ContainerExitCode": 0, "HealthFailingStreak": 0, **event, "Time": Moment(stamp(event["Time"]))}
    return {**found, "Attributes": Map(event.get("Attributes") or {}), "ToHumanReadable": line(event)}


def stamp(moment_ns: int) -> str:
    """RFC 3339 with the nanoseconds that are not zero, in UTC."""
    fraction = f"{moment_ns % _NS:09}".rstrip("0")
    return (
        time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment_ns // _NS)) + (f".{fraction}" if fraction else "") + "Z"
    )


def line(event: Event, length: int | None = None) -> str:
    """The event on one line, as podman prints it; IDs have `length` digits."""
    when = stamp(event["Time"]).removesuffix("Z").replace("T", " ")
    head = f"{when} +0000 UTC {event['Type']} {event['Status']}"
    identity = str(event.get("ID", ""))[:length]
    if event["Type"] in ("container", "pod"):
        return f"{head} {identity} ({_attributes(event)})"
    if event["Type"] == "network":
        container = "" if event["Status"] in _OF_NETWORKS else f"container={identity}, "
        return f"{head} {identity} ({container}name={event.get('Network', '')})"
    if event["Type"] == "system":
        return head
    named = event.get("Name", "")
    return f"{head} {named}" if event["Type"] == "volume" else f"{head} {identity} {named}"


def _attributes(event: Event) -> str:
    named = [f"image={event.get('Image', '')}", f"name={event.get('Name', '')}"]
    for key, name in _HEALTH.items():
        if event.get(key):
            named.append(f"{name}={event[key]}")
    labels = [f"{key}={value}" for key, value in sorted((event.get("Attributes") or {}).items())]
    return ", ".join([*named, *labels])
