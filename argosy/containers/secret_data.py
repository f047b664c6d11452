"""The secrets of a container (--secret), handed to it at each start: files on a tmpfs in the run directory, bound where
they were asked for, and variables of its process.

The record holds names and ids alone; data that is replaced is there at the next start.  Imported when there are any.
"""

from __future__ import annotations

import os

from argosy.containers import record as records
from argosy.errors import ArgosyError, NotFound
from argosy.linux import files, mounts
from argosy.secrets import stored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.spec.options import SecretUse


def settled(site: Site, uses: tuple[SecretUse, ...]) -> tuple[SecretUse, ...]:
    """The uses with the ids and the true names of their secrets.  Raises NotFound."""
    found = []
    for use in uses:
        secret = stored.find(site.store, use.name)
        found.append(use.replace(name=secret.name, id=secret.id))
    return tuple(found)


def write(site: Site, record: ContainerRecord) -> Mapping[str, str]:
    """Write the files; the path of each by its place inside.  `unmount` undoes it.

    Raises ArgosyError for data that is gone, or an owner whom the container's user namespace does not have.
    """
    uses = [use for use in record.options.secrets if not use.env]
    if not uses:
        return {}
    directory = f"{site.run_directory(record.id)}/{records.SECRETS}"
    os.mkdir(directory, 0o700)
    mounts.mount_tmpfs(directory, mode=0o700, owner=record.root_ids)
    found = {}
    for number, use in enumerate(uses):
        path = f"{directory}/{number}"
        files.write_atomic(path, _data(site, use), mode=0o600)
        _give(path, use, record)
        found[use.target] = path
    return found


def unmount(directory: str) -> None:
    """Take the files in this run directory away.  Idempotent."""
    mounts.unmount(f"{directory}/{records.SECRETS}")


def add_variables(site: Site, record: ContainerRecord, process: dict[str, Any]) -> None:
    """Put the secrets that are variables into the environment of `process`, in place of what has their names."""
    values = {}
    for use in record.options.secrets:
        if use.env:
            data = _data(site, use)
            try:
                values[use.target] = data.decode()
            except UnicodeDecodeError:
                values[use.target] = "\0"
            if "\0" in values[use.target]:
                raise ArgosyError(
                    f"secret {use.name} cannot be the variable {use.target}: it holds NUL bytes, or is not UTF-8",
                    hint=f"mount it: --secret {use.name}",
                )
    kept = (entry for entry in process["env"] if entry.partition("=")[0] not in values)
    process["env"] = [*kept, *(f"{name}={value}" for name, value in values.items())]


def without_variables(uses: tuple[SecretUse, ...], env: list[str]) -> list[str]:
    """The environment as it may be shown."""
    hidden = {use.target for use in uses if use.env}
    return [entry for entry in env if entry.partition("=")[0] not in hidden]


def document(uses: tuple[SecretUse, ...]) -> list[dict[str, Any]]:
    """The mounted ones as inspect shows them."""
    return [
        {"Name": use.name, "ID": use.id, "UID": use.uid, "GID": use.gid, "Mode": use.mode}
        for use in uses
        if not use.env
    ]


def _data(site: Site, use: SecretUse) -> bytes:
    """By the id, or the name where the secret was removed and made anew."""
    try:
        secret = stored.get(site.store, use.id)
    except NotFound:
        secret = stored.find(site.store, use.name)
    return stored.load(site.store, secret)


def _give(path: str, use: SecretUse, record: ContainerRecord) -> None:
    """Owner first: its change clears set-id bits."""
    uid, gid = (use.uid, use.gid) if record.id_map is None else record.id_map.to_host(use.uid, use.gid)
    try:
        os.chown(path, uid, gid)
        os.chmod(path, use.mode)
    except OSError as error:
        raise ArgosyError(
            f"cannot give secret {use.name} to user {use.uid}, group {use.gid}: {error.strerror}",
            hint="`argosy unshare cat /proc/self/uid_map` shows the ids there are",
        ) from error
