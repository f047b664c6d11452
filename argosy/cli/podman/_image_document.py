"""The document of `image inspect` as templates see it: with the fields that JSON leaves out when they are empty."""

from __future__ import annotations

from argosy.cli.documents import Moment
from argosy.cli.templates.values import NIL, Map, NilList, NilMap, Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CONFIG: dict[str, Any] = {
    "User": "",
    "ExposedPorts": NilMap(),
    "Env": NilList(),
    "Entrypoint": NilList(),
    "Cmd": NilList(),
    "Volumes": NilMap(),
    "WorkingDir": "",
    "Labels": NilMap(),
    "StopSignal": "",
    "ArgsEscaped": False,
}
_STEP: dict[str, Any] = {"created": NIL, "created_by": "", "author": "", "comment": "", "empty_layer": False}


def struct(document: dict[str, Any]) -> Struct:
    """`document`, as `images.inspect` gives it, with Go's zero values for what is not there."""
    steps = [Struct({**_STEP, **_moments(step, "created")}, type_name="v1.History") for step in document["History"]]
    whole = {
        **_moments(document, "Created"),
        "Config": Struct({**_CONFIG, **_maps(document["Config"])}, type_name="*v1.ImageConfig"),
        "Labels": Map(document["Labels"]) if document["Labels"] else NilMap(),
        "Annotations": Map(document["Annotations"]),
        "History": steps,
        "Healthcheck": document.get("Healthcheck") or NIL,
    }
    whole["GraphDriver"] = {**document["GraphDriver"], "Data": Map(document["GraphDriver"]["Data"])}
    return Struct(whole, type_name="interface {}", kept=frozenset(whole) - {"Healthcheck"})


def _maps(config: dict[str, Any]) -> dict[str, Any]:
    return {key: Map(value) if isinstance(value, dict) else value for key, value in config.items()}


def _moments(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {**fields, name: Moment(fields[name])} if fields.get(name) else {**fields, name: NIL}
