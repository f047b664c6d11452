"""What `version` tells, and `info` too."""

from __future__ import annotations

import os
import sys

from argosy.version import OCI_RUNTIME_SPEC, SPOKEN, STORE_FORMAT, VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The version of docker's API whose command line this is: what its clients compare with.
DOCKER_API = "1.41"


def architecture() -> str:
    """The host's, in Go's words."""
    from argosy.oci import platform

    return platform.host().architecture


def fields(program: str) -> dict[str, Any]:
    """The versions under podman's names, as the program that we are called as, and those that only Argosy has.

    The program is not built but read, and not in Go: what podman tells of that is empty.
    """
    return {
        "APIVersion": SPOKEN.get(program, VERSION),
        "Version": SPOKEN.get(program, VERSION),
        "GoVersion": "",
        "GitCommit": "",
        "BuiltTime": "",
        "Built": 0,
        "OsArch": f"linux/{architecture()}",
        "Os": "linux",
        "ArgosyVersion": VERSION,
        "PythonVersion": ".".join(map(str, sys.version_info[:3])),
        "RuntimeSpec": OCI_RUNTIME_SPEC,
        "StoreFormat": STORE_FORMAT,
    }


def docker() -> dict[str, Any]:
    """The same under docker's names.  There is no server: what docker asks one, this program does itself."""
    own = {
        "Version": SPOKEN["docker"],
        "ApiVersion": DOCKER_API,
        "GitCommit": f"argosy-{VERSION}",
        "GoVersion": "",
        "Os": "linux",
        "Arch": architecture(),
        "BuildTime": "",
    }
    engine = {
        "Name": "Engine",
        "Version": SPOKEN["docker"],
        "Details": {**own, "MinAPIVersion": DOCKER_API, "KernelVersion": os.uname().release, "Experimental": "false"},
    }
    return {
        "Client": {"Platform": {"Name": "Argosy"}, **own, "DefaultAPIVersion": DOCKER_API, "Context": "default"},
        "Server": {
            "Platform": {"Name": "Argosy"},
            "Components": [engine],
            **own,
            "MinAPIVersion": DOCKER_API,
            "KernelVersion": os.uname().release,
        },
    }
