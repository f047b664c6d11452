"""Events as docker tells them: who did what, as an actor with attributes."""

from __future__ import annotations

from argosy.cli.podman import _events
from argosy.cli.podman._images_docker import familiar
from argosy.cli.podman._ps_docker import shown_image
from argosy.containers.inspect_docker import DEFAULT_NETWORK
from argosy.network.model import network_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from argosy.cli.output import Output

    Event = Mapping[str, Any]

_ENDED = ("died", "exec_died")
_UNKNOWN = ("cleanup", "init")  # what docker has no event for
_MEMBERSHIP = ("connect", "disconnect")
_DIGITS = 64


def printer(format_: str, default_network: str, out: Output) -> Callable[[Event], None]:
    """What prints an event; `default_network` is our name for docker's network `bridge`."""
    from argosy.cli import templates
    from argosy.cli.documents import compact

    template = None if not format_ or templates.is_json(format_) else templates.Template(_unescaped(format_), "")

    def show(event: Event) -> None:
        if event["Status"] in _UNKNOWN:
            return
        found = _document(event, default_network)
        if template is not None:
            out.line(template.execute(_row(found)))
        else:
            out.line(compact(found) if format_ else _line(event, found))

    return show


def _unescaped(text: str) -> str:
    return text.replace("\\t", "\t").replace("\\n", "\n")


def _document(event: Event, default_network: str) -> dict[str, Any]:
    """The event as docker's API has it."""
    kind, action = event["Type"], _events.docker_status(event)
    identity, attributes = _actor(event, default_network)
    old = {"status": action, "id": identity} if kind in ("container", "image") else {}
    image = {"from": attributes["image"]} if kind == "container" else {}
    return {
        **old,
        **image,
        "Type": kind,
        "Action": action,
        "Actor": {"ID": identity, "Attributes": dict(sorted(attributes.items()))},
        "scope": "local",
        "time": event["Time"] // 1_000_000_000,
        "timeNano": event["Time"],
    }


def _actor(event: Event, default_network: str) -> tuple[str, dict[str, str]]:
    kind, identity, name = event["Type"], str(event.get("ID", "")), str(event.get("Name", ""))
    if kind == "container":
        attributes = {
            **(event.get("Attributes") or {}),
            "image": shown_image(str(event.get("Image", ""))),
            "name": name,
        }
        if event["Status"] in _ENDED:
            attributes["exitCode"] = str(event.get("ContainerExitCode", 0))
        return identity, attributes
    if kind == "image":
        return f"sha256:{identity}" if len(identity) == _DIGITS else identity or name, {"name": familiar(name)}
    if kind == "volume":
        return name, {"driver": "local"}
    if kind == "network":
        network = str(event.get("Network", ""))
        shown = DEFAULT_NETWORK if network == default_network else network
        attributes = {"name": shown, "type": str((event.get("Attributes") or {}).get("driver", "bridge"))}
        if event["Status"] in _MEMBERSHIP:
            return network_id(network), {**attributes, "container": identity}
        return identity, attributes
    return identity or name, {"name": name} if name else {}


def _line(event: Event, document: Mapping[str, Any]) -> str:
    actor = document["Actor"]
    shown = ", ".join(f"{key}={value}" for key, value in actor["Attributes"].items())
    return f"{_events.stamp(event['Time'])} {document['Type']} {document['Action']} {actor['ID']} ({shown})"


def _row(document: dict[str, Any]) -> Any:
    """What docker's templates see: Go's names of the same."""
    from argosy.cli.templates import Map, Struct

    actor = document["Actor"]
    fields = {
        "Status": document.get("status", ""),
        "ID": document.get("id", ""),
        "From": document.get("from", ""),
        "Type": document["Type"],
        "Action": document["Action"],
        "Actor": Struct(
            {"ID": actor["ID"], "Attributes": Map(actor["Attributes"])}, type_name="events.Actor", kept=actor
        ),
        "Scope": document["scope"],
        "Time": document["time"],
        "TimeNano": document["timeNano"],
    }
    return Struct(fields, type_name="events.Message", kept=document)
