"""The index of the commands in podman's grammar, which `argosy`, `docker` and `podman` speak.

`COMMANDS` maps the words of a command to its module in this package, its summary, and whether it needs the engine (and
so the store and the user namespace); one that does not gets a `cli.main.Opener` in its place.  Words that begin with an
underscore are not shown.  Help and completion read this alone; a command's module is imported when it runs.
One module may stand under several names (`ps`, `container list`).
"""

from __future__ import annotations

TITLE = "Build, move, run and serve OCI containers, with no daemon and no root"

COMMANDS: dict[str, tuple[str, str, bool]] = {
    "__complete": ("complete", "Candidates for the last word of a command line", False),
    "__completeNoDesc": ("complete_plain", "Candidates for the last word of a command line, alone", False),
    "attach": ("attach", "Attach to a running container", True),
    "completion": ("completion", "Generate the completion script for a shell", False),
    "container attach": ("attach", "Attach to a running container", True),
    "container cleanup": ("container_cleanup", "Clean up network and mountpoints of one or more containers", True),
    "container create": ("create", "Create but do not start a container", True),
    "container diff": ("container_diff", "Inspect changes to the container's file systems", True),
    "container exec": ("exec", "Run a process in a running container", True),
    "container exists": ("container_exists", "Check if a container exists in local storage", True),
    "container inspect": ("container_inspect", "Display the configuration of a container", True),
    "container kill": ("kill", "Kill one or more running containers with a specific signal", True),
    "container list": ("ps", "List containers", True),
    "container logs": ("logs", "Fetch the logs of one or more containers", True),
    "container port": ("port", "List port mappings or a specific mapping for the container", True),
    "container prune": ("container_prune", "Remove all non running containers", True),
    "container rename": ("rename", "Rename an existing container", True),
    "container restart": ("restart", "Restart one or more containers", True),
    "container rm": ("rm", "Remove one or more containers", True),
    "container run": ("run", "Run a command in a new container", True),
    "container start": ("start", "Start one or more containers", True),
    "container stop": ("stop", "Stop one or more containers", True),
    "container top": ("top", "Display the running processes of a container", True),
    "container wait": ("wait", "Block on one or more containers until they stop", True),
    "create": ("create", "Create but do not start a container", True),
    "diff": ("diff", "Display the changes to the object's file system", True),
    "doctor": ("doctor", "Explain what this host lets argosy do, and how to get more", False),
    "exec": ("exec", "Run a process in a running container", True),
    "help": ("help", "Help about any command", False),
    "history": ("history", "Show history of a specified image", True),
    "image diff": ("image_diff", "Inspect changes to the image's file system", True),
    "image exists": ("image_exists", "Check if an image exists in local storage", True),
    "image history": ("history", "Show history of a specified image", True),
    "image import": ("import_", "Import a tarball to create a filesystem image", True),
    "image inspect": ("image_inspect", "Display the configuration of an image", True),
    "image list": ("images", "List images in local storage", True),
    "image load": ("load", "Load image(s) from a tar archive", True),
    "image prune": ("image_prune", "Remove unused images", True),
    "image pull": ("pull", "Pull an image from a registry", True),
    "image push": ("push", "Push an image to a specified destination", True),
    "image rm": ("rmi", "Removes one or more images from local storage", True),
    "image save": ("save", "Save image(s) to an archive", True),
    "image tag": ("tag", "Add an additional name to a local image", True),
    "image tree": ("image_tree", "Print layer hierarchy of an image in a tree format", True),
    "image untag": ("untag", "Remove a name from a local image", True),
    "images": ("images", "List images in local storage", True),
    "import": ("import_", "Import a tarball to create a filesystem image", True),
    "info": ("info", "Display system information", True),
    "inspect": ("inspect", "Display the configuration of object denoted by ID", True),
    "kill": ("kill", "Kill one or more running containers with a specific signal", True),
    "load": ("load", "Load image(s) from a tar archive", True),
    "login": ("login", "Login to a container registry", False),
    "logout": ("logout", "Logout of a container registry", False),
    "logs": ("logs", "Fetch the logs of one or more containers", True),
    "port": ("port", "List port mappings or a specific mapping for the container", True),
    "ps": ("ps", "List containers", True),
    "pull": ("pull", "Pull an image from a registry", True),
    "push": ("push", "Push an image to a specified destination", True),
    "rename": ("rename", "Rename an existing container", True),
    "restart": ("restart", "Restart one or more containers", True),
    "rm": ("rm", "Remove one or more containers", True),
    "rmi": ("rmi", "Removes one or more images from local storage", True),
    "run": ("run", "Run a command in a new container", True),
    "save": ("save", "Save image(s) to an archive", True),
    "start": ("start", "Start one or more containers", True),
    "stop": ("stop", "Stop one or more containers", True),
    "system check": ("system_check", "Check the store for damage and left-overs, and repair it", False),
    "system df": ("system_df", "Show disk usage", True),
    "system info": ("info", "Display system information", True),
    "system prune": ("system_prune", "Remove unused data", True),
    "system reset": ("system_reset", "Remove all containers, images, volumes and state", True),
    "tag": ("tag", "Add an additional name to a local image", True),
    "top": ("top", "Display the running processes of a container", True),
    "unshare": ("unshare", "Run a command in the user namespace of the store", True),
    "untag": ("untag", "Remove a name from a local image", True),
    "version": ("version", "Display version information", False),
    "wait": ("wait", "Block on one or more containers until they stop", True),
}

# Other spellings, not shown: the whole path to the whole path.
ALIASES: dict[str, str] = {
    "container ls": "container list",
    "container ps": "container list",
    "image ls": "image list",
}

GROUPS: dict[str, str] = {
    "container": "Manage containers",
    "image": "Manage images",
    "system": "Manage argosy itself",
}
