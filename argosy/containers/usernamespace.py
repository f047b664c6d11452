"""The user namespace of a container: settled when it is created, there when it starts.

The map is written down with the container, so that its files keep their owners whatever /etc/subuid says later.
"""

from __future__ import annotations

import os

from argosy.containers import accounts
from argosy.containers import record as records
from argosy.errors import ArgosyError
from argosy.linux import locks
from argosy.linux.idmap import IdMap
from argosy.records.scratch import Scratch
from argosy.spec import usermaps
from argosy.spec.options import BadOption, UserNamespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from argosy.config.storage import StorageConf
    from argosy.containers.record import ImagePin
    from argosy.containers.site import Site
    from argosy.spec.options import ContainerOptions
    from argosy.spec.usermaps import Range

    Maps = tuple[tuple[Range, ...], tuple[Range, ...]]

VARIABLE = "PODMAN_USERNS"
_LOCK = "userns.lock"
_SIZE_HINT = "name the size, --userns=auto:size=N, or raise auto-userns-max-size in storage.conf"
_SUBID = {"UID": "/etc/subuid", "GID": "/etc/subgid"}


def defaulted(site: Site, options: ContainerOptions, environ: Mapping[str, str]) -> ContainerOptions:
    """The options with the mode that the environment or containers.conf asks for where no flag does."""
    text = environ.get(VARIABLE) or site.conf.userns
    if options.userns is not None or text in ("", "host"):
        return options
    return options.replace(userns=usermaps.parse_mode(text))


def reserve(site: Site) -> locks.Lock:
    """Hold off everybody else who takes ids for a container, until this one is written down."""
    lock = locks.acquire(f"{site.store.root}/{_LOCK}", create=True)
    assert lock is not None
    return lock


def settle(site: Site, options: ContainerOptions, image: ImagePin) -> tuple[ContainerOptions, IdMap | None]:
    """The map of a new container, None where it shares our namespace; and the options with the user that comes with it.

    The caller holds `reserve`.  Raises BadOption for what cannot be mapped.
    """
    mode = options.userns
    if mode is None or mode.kind == "host":
        return options, None
    if mode.kind == "ns":
        return options, None if os.path.samefile(mode.target, "/proc/self/ns/user") else _of_path(mode.target)
    if mode.kind == "container":
        return options, records.read_record(site.store, mode.target).id_map
    if mode.kind == "keep-id":
        user, maps = _keep_id(site, mode)
        return options.replace(user=options.user or user), IdMap.of(*maps)
    maps = {"auto": _auto, "nomap": _nomap}.get(mode.kind, _private)(site, mode, image)
    return options, IdMap.of(*maps)


def of_steps(site: Site, options: ContainerOptions) -> tuple[ContainerOptions, IdMap | None]:
    """As `settle`, for programs in a tree that a build has mounted; the options then say the same at any later time.

    A private namespace without a map has all our ids as they are, as with buildah.
    """
    mode = options.userns
    assert mode is not None
    if mode.kind == "ns":
        id_map = None if os.path.samefile(mode.target, "/proc/self/ns/user") else _of_path(mode.target)
        return options if id_map is not None else options.replace(userns=None), id_map
    if not (mode.uid_maps or mode.gid_maps or mode.subuid_name or mode.subgid_name):
        return options, IdMap.of(*map(_whole, site.namespace.id_map.lines()))
    maps = _private(site, mode, None)
    uid_texts, gid_texts = (tuple(":".join(map(str, item)) for item in side) for side in maps)
    fixed = UserNamespace("private", uid_maps=uid_texts, gid_maps=gid_texts)
    return options.replace(userns=fixed), IdMap.of(*maps)


def _of_path(path: str) -> IdMap:
    from argosy.linux import child_namespaces

    try:
        return child_namespaces.map_of(path)
    except ArgosyError as error:
        raise ArgosyError(f"cannot join the user namespace {path}", hint="it must be one below our own") from error


def _keep_id(site: Site, mode: UserNamespace) -> tuple[str, Maps]:
    """The user, and the map in which the caller has his own ids, or those that he names."""
    namespace = site.namespace
    if not namespace.rootless:
        if mode.size:
            raise BadOption("keep-id: the option size is for rootless users", hint="root's has all ids")
        uids, gids = namespace.id_map.lines()
        return f"{mode.uid or 0}:{mode.gid or 0}", (_whole(uids), _whole(gids))
    uid = namespace.uid if mode.uid is None else mode.uid
    gid = namespace.gid if mode.gid is None else mode.gid
    others = [_count(lines) - 1 for lines in namespace.id_map.lines()]
    uids, gids = usermaps.keep_id(uid, others[0], mode.size), usermaps.keep_id(gid, others[1], mode.size)
    return f"{uid}:{gid}", (usermaps.check_map(uids, "UID"), usermaps.check_map(gids, "GID"))


def _whole(lines: tuple[Range, ...]) -> tuple[Range, ...]:
    """All our ids as they are.  In two ranges: runtimes take a map of all ids at once for that of the host."""
    whole = [(inside, inside, size) for inside, _, size in lines]
    if whole == [(0, 0, usermaps.ID_LIMIT)]:
        return (0, 0, 1), (1, 1, usermaps.ID_LIMIT - 1)
    return tuple(whole)


def _count(lines: tuple[Range, ...]) -> int:
    return sum(size for _, _, size in lines)


def _nomap(site: Site, _mode: UserNamespace, _image: ImagePin) -> Maps:
    if not site.namespace.rootless:
        raise BadOption("nomap is only supported in rootless mode")
    counts = [_count(lines) - 1 for lines in site.namespace.id_map.lines()]
    if not all(counts):
        why = "nomap requires additional UIDs or GIDs defined in /etc/subuid and /etc/subgid to function correctly"
        raise BadOption(why, hint="`argosy doctor ids` tells how to get some")
    return ((0, 1, counts[0]),), ((0, 1, counts[1]),)


def _private(site: Site, mode: UserNamespace, _image: ImagePin | None) -> Maps:
    """--uidmap, --gidmap, --subuidname, --subgidname."""
    names = (mode.subuid_name or mode.subgid_name, mode.subgid_name or mode.subuid_name)
    named = (_named(site, names[0], "UID"), _named(site, names[1], "GID")) if names[0] else ((), ())
    parents, fills = site.namespace.id_map.lines(), site.namespace.rootless
    uids, gids = usermaps.from_entries(mode.uid_maps, mode.gid_maps, parents, fills=fills, named=named)
    if not uids or not gids:
        why = "must provide at least one UID or GID mapping to configure a user namespace"
        raise BadOption(why, hint="give --uidmap, --subuidname, or another mode of --userns")
    return _within(site, (uids, gids))


def _within(site: Site, maps: Maps) -> Maps:
    """The maps.  Raises BadOption where they have ids that we do not have."""
    for ranges, parent, kind in zip(maps, site.namespace.id_map.lines(), ("UID", "GID"), strict=True):
        usermaps.within(ranges, parent, kind)
    return maps


def _named(site: Site, name: str, kind: str) -> tuple[Range, ...]:
    """The ranges of a name in /etc/subuid or /etc/subgid, as ids of our own namespace."""
    from argosy.linux import idmap

    number = int(name) if name.isdecimal() else -1
    found = usermaps.stacked(idmap.subordinate(_SUBID[kind], name, number))
    if not found:
        hint = f"add a line such as {name}:2147483647:2147483648 to it"
        raise BadOption(f'no sub{kind.lower()} ranges found for user "{name}" in {_SUBID[kind]}', hint=hint)
    if not site.namespace.rootless:
        return found
    parent = site.namespace.id_map.lines()[0 if kind == "UID" else 1]
    texts = tuple(f"{inside}:@{outside}:{size}" for inside, outside, size in found)
    return usermaps.extra_ranges(texts, kind, parent)


def _auto(site: Site, mode: UserNamespace, image: ImagePin) -> Maps:
    """Ids that no container has, as many as the image needs."""
    from argosy.config import storage

    conf = storage.load(os.environ, uid=site.namespace.uid, rootless=site.namespace.rootless)
    size = mode.size or _needed(site, image, conf)
    available = _available(site, conf.auto_userns_user)
    used = _used(site)
    found = []
    for index, (kind, texts) in enumerate((("UID", mode.uid_maps), ("GID", mode.gid_maps))):
        parent = site.namespace.id_map.lines()[index]
        extra = usermaps.extra_ranges(texts, kind, parent)
        found.append(usermaps.allocated(size, available[index], used[index], extra, kind))
    return _within(site, (found[0], found[1]))


def _needed(site: Site, image: ImagePin, conf: StorageConf) -> int:
    """How many ids a container of the image needs: those that its account files and its files name, and the least."""
    if site.conf.userns_size:
        return site.conf.userns_size
    needed = max(conf.auto_userns_min_size, _of_accounts(site, image), _of_layers(site, image))
    if needed > conf.auto_userns_max_size:
        why = f"the container needs a user namespace with size {needed} that is bigger than the maximum value allowed"
        raise BadOption(f"{why} with userns=auto {conf.auto_userns_max_size}", hint=_SIZE_HINT)
    return needed


def _of_accounts(site: Site, image: ImagePin) -> int:
    from argosy.linux import mounts
    from argosy.storage import rootfs

    if not image.layers:
        return 0
    with Scratch(site.store.tmp) as scratch:
        merged = f"{scratch.path}/merged"
        os.mkdir(merged)
        try:
            rootfs.mount_readonly(site.store, merged, image.layers, image.chain_id, fixed=image.fixed)
            found = accounts.read(merged)
        finally:
            mounts.unmount(merged)
    return usermaps.image_size(found.passwd or b"", found.group or b"")


def _of_layers(site: Site, image: ImagePin) -> int:
    from argosy.storage import owners

    return max((owners.highest_id(site.store, layer) + 1 for layer in image.layers), default=0)


def _available(site: Site, user: str) -> tuple[list[usermaps.Interval], list[usermaps.Interval]]:
    """The ids that may be given to containers: a rootless user's but his own, root's those of the name `user`."""
    if site.namespace.rootless:
        uids, gids = site.namespace.id_map.lines()
        return [(1, _count(uids))], [(1, _count(gids))]
    found = []
    for kind in _SUBID:
        lines = _named(site, user, kind)
        found.append([(outside, outside + size) for _, outside, size in lines])
    return found[0], found[1]


def _used(site: Site) -> tuple[list[usermaps.Interval], list[usermaps.Interval]]:
    """The ids that containers have."""
    found: tuple[list[usermaps.Interval], list[usermaps.Interval]] = [], []
    for id_map in _maps(site):
        for lines, used in zip(id_map.lines(), found, strict=True):
            used += [(outside, outside + size) for _, outside, size in lines]
    return found


def _maps(site: Site) -> Iterator[IdMap]:
    for container_id in site.store.containers.ids():
        try:
            record = records.read_record(site.store, container_id)
        except ArgosyError:
            continue  # it is gone, or can only be removed
        if record.id_map is not None:
            yield record.id_map


def mappings(site: Site, id_map: IdMap) -> Maps:
    """The map as the runtime and the kernel take it, in ranges that lie in one of our own each."""
    (uids, gids), (own_uids, own_gids) = id_map.lines(), site.namespace.id_map.lines()
    return usermaps.within(uids, own_uids, "UID"), usermaps.within(gids, own_gids, "GID")
