"""The flags about health checks."""

from __future__ import annotations

import os

from argosy.spec import health
from argosy.spec.options import BadOption, HealthCheck

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.podman._container_table import CreateFlags
    from argosy.values import Value

_PREFIX = "health_"


def read(flags: CreateFlags) -> dict[str, Any]:
    """Those that were given, as a field of ContainerOptions.  Raises BadOption."""
    found = given(flags)
    if not found:
        return {}
    check = HealthCheck(**health.parse(found))
    return {"health": check.replace(startup=health.parse_startup(found))}


def given(flags: Value) -> dict[str, Any]:
    """The flags, without `health_`, and what was given for them; `disabled` is --no-healthcheck.

    "" is as good as nothing.  Raises BadOption for a log destination that is no directory.
    """
    names = [field for field in flags._fields if field.startswith(_PREFIX)]
    found = {name.removeprefix(_PREFIX): value for name in names if (value := getattr(flags, name)) not in (None, "")}
    if "log_destination" in found:
        found["log_destination"] = _destination(found["log_destination"])
    if getattr(flags, "no_healthcheck", None):
        found["disabled"] = True
    return found


def _destination(text: str) -> str:
    if text in health.DESTINATIONS:
        return text
    if not os.path.isdir(text):
        why = "destination must be directory" if os.path.exists(text) else "destination error: no such directory"
        raise BadOption(f"HealthCheck Log '{text}' {why}", hint="local, events_logger, or a directory that is there")
    return os.path.abspath(text)
