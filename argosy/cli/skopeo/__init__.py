"""The index of the commands in skopeo's grammar; laid out as `argosy.cli.podman` is."""

from __future__ import annotations

TITLE = "Copy, inspect and sign images and image repositories"

COMMANDS: dict[str, tuple[str, str, bool]] = {
    "__complete": ("podman.complete", "Candidates for the last word of a command line", False),
    "__completeNoDesc": ("podman.complete_plain", "Candidates for the last word of a command line, alone", False),
    "completion": ("podman.completion", "Generate the completion script for a shell", False),
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

# The places of images, for the manual: how each is written, and what it is.
PLACES = (
    ("docker://NAME[:TAG|@DIGEST]", "An image at a registry, found through registries.conf, auth.json and certs.d."),
    (
        "oci:DIR[:REF]",
        "An image of an OCI layout in a directory, by its org.opencontainers.image.ref.name. To read, oci:DIR:@N is "
        "the image at position N of the index, from 0. A layout that is written to keeps its other images.",
    ),
    ("oci-archive:FILE[:REF]", "The same in an archive; one that is written holds one image and replaces the file."),
    (
        "docker-archive:FILE[:NAME:TAG]",
        "An image of an archive as docker save writes it; to read also docker-archive:FILE:@N. One that is there is "
        "not changed.",
    ),
    ("dir:DIR", "One image as plain files. One that is there is whole until the new one takes its place."),
    ("docker-daemon:NAME:TAG", "An image of a docker daemon, or (to read) docker-daemon:sha256:ID."),
    ("containers-storage:NAME", "An image of argosy's own store."),
    (
        "containers-storage:[DRIVER@ROOT+RUNROOT]NAME",
        "An image of podman's store at ROOT, to read: drivers overlay and vfs. Layers are as they are without "
        "compression.",
    ),
)
