"""What the commands on connections share: all that are known, in containers.conf too."""

from __future__ import annotations

import os

from argosy.config import connections, containers
from argosy.linux import userns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener


def known(opener: Opener) -> connections.Connections:
    """The connections that a command line could name."""
    conf = containers.load("", os.environ, rootless=userns.needed(), modules=tuple(opener.settings["modules"]))
    return connections.load(conf, os.environ)


def require_written(name: str, change: connections.Change, opener: Opener) -> None:
    """Raise ArgosyError for one that is not in the file of connections, whether it is nowhere or in containers.conf."""
    from argosy.errors import Unsupported

    if name in change.entries:
        return
    known(opener).named(name)
    raise Unsupported(f'connection "{name}" is one of containers.conf', hint="edit [engine.service_destinations] there")
