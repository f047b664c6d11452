"""Events in docker's form: its lines, its JSON, and the fields of its templates."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from argosy.cli.output import Output
from argosy.cli.podman import _events_docker

ID = "ab" * 32
CONTAINER = {
    "Time": 10**18 + 5,
    "Type": "container",
    "ID": ID,
    "Name": "web",
    "Image": "docker.io/library/it:latest",
    "Attributes": {"tier": "front"},
}


def docker(event: dict[str, Any], format_: str = "") -> str:
    """What is printed of the event."""
    fd = os.memfd_create("events")
    try:
        out = Output("docker", fd=fd)
        _events_docker.printer(format_, "podman", out)(event)
        out.flush()
        return os.pread(fd, 65536, 0).decode()
    finally:
        os.close(fd)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        ({**CONTAINER, "Status": "start"}, f"container start {ID} (image=it, name=web, tier=front)"),
        (
            {**CONTAINER, "Status": "died", "ContainerExitCode": 3},
            f"container die {ID} (exitCode=3, image=it, name=web, tier=front)",
        ),
        (
            {"Type": "image", "Status": "tag", "ID": ID, "Name": "docker.io/me/app:1"},
            f"image tag sha256:{ID} (name=me/app:1)",
        ),
        ({"Type": "image", "Status": "load", "Name": "x.tar"}, "image load x.tar (name=x.tar)"),
        ({"Type": "volume", "Status": "remove", "Name": "data"}, "volume destroy data (driver=local)"),
        (
            {"Type": "network", "Status": "create", "ID": ID, "Network": "app", "Attributes": {"driver": "macvlan"}},
            f"network create {ID} (name=app, type=macvlan)",
        ),
    ],
)
def test_lines(event: dict[str, Any], line: str) -> None:
    assert docker({"Time": 10**18 + 5, **event}) == f"2001-09-09T01:46:40.000000005Z {line}\n"


def test_a_connection_is_the_networks() -> None:
    event = {"Time": 10**18, "Type": "network", "Status": "connect", "ID": ID, "Network": "podman", "Attributes": None}
    document = json.loads(docker(event, "json"))
    assert document["Actor"]["Attributes"] == {"container": ID, "name": "bridge", "type": "bridge"}
    assert document["Actor"]["ID"] != ID


def test_what_docker_has_no_event_for() -> None:
    assert docker({**CONTAINER, "Status": "init"}) == ""


def test_json_and_templates() -> None:
    event = {**CONTAINER, "Status": "died", "ContainerExitCode": 0}
    actor = {"ID": ID, "Attributes": {"exitCode": "0", "image": "it", "name": "web", "tier": "front"}}
    wanted: dict[str, Any] = {
        "status": "die",
        "id": ID,
        "from": "it",
        "Type": "container",
        "Action": "die",
        "Actor": actor,
    }
    wanted |= {"scope": "local", "time": 10**9, "timeNano": 10**18 + 5}
    for format_ in ("json", "{{json .}}"):
        assert json.loads(docker(event, format_)) == wanted
    template = "{{.Action}} {{.Actor.Attributes.name}} {{.From}} {{.Time}}"
    assert docker(event, template) == f"die web it {10**9}\n"
