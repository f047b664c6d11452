"""The working directory of a container, looked up beneath its mounted root before anything runs there."""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Invalid, shown
from argosy.linux import paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_KERNELS = ("/proc", "/sys", "/dev")
_EXIT = 126  # podman's


def ensure(
    root: str, config: dict[str, Any], container_id: str, *, asked: bool, owner: tuple[int, int] = (0, 0)
) -> None:
    """Make the image's working directory where it is missing; one that the user asked for must be there.

    `config` is the runtime specification, `owner` the ids that what is made gets.  Where the directory lies in
    something that is mounted, only the runtime can tell.  Raises Invalid when links of the image lead to /proc: the
    runtime would follow them once that is mounted, to a directory of the host in the worst case (CVE-2024-21626).
    """
    cwd: str = config["process"]["cwd"]
    if any((cwd + "/").startswith(mount["destination"] + "/") for mount in config["mounts"]):
        return
    root_fd = paths.open_root(root)
    try:
        fd = _open(root_fd, cwd, container_id, asked=asked, owner=owner)
        try:
            real = os.readlink(f"/proc/self/fd/{fd}").removeprefix(os.path.realpath(root))
        finally:
            os.close(fd)
    finally:
        os.close(root_fd)
    if any((real + "/").startswith(kernel + "/") for kernel in _KERNELS):
        raise Invalid("working directory", cwd, f"it is a link to {real}", hint="use --workdir to name another one")


def _open(root_fd: int, cwd: str, container_id: str, *, asked: bool, owner: tuple[int, int]) -> int:
    try:
        if not asked:
            return paths.make_directories_in_root(root_fd, cwd, uid=owner[0], gid=owner[1])
        return paths.open_in_root(root_fd, cwd, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise ArgosyError(f"workdir {shown(cwd)} does not exist on container {container_id}", exit_code=_EXIT) from None
    except OSError as error:
        raise ArgosyError(
            f"cannot use the workdir {shown(cwd)} on container {container_id}",
            details=str(error.strerror),
            exit_code=_EXIT,
        ) from error
