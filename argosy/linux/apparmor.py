"""AppArmor: whether a profile is loaded, and loading one.  Which profile a container gets is decided elsewhere."""

from __future__ import annotations

from argosy.errors import ArgosyError
from argosy.linux import files, process

SECURITYFS = "/sys/kernel/security"
_LIST_LIMIT = 4 << 20


def loaded(name: str, securityfs: str = SECURITYFS) -> bool | None:
    """Whether the kernel has the profile `name`; None when it does not say (no securityfs here, or not for us)."""
    try:
        text = files.read(f"{securityfs}/apparmor/profiles", _LIST_LIMIT)
    except OSError:
        return None
    return any(line.rpartition(b" (")[0] == name.encode() for line in text.splitlines())


def load(name: str, text: str) -> None:
    """Load the profile, replacing one of that name.  Raises ArgosyError with what apparmor_parser(8) says."""
    program = process.find_program("apparmor_parser")
    if program is None:
        raise ArgosyError(
            f"cannot load the AppArmor profile {name}: apparmor_parser is missing",
            hint="install the package apparmor, or go without a profile: --security-opt apparmor=unconfined",
        )
    done = process.run([program, "--skip-cache", "--replace"], input=text.encode(), check=False)
    if done.returncode:
        raise ArgosyError(
            f"cannot load the AppArmor profile {name}",
            details=done.stderr.decode("utf-8", "replace").strip(),
            hint="--security-opt apparmor=unconfined goes without a profile",
        )
