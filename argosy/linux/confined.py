"""The lowest rung: no user namespace, hence no mounts.  Root with CAP_SYS_CHROOT can still go below another root.

So it is for root in a pod without privileges, whose seccomp filter or whose host forbids user namespaces.
"""

from __future__ import annotations

import os

from argosy.linux import files, idmap, userns
from argosy.linux.userns import Forbidden, Namespace

CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER = 0, 1, 3
CAP_SYS_CHROOT = 18
# With these a process may give files to any id, work on them, and become any id.
_ALL_IDS = (CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, userns.CAP_SETGID, userns.CAP_SETUID)
_TOLD = "told-chroot"


def enter(run_dir: str, forbidden: Forbidden) -> Namespace:
    """Who we are without a namespace; the notice comes once in the life of the run directory.

    Raises Forbidden, with what else is missing, where chroot(2) is not for us either.
    """
    if os.geteuid() != 0 or not userns.has(CAP_SYS_CHROOT):
        details = f"{forbidden.details}; nor may this process use chroot, which takes root with CAP_SYS_CHROOT"
        raise Forbidden(forbidden.brief, details=details, hint=forbidden.hint)
    gid = os.getegid()
    whole = userns.has(*_ALL_IDS)
    id_map = idmap.unchanged(idmap.of_process()) if whole else idmap.alone(0, gid)
    notice = _notice(forbidden, whole=whole) if _is_first(run_dir) else ""
    return Namespace(True, 0, gid, id_map, initial=False, notice=notice, chroot=True)


def _notice(forbidden: Forbidden, *, whole: bool) -> str:
    ids = "" if whole else ", one user id"
    return (
        f"there can be no user namespace here ({forbidden.details}): containers are isolated by chroot alone, with the "
        f"network and the processes of this machine, no mounts, no limits, no seccomp filter{ids}; "
        "`argosy doctor userns` tells more"
    )


def _is_first(run_dir: str) -> bool:
    directory = f"{run_dir}/cache"
    files.make_directories(directory)
    try:
        os.close(os.open(f"{directory}/{_TOLD}", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return False
    return True
