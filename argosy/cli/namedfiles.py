"""Configuration files that global flags name, handed to those who read them in the variables that do the same.

Imported when such a flag was given.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

FLAGS = ("docker_config", "registries_conf", "registries_conf_dir", "short_name_alias_conf")
_VARIABLES = {
    "registries_conf": "CONTAINERS_REGISTRIES_CONF",
    "registries_conf_dir": "ARGOSY_REGISTRIES_CONF_DIR",
    "short_name_alias_conf": "ARGOSY_SHORT_NAME_ALIAS_CONF",
}


def apply(settings: Mapping[str, Any]) -> None:
    """Set the variables.  Raises ArgosyError for a registries.conf that is not there."""
    if settings.get("docker_config"):
        os.environ["DOCKER_CONFIG"] = settings["docker_config"]
    path = settings.get("registries_conf")
    if path and not os.path.exists(path):
        why = f"stat {path}: no such file or directory"
        raise ArgosyError(f"configuring runtime: locating specified registries.conf: {why}")
    for key, variable in _VARIABLES.items():
        if settings.get(key):
            os.environ[variable] = os.path.abspath(settings[key])
