"""The index of the commands in buildah's grammar; laid out as `argosy.cli.podman` is."""

from __future__ import annotations

TITLE = "Build OCI images"

COMMANDS: dict[str, tuple[str, str, bool]] = {
    "build": ("podman.build", "Build an image using instructions in a Containerfile", True),
    "help": ("podman.help", "Help about any command", False),
    "version": ("podman.version", "Display version information", False),
}

ALIASES: dict[str, str] = {"bud": "build"}

GROUPS: dict[str, str] = {}
