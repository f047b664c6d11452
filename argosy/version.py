"""The version of Argosy, and of the formats and interfaces that it speaks."""

from __future__ import annotations

VERSION = "0.1.0"
STORE_FORMAT = 1

# The version of each peer whose command line, messages and documents are spoken under its name: what callers compare.
SPOKEN = {"buildah": "1.28.2", "docker": "28.2.2", "podman": "4.3.1", "skopeo": "1.9.3"}
OCI_RUNTIME_SPEC = "1.0.2"
OCI_IMAGE_SPEC = "1.1.0"

# The script that started this program, set by the launcher: how Argosy starts itself again (`linux.process.self_argv`).
LAUNCHER = ""
# Directories, joined by os.pathsep, that the launcher does not know: those of a program that uses Argosy as a library.
LIBRARIES = ""


def shown(program: str) -> str:
    """What `PROGRAM --version` prints."""
    number = SPOKEN.get(program, VERSION)
    return f"Docker version {number}, build argosy-{VERSION}" if program == "docker" else f"{program} version {number}"
