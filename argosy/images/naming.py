"""Names of images: what users may give, and the lock under which names and images are changed together."""

from __future__ import annotations

from argosy.errors import Invalid
from argosy.oci import reference as references

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.linux import locks
    from argosy.oci.reference import Reference
    from argosy.storage.store import Store

LOCALHOST = "localhost"


def home(program: str) -> str:
    """The registry of images made here whose names have none: as docker has it, or as its peers do."""
    return references.DOCKER_HUB if program == "docker" else LOCALHOST


def local_name(text: str, home: str = LOCALHOST) -> Reference:
    """The name under which an image made here is stored, at `home` where no registry is named.  Raises Invalid."""
    name = references.parse(text, default_registry=home)
    if name.digest:
        raise Invalid("image name", text, "tag by digest not supported")
    return name


def locked(store: Store) -> locks.Lock:
    """Hold off whoever else changes names (`Refs.lock`)."""
    return store.refs.lock()


def current(store: Store, digests: frozenset[str]) -> tuple[Reference, ...]:
    """The names that mean one of the manifests now."""
    return tuple(name for name, digest in store.refs.all().refs if digest in digests)
