"""A volume of another engine as one of ours: its tree, with owners, modes, attributes and times."""

from __future__ import annotations

import os
import time

from argosy import jsontext
from argosy.linux import syscalls
from argosy.volumes import copyup, named
from argosy.volumes.named import Volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.storage.store import Store


def adopt(store: Store, name: str, source: str) -> None:
    """Make the volume `name` with a copy of what is in the directory `source`, which is left as it is.

    Whole and stable on disk before it can be seen.  Raises Exists when there is one of this name.
    """
    named.check_name(name)
    with store.volumes.stage(name) as staged:
        data = f"{staged.path}/{named.DATA}"
        os.mkdir(data, 0o755)
        copyup.fill(staged.path, data, source, "/", content=True)
        staged.write(named.FILLED, b"")
        staged.write(named.VOLUME, jsontext.encode(Volume(name, time.time()).to_json()))
        syscalls.syncfs(staged.lock.fd)
        staged.commit(durable=True)
