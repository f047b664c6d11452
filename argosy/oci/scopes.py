"""The names by which policy.json and registries.d speak of an image at a registry, the most specific first."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.oci.reference import Reference


def of_reference(reference: Reference) -> tuple[str, ...]:
    """`host/path:tag` (or `@digest`), the repository, each namespace above it, the host, and `*.domain` above that.

    A wildcard goes without the host's port.
    """
    exact = f"{reference.name}@{reference.digest}" if reference.digest else str(reference)
    found = [exact] if reference.selector else []
    name = reference.name
    while name:
        found.append(name)
        name = name.rpartition("/")[0]
    host = reference.registry
    domain = host if host.startswith("[") else host.partition(":")[0]
    while "." in domain and not domain.startswith("["):
        domain = domain.partition(".")[2]
        found.append(f"*.{domain}")
    return tuple(found)
