"""Argosy in somebody's container: what its masks and its seccomp filter keep from the containers in it."""

from __future__ import annotations

from argosy.containers import facts
from argosy.linux import host, namespaces, procfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.site import Site
    from argosy.spec.options import ContainerOptions


def covered(site: Site) -> tuple[str, ...]:
    """Which file systems of the kernel can only be shared with the container that we are in; said once."""
    found = () if site.namespace.chroot else procfs.covered()
    if "/proc" in found:
        text = "parts of /proc are covered here: containers see this /proc, with the process ids of this container"
        facts.tell_once(site, "proc", f"{text} (see `argosy doctor proc`)")
    return found


def adapted(site: Site, options: ContainerOptions) -> Site:
    """The site whose containers share this host name, where a filter keeps us from giving them another; said once.

    Who asks for a name is told by the runtime that there can be none.
    """
    if options.hostname or options.uts is not None or site.conf.utsns != "private" or site.namespace.chroot:
        return site
    if not host.filtered() or namespaces.can_name_host():
        return site
    facts.tell_once(site, "hostname", "a seccomp filter keeps host names as they are: containers have this one")
    return site.replace(conf=site.conf.replace(utsns="host"))
