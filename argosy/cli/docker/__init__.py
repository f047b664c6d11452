"""The index of the commands in docker's grammar, podman's and docker's own; laid out as `argosy.cli.podman` is.

`OWN` are the commands that docker alone has.
`ABSENT` maps the commands that Argosy has not, and says so of, to why there are none and what to use instead.
"""

from __future__ import annotations

from argosy.cli import podman

TITLE = "Build, move, run and serve OCI containers, with no daemon and no root"

OWN: dict[str, tuple[str, str, bool]] = {
    "context create": ("context_create", "Create a context", False),
    "context export": ("context_export", "Export a context to a tar archive FILE or a tar stream on STDOUT", False),
    "context import": ("context_import", "Import a context from a tar archive", False),
    "context inspect": ("context_inspect", "Display detailed information on one or more contexts", False),
    "context ls": ("context_ls", "List contexts", False),
    "context rm": ("context_rm", "Remove one or more contexts", False),
    "context show": ("context_show", "Print the name of the current context", False),
    "context update": ("context_update", "Update a context", False),
    "context use": ("context_use", "Set the current docker context", False),
}

COMMANDS: dict[str, tuple[str, str, bool]] = {
    **{
        words: (f"podman.{module}", summary, needs_engine)
        for words, (module, summary, needs_engine) in podman.COMMANDS.items()
    },
    **OWN,
}

ALIASES: dict[str, str] = {**podman.ALIASES, "context list": "context ls", "context remove": "context rm"}

GROUPS: dict[str, str] = {**podman.GROUPS, "context": "Manage contexts: other hosts by name"}

_NO_SWARM = "argosy has no swarm: it runs the containers of one host"
_ONE_BY_ONE = "docker run --restart always keeps one running here; docker --context NAME works on another host."

ABSENT: dict[str, tuple[str, str]] = {
    "compose": (
        "argosy has no compose yet",
        "Run its services one by one: docker network create NET, docker run -d --network NET --name SERVICE IMAGE.",
    ),
    "config": (_NO_SWARM, "docker run --volume FILE:PATH:ro gives a container a file; docker secret create keeps one."),
    "node": (_NO_SWARM, "docker info tells of this host; docker context ls lists others."),
    "plugin": (
        "argosy has no plugins",
        "Its drivers are built in: docker volume create --help and docker network create --help name them.",
    ),
    "service": (_NO_SWARM, _ONE_BY_ONE),
    "stack": (_NO_SWARM, _ONE_BY_ONE),
    "swarm": (_NO_SWARM, _ONE_BY_ONE),
    "trust": (
        "argosy has no notary: it checks signatures by the rules of policy.json",
        "argosy image trust set chooses the rules, argosy image sign makes signatures.",
    ),
}
