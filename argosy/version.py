"""The version of Argosy, and of the formats and interfaces that it speaks."""

from __future__ import annotations

VERSION = "0.1.0"
STORE_FORMAT = 1
OCI_RUNTIME_SPEC = "1.0.2"

# The script that started this program, set by the launcher: how Argosy starts itself again (`linux.process.self_argv`).
LAUNCHER = ""
# Directories, joined by os.pathsep, that the launcher does not know: those of a program that uses Argosy as a library.
LIBRARIES = ""
