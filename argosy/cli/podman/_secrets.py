"""What the commands about secrets share: the documents of podman's and docker's inspect, none of which holds data."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from argosy.engine import Engine
    from argosy.secrets.stored import Secret


def document(engine: Engine, secret: Secret) -> dict[str, Any]:
    """The secret as podman's inspect shows it."""
    return {
        "ID": secret.id,
        "CreatedAt": moment(secret.created_at),
        "UpdatedAt": moment(secret.updated_at),
        "Spec": {
            "Name": secret.name,
            "Driver": {"Name": secret.driver, "Options": dict(driver_options(engine, secret))},
            "Labels": dict(sorted(secret.labels.items())),
        },
    }


def driver_options(engine: Engine, secret: Secret) -> Mapping[str, str]:
    """The driver's options, with the place where `file` keeps its data."""
    if secret.driver == "file" and not secret.options:
        return {"path": engine.store.secrets.path(secret.id)}
    return dict(sorted(secret.options.items()))


def docker_document(secret: Secret) -> dict[str, Any]:
    """The secret as docker's inspect shows it; nothing here counts versions, an update is one more."""
    return {
        "ID": secret.id,
        "Version": {"Index": 1 + (secret.updated_at > secret.created_at)},
        "CreatedAt": moment(secret.created_at),
        "UpdatedAt": moment(secret.updated_at),
        "Spec": {"Name": secret.name, "Labels": dict(sorted(secret.labels.items()))},
    }


def moment(seconds: float) -> str:
    """A time as RFC 3339 has it."""
    fraction = f"{seconds % 1:.9f}"[1:].rstrip("0").rstrip(".")
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(int(seconds))) + fraction + "Z"
