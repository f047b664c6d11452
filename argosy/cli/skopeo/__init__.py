"""The index of the commands in skopeo's grammar; laid out as `argosy.cli.podman` is."""

from __future__ import annotations

TITLE = "Copy, inspect and sign images and image repositories"

COMMANDS: dict[str, tuple[str, str, bool]] = {
    "copy": ("copy", "Copy an IMAGE-NAME from one location to another", False),
    "delete": ("delete", "Delete image IMAGE-NAME", False),
    "generate-sigstore-key": ("generate_sigstore_key", "Generate a sigstore public/private key pair", False),
    "help": ("podman.help", "Help about any command", False),
    "inspect": ("inspect", "Inspect image IMAGE-NAME", False),
    "list-tags": ("list_tags", "List tags in the transport/repository specified by the SOURCE-IMAGE", False),
    "login": ("podman.login", "Login to a container registry", False),
    "logout": ("logout", "Logout of a container registry", False),
    "manifest-digest": ("manifest_digest", "Compute a manifest digest of a file", False),
    "standalone-sign": ("standalone_sign", "Create a signature using local files", False),
    "standalone-verify": ("standalone_verify", "Verify a signature using local files", False),
    "sync": ("sync", "Synchronize one or more images from one location to another", False),
    "version": ("podman.version", "Display version information", False),
}

ALIASES: dict[str, str] = {}

GROUPS: dict[str, str] = {}
