"""Giving a container another name.

A name has two places: changes.json says what the container is called, the link among the store's names finds it.  Both
change under the lock on the names, changes.json first.  Whoever is killed between the two leaves a container that is
found by its old name: the same command run again completes it, and `system check` goes by the link.
"""

from __future__ import annotations

from argosy.containers import create, happened
from argosy.containers import record as records
from argosy.errors import ArgosyError, Exists, Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.site import Site


def rename(site: Site, container_id: str, name: str) -> None:
    """Rename a container; stable on disk when this returns.  Nothing changes when it has that name already.

    Raises NotFound, Invalid for what cannot be a name, ArgosyError when another container has it.
    """
    if not name:
        raise Invalid("container name", name, "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument")
    create.check_name(name)
    try:
        _rename(site, container_id, name)
    except Exists as taken:
        if not create.gives_way(site, taken.holder):
            raise ArgosyError(
                f"renaming container {container_id}: name {name} already in use, "
                f"cannot rename container {container_id}: container already exists",
                details=f"it is the name of {taken.holder}",
            ) from None
        _rename(site, container_id, name)
    happened.tell_of(site, container_id, "rename")


def _rename(site: Site, container_id: str, name: str) -> None:
    """Rename the container, which is locked meanwhile.  No other is: two that take each other's name may not wait."""
    shelf = site.store.containers
    with shelf.lock(container_id):
        before = records.current_name(site.store, records.read_record(site.store, container_id))
        try:
            shelf.rename(container_id, name, first=lambda: _write(site, container_id, name))
        except OSError:
            _write(site, container_id, before)
            raise
        shelf.sync(named=True)


def _write(site: Site, container_id: str, name: str) -> None:
    found = records.read_value(site.store, container_id, records.CHANGES, records.Changes) or records.Changes()
    records.write_value(site.store, container_id, records.CHANGES, found.replace(name=name), durable=True)
