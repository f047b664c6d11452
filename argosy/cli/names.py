"""Which program we were called as, whose grammar that means, and where the grammar's commands are.

A link (or a copy) named docker, podman, buildah or skopeo makes Argosy speak that program's command line; under any
other name it is argosy, whose grammar is podman's.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.flags import Command

# The program's name to the package below `argosy.cli` that holds the index of its commands.
GRAMMARS = {
    "argosy": "podman",
    "docker": "docker",
    "podman": "podman",
    "buildah": "buildah",
    "skopeo": "skopeo",
}
# Programs whose command line `argosy NAME ...` takes.
GUESTS = ("buildah", "docker", "podman", "skopeo")


def program(argv0: str) -> str:
    """The name that help and messages use for this call."""
    name = argv0.rpartition("/")[2]
    return name if name in GRAMMARS else "argosy"


def index(program_name: str) -> Any:
    """The module that lists the program's commands (COMMANDS, ALIASES, GROUPS, TITLE)."""
    return _module(f"argosy.cli.{GRAMMARS[program_name]}")


def load_command(program_name: str, module: str) -> Command:
    """The command in the module that an index entry names: of the grammar itself, or (with a dot) of another one."""
    place = module if "." in module else f"{GRAMMARS[program_name]}.{module}"
    command: Command = _module(f"argosy.cli.{place}").COMMAND
    return command


def own_globals(program_name: str) -> Any:
    """The module of the global flags that buildah or skopeo has alone."""
    return _module(f"argosy.cli.{program_name}._globals")


def _module(name: str) -> Any:
    __import__(name)
    return sys.modules[name]
