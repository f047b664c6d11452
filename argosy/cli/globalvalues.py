"""Global flags whose values are words of a list.

Imported when such a flag was given.
"""

from __future__ import annotations

import posixpath

from argosy.errors import ArgosyError, Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_CGROUP_MANAGERS = ("cgroupfs", "systemd")
_NETWORK_PROGRAMS = ("pasta", "slirp4netns")
_EVENTS_BACKENDS = ("file", "journald", "none")


def check(settings: Mapping[str, Any]) -> None:
    """Raise Invalid, or ArgosyError in podman's words, for a value that is not in its list."""
    manager = settings.get("cgroup_manager")
    if manager is not None and manager not in _CGROUP_MANAGERS:
        raise Invalid("cgroup manager", manager, f"it must be one of {', '.join(_CGROUP_MANAGERS)}")
    program = settings.get("network_cmd_path")
    if program is not None and posixpath.basename(program) not in _NETWORK_PROGRAMS:
        raise Invalid("network program", program, f"it must be called {' or '.join(_NETWORK_PROGRAMS)}")
    backend = settings.get("events_backend")
    if backend and backend not in _EVENTS_BACKENDS:
        raise ArgosyError(f'configuring runtime: "{backend}" is not a valid events backend: invalid argument')
