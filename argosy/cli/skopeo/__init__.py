"""The index of the commands in skopeo's grammar; laid out as `argosy.cli.podman` is."""

from __future__ import annotations

TITLE = "Copy, inspect and sign images and image repositories"

COMMANDS: dict[str, tuple[str, str, bool]] = {
    "help": ("podman.help", "Help about any command", False),
    "version": ("podman.version", "Display version information", False),
}

ALIASES: dict[str, str] = {}

GROUPS: dict[str, str] = {}
