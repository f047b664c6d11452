"""The index of the commands in buildah's grammar; laid out as `argosy.cli.podman` is."""

from __future__ import annotations

TITLE = "Build OCI images"

COMMANDS: dict[str, tuple[str, str, bool]] = {
    "__complete": ("podman.complete", "Candidates for the last word of a command line", False),
    "__completeNoDesc": ("podman.complete_plain", "Candidates for the last word of a command line, alone", False),
    "completion": ("podman.completion", "Generate the completion script for a shell", False),
    "build": ("podman.build", "Build an image using instructions in a Containerfile", True),
    "add": ("add", "Add content to the container", True),
    "config": ("config", "Update image configuration settings", True),
    "copy": ("copy", "Copy content into the container", True),
    "commit": ("commit", "Create an image from a working container", True),
    "containers": ("containers", "List working containers and their base images", True),
    "from": ("from_", "Create a working container based on an image", True),
    "help": ("podman.help", "Help about any command", False),
    "images": ("images", "List images in local storage", True),
    "info": ("info", "Display system information", True),
    "inspect": ("inspect", "Inspect the configuration of a container or image", True),
    "login": ("podman.login", "Login to a container registry", False),
    "logout": ("podman.logout", "Logout of a container registry", False),
    "manifest add": ("podman.manifest_add", "Add images to a manifest list or image index", True),
    "manifest annotate": ("podman.manifest_annotate", "Add or update information about an entry", True),
    "manifest create": ("podman.manifest_create", "Create manifest list or image index", True),
    "manifest exists": ("podman.manifest_exists", "Check if a manifest list exists in local storage", True),
    "manifest inspect": ("podman.manifest_inspect", "Display the contents of a manifest list or image index", True),
    "manifest push": ("podman.manifest_push", "Push a manifest list or image index to a registry", True),
    "manifest remove": ("podman.manifest_remove", "Remove an entry from a manifest list or image index", True),
    "manifest rm": ("podman.manifest_rm", "Remove manifest list or image index from local storage", True),
    "mount": ("mount", "Mount a working container's root filesystem", False),
    "pull": ("podman.pull", "Pull an image from the specified location", True),
    "push": ("podman.push", "Push an image to a specified destination", True),
    "rename": ("rename", "Rename a working container", True),
    "rm": ("rm", "Remove one or more working containers", True),
    "rmi": ("podman.rmi", "Remove one or more images from local storage", True),
    "run": ("run", "Run a command inside of the working container", True),
    "source add": ("source_add", "Add a source artifact to a source image", False),
    "source create": ("source_create", "Create a source image", False),
    "source pull": ("source_pull", "Pull a source image from a registry to a specified path", False),
    "source push": ("source_push", "Push a source image from a specified path to a registry", False),
    "tag": ("podman.tag", "Add an additional name to a local image", True),
    "umount": ("umount", "Unmount the root filesystems of working containers", True),
    "unshare": ("unshare", "Run a command in the user namespace of the store", True),
    "version": ("version", "Display version information", False),
}

ALIASES: dict[str, str] = {
    "bud": "build",
    "delete": "rm",
    "list": "containers",
    "ls": "containers",
    "ps": "containers",
    "unmount": "umount",
}

GROUPS: dict[str, str] = {
    "manifest": "Manipulate manifest lists and image indexes",
    "source": "Manage source images",
}
