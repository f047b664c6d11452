"""Argosy: build, move, run and serve OCI containers with no daemon and no root.

`argosy.open()` gives programs what the command line has; see `argosy.library`.  Importing the package costs nothing and
does nothing: names are resolved when they are first asked for, since every `argosy` command imports this module too.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.exec import ExecOptions
    from argosy.containers.logs import LogOptions
    from argosy.containers.run import Streams
    from argosy.errors import ArgosyError, Exists, InUse, Invalid, NotFound, Unsupported
    from argosy.images.import_ import ImportOptions
    from argosy.images.progress import Progress
    from argosy.library import Engine, open
    from argosy.library.client import HelperGone
    from argosy.library.containers import LogEntry
    from argosy.library.working import Build, Working
    from argosy.oci.imageconfig import Healthcheck
    from argosy.spec.options import ContainerOptions, Mount, NetworkMode
    from argosy.transports.access import RegistryOptions

__all__ = [
    "ArgosyError",
    "Build",
    "ContainerOptions",
    "Engine",
    "ExecOptions",
    "Exists",
    "Healthcheck",
    "HelperGone",
    "ImportOptions",
    "InUse",
    "Invalid",
    "LogEntry",
    "LogOptions",
    "Mount",
    "NetworkMode",
    "NotFound",
    "Progress",
    "RegistryOptions",
    "Streams",
    "Unsupported",
    "Working",
    "open",
]

_HOMES = {
    "containers.exec": ("ExecOptions",),
    "containers.logs": ("LogOptions",),
    "containers.run": ("Streams",),
    "errors": ("ArgosyError", "Exists", "Invalid", "InUse", "NotFound", "Unsupported"),
    "images.import_": ("ImportOptions",),
    "images.progress": ("Progress",),
    "library": ("Engine", "open"),
    "library.client": ("HelperGone",),
    "library.containers": ("LogEntry",),
    "library.working": ("Build", "Working"),
    "oci.imageconfig": ("Healthcheck",),
    "spec.options": ("ContainerOptions", "Mount", "NetworkMode"),
    "transports.access": ("RegistryOptions",),
}


if not TYPE_CHECKING:  # or any name would be right to a type checker

    def __getattr__(name: str) -> object:
        for module, names in _HOMES.items():
            if name in names:
                return getattr(__import__(f"argosy.{module}", fromlist=(name,)), name)
        raise AttributeError(f"module 'argosy' has no attribute {name!r}")
