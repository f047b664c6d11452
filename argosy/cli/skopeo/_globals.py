"""skopeo's own global flags, which it takes before and behind the command, and what they do."""

from __future__ import annotations

import os

from argosy.cli.flags import Flag
from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.oci.platform import Platform

FLAGS = (
    Flag("command-timeout", kind="duration", help="Timeout for the command execution"),
    Flag("debug", help="Show each program that is run"),
    Flag("insecure-policy", help="Run the tool without any policy check"),
    Flag("override-arch", kind="string", help="Use ARCH instead of the machine's architecture for choosing images"),
    Flag("override-os", kind="string", help="Use OS instead of the running OS for choosing images"),
    Flag("override-variant", kind="string", help="Use VARIANT instead of the running variant for choosing images"),
    Flag("policy", kind="string", help="Path to a trust policy file"),
    Flag("registries.d", kind="string", field="registries_d", help="Directory of the settings of signature storage"),
    Flag("tmpdir", kind="string", help="Directory used to store temporary files"),
)


def take(settings: dict[str, Any]) -> dict[str, Any]:
    """Move skopeo's settings out of `settings`, and let those take effect that are not a command's business."""
    taken = {flag.key: settings.pop(flag.key) for flag in FLAGS if flag.key in settings and flag.key != "debug"}
    if "tmpdir" in taken:
        os.environ["TMPDIR"] = taken["tmpdir"]
    if taken.get("command_timeout"):
        _limit(taken["command_timeout"])
    return taken


def platform(settings: dict[str, Any]) -> Platform:
    """The platform that is chosen from an index."""
    from argosy.oci import platform as platforms

    host = platforms.host()
    architecture = settings.get("override_arch") or host.architecture
    system = settings.get("override_os") or host.os
    own = host.variant if architecture == host.architecture else ""
    return platforms.normalized(platforms.Platform(system, architecture, settings.get("override_variant") or own))


def _limit(seconds: float) -> None:
    """End the command with an error when it takes longer."""
    import signal

    def expire(_number: int, _frame: object) -> None:
        raise ArgosyError("context deadline exceeded", details=f"the command took longer than {seconds:g} s")

    signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
