"""The index of the commands in podman's grammar, which `argosy`, `docker` and `podman` speak.

`COMMANDS` maps the words of a command to its module in this package, its summary, and whether it needs the engine (and
so the store and the user namespace).  Help and completion read this alone; a command's module is imported when it runs.
One module may stand under several names (`ps`, `container list`).
"""

from __future__ import annotations

TITLE = "Build, move, run and serve OCI containers, with no daemon and no root"

COMMANDS: dict[str, tuple[str, str, bool]] = {
    "completion": ("completion", "Generate the completion script for a shell", False),
    "help": ("help", "Help about any command", False),
    "info": ("info", "Display system information", True),
    "system check": ("system_check", "Check the store for damage and left-overs, and repair it", True),
    "system info": ("info", "Display system information", True),
    "system prune": ("system_prune", "Remove unused data", True),
    "system reset": ("system_reset", "Remove all containers, images, volumes and state", True),
    "unshare": ("unshare", "Run a command in the user namespace of the store", True),
    "version": ("version", "Display version information", False),
}

# Other spellings, not shown: the whole path to the whole path.
ALIASES: dict[str, str] = {}

GROUPS: dict[str, str] = {
    "container": "Manage containers",
    "image": "Manage images",
    "system": "Manage argosy itself",
}
