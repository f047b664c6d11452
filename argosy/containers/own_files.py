"""The files of ours that are bound into a container: /etc/hosts and its like, the account files where they need it, and
copies of what mounts.conf names.

They are written anew at each start, into the run directory.  What few containers ask for has modules of its own.
"""

from __future__ import annotations

import os

from argosy.containers import facts
from argosy.linux import files
from argosy.spec import generate, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from argosy.containers.accounts import Accounts
    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.network.attach import NetworkState

_FOR_CHROOTS = ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf")


def write(site: Site, record: ContainerRecord, connected: NetworkState, accounts: Accounts) -> Mapping[str, str]:
    """Write them; the path of each by its place inside.  Raises NotFound for a user whom the host does not have."""
    directory = site.run_directory(record.id)
    options = record.options
    name = generate.hostname(options, record.id, facts.outer_hostname(site, record))
    contents = {
        "/etc/hostname": ("hostname", f"{name}\n".encode()),
        "/run/.containerenv": ("containerenv", facts.containerenv(site, record)),
    }
    if connected.hosts is not None:
        contents["/etc/hosts"] = ("hosts", connected.hosts(*_host_names(name, record)).encode())
    if connected.resolv is not None:
        contents["/etc/resolv.conf"] = ("resolv.conf", connected.resolv.encode())
    if options.timezone:
        from argosy.linux import timezone

        contents["/etc/localtime"] = ("localtime", timezone.read(options.timezone))
    contents.update(_accounts(site, record, accounts))
    for file, data in contents.values():
        files.write_atomic(f"{directory}/{file}", data, mode=0o644)
    found = {place: f"{directory}/{file}" for place, (file, _) in contents.items()}
    if notify_socket(record):
        from argosy.runtime import sdnotify

        found[sdnotify.PLACE] = f"{directory}/{sdnotify.FILE}"  # whoever starts it listens there
    for chroot in options.chroot_dirs:
        found.update((chroot + place, found[place]) for place in _FOR_CHROOTS if place in found)
    mounts_file = site.mounts_file()
    if mounts_file:
        from argosy.containers import default_mounts

        found = {**default_mounts.copy(mounts_file, directory, site.notice), **found}
    if record.id_map is not None:
        from argosy.containers import ownership

        for path in set(found.values()):
            ownership.give(path, *record.root_ids)
    return found


def _host_names(hostname: str, record: ContainerRecord) -> tuple[str, ...]:
    """What /etc/hosts calls the container, its canonical name first."""
    domain = record.options.domainname
    return (*([f"{hostname}.{domain}"] if domain else []), hostname, record.name)


def notify_socket(record: ContainerRecord) -> str:
    """The service manager's socket, where the container itself says that it is ready (--sdnotify); else ""."""
    return os.environ.get("NOTIFY_SOCKET", "") if record.options.sdnotify in ("", "container") else ""


def _accounts(site: Site, record: ContainerRecord, accounts: Accounts) -> dict[str, tuple[str, bytes]]:
    """/etc/passwd and /etc/group where the image lacks the container's user, unless something is mounted there."""
    options = record.options
    user = options.user or record.image_config.user
    keeps_id = options.userns is not None and options.userns.kind == "keep-id"
    if (
        not options.host_users
        and not keeps_id
        and not any(part.isdecimal() and part != "0" for part in user.split(":"))
    ):
        return {}
    from argosy.containers import hostusers
    from argosy.spec import accounts as lines

    taken = {mount.target for mount in options.mounts}
    passwd, group = lines.completed(
        options,
        user,
        None if "/etc/passwd" in taken else accounts.passwd,
        None if "/etc/group" in taken else accounts.group,
        host_users=hostusers.find_all(options.host_users),
        workdir=process.directory_of(options, record.image_config),
        **hostusers.caller(site.namespace, options),
    )
    found = {}
    if passwd is not None:
        found["/etc/passwd"] = ("passwd", passwd)
    if group is not None:
        found["/etc/group"] = ("group", group)
    return found
