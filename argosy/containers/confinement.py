"""How the host's security modules confine a container: its AppArmor profile and its SELinux labels."""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Invalid
from argosy.linux import host
from argosy.spec.options import BadOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.spec.options import ContainerOptions, Mount
    from argosy.spec.selinux import Labels


def check(site: Site, options: ContainerOptions) -> None:
    """Raise for a profile of seccomp's or AppArmor's that was asked for and cannot be had."""
    path, name = options.security.seccomp, options.security.apparmor
    if path not in ("", "unconfined"):
        from argosy.containers import facts
        from argosy.spec import seccomp

        seccomp.profile(facts.seccomp_file(path), (), os.uname().machine, path)
    if name not in ("", "unconfined"):
        if not host.apparmor():
            from argosy.spec import apparmor

            raise apparmor.missing(name)
        apparmor_profile(site, options)


def apparmor_profile(site: Site, options: ContainerOptions) -> str:
    """The loaded profile that the container gets, "" for none; our own is loaded when it is not there.

    Only root can have a profile: AppArmor changes profiles for nobody else.  Raises BadOption for a profile that was
    asked for and cannot be had.
    """
    asked = options.security.apparmor or site.conf.apparmor_profile
    if asked == "unconfined" or (options.privileged and not options.security.apparmor):
        return ""
    if site.namespace.rootless:
        if options.security.apparmor:
            raise BadOption(
                f'cannot use the AppArmor profile "{asked}": only root can', hint="leave --security-opt apparmor= out"
            )
        return ""
    from argosy.linux import apparmor
    from argosy.spec import apparmor as profiles

    name = asked or profiles.NAME
    found = apparmor.loaded(name)
    if name == profiles.NAME:
        if not found:
            apparmor.load(name, profiles.profile())
    elif found is False:
        raise BadOption(f'AppArmor profile "{name}" specified but not loaded', hint="load it with apparmor_parser(8)")
    return name


def allocate_labels(site: Site, options: ContainerOptions) -> tuple[str, str]:
    """The SELinux labels (process, mount) of a new container, ("", "") where SELinux is off.

    The level is one that no other container has, unless the container shares another one's namespaces: then it gets
    that one's labels.  The host's process or ipc namespace cannot be used from a label of its own, so that there is
    none (as podman does).
    """
    if not site.conf.label or not host.selinux():
        return "", ""
    from argosy.linux import selinux
    from argosy.spec import selinux as labelling

    asked: Iterable[str] = options.security.label
    modes = [mode for mode in (options.pid, options.ipc) if mode is not None]
    if options.privileged or (not asked and any(mode.kind == "host" for mode in modes)):
        asked = ("disable",)
    others = [mode.target for mode in modes if mode.kind == "container"]
    if others and not asked:
        other = _record(site, site.store.containers.find(others[0]))
        if other is not None and other.mount_label:
            return other.process_label, other.mount_label
    process, file = selinux.container_contexts()
    if site.conf.label_users:
        caller = labelling.parse(selinux.own_context())
        asked = (f"user:{caller.user}", f"role:{caller.role}", *asked)
    level = labelling.free_level(_levels(site), os.urandom)
    found: Labels = labelling.labels(process, file, asked, level)
    return found.process, found.mount


def _levels(site: Site) -> frozenset[str]:
    from argosy.spec.selinux import level_of

    records = (_record(site, container_id) for container_id in site.store.containers.ids())
    return frozenset(level_of(record.mount_label) for record in records if record is not None)


def _record(site: Site, container_id: str) -> ContainerRecord | None:
    from argosy.containers import record as records

    try:
        return records.read_record(site.store, container_id)
    except ArgosyError:
        return None


def relabel(mount: Mount, label: str) -> None:
    """Give the source of a mount, and all below it, the container's label: z shares it among containers, Z does not.

    A named volume is shared by nature, and keeps the label that it has got so.
    """
    from argosy.containers.ownership import SYSTEM_PLACES
    from argosy.linux import selinux
    from argosy.spec.selinux import shared

    if mount.kind == "volume" and not mount.relabel and selinux.label_of(mount.source) == shared(label):
        return
    path = os.path.realpath(mount.source)
    if path in SYSTEM_PLACES:
        raise Invalid("volume", path, "SELinux relabeling of a directory of the system is not allowed")
    wanted = label if mount.relabel == "private" else shared(label)
    try:
        selinux.label_tree(path, wanted)
    except OSError as error:
        raise ArgosyError(f"cannot relabel {path}", details=str(error)) from error
