"""resolv.conf of a container that runs, when it is connected to a network or taken off one.

The file is mounted into the container, so it is written in place; what the container has written there itself stays.
A container with its image's own file has none of ours.
"""

from __future__ import annotations

import os

from argosy.linux import files
from argosy.network import resolv
from argosy.network.resolver import DOMAIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

NAME = "resolv.conf"
_LIMIT = 1 << 20


def add(directory: str, servers: Iterable[str]) -> None:
    """Let the servers be asked first, by the names of networks as well."""
    _change(directory, add=tuple(servers), domain=DOMAIN)


def drop(directory: str, servers: Iterable[str]) -> None:
    """Let the servers be asked no longer."""
    _change(directory, drop=tuple(servers))


def _change(directory: str, *, add: tuple[str, ...] = (), drop: tuple[str, ...] = (), domain: str = "") -> None:
    if not add and not drop:
        return
    path = f"{directory}/{NAME}"
    try:
        text = files.read(path, _LIMIT).decode("utf-8", "surrogateescape")
        fd = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        data = resolv.changed(text, add=add, drop=drop, domain=domain).encode("utf-8", "surrogateescape")
        os.pwrite(fd, data, 0)
        os.ftruncate(fd, len(data))
    finally:
        os.close(fd)
