"""What this host lets Argosy do, rung by rung, and how to step up where it is not everything.

Nothing here changes the host.  `host_checks` needs no store, so that it can explain why none can be opened;
`store_checks` looks at one that is open.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError
from argosy.linux import cgroup, host, process, userns
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from argosy.config.containers import ContainersConf
    from argosy.containers.site import Site
    from argosy.storage.store import Store

# How good it is, best first: all there is, less than there could be, not working.
GOOD, LESS, BAD = "good", "less", "bad"
_FULL_RANGE = 65536
_FEW_FILES = 1024
_LIMITS = ("memory", "cpu", "pids")
_NETWORK_PACKAGES = {"pasta": "passt", "slirp4netns": "slirp4netns"}
_TUN = "/dev/net/tun"


class Advice(Value):
    """One finding: what was looked at, how good it is, the fact, and what to do about it ("" when nothing)."""

    topic: str
    state: str
    text: str
    remedy: str = ""


def host_checks(conf: ContainersConf, run: str) -> Iterator[Advice]:
    """What can be said without a store."""
    rootless = userns.needed()
    yield from _privilege(rootless=rootless)
    yield from _runtime(conf, run)
    yield _program("conmon", "conmon", "containers cannot be started", BAD, conf.conmon_path)
    yield from _limits(rootless=rootless)
    yield from _network(conf)
    yield _program("catatonit", "catatonit", "--init does not work", LESS, (conf.init_path or conf.engine_init_path,))
    yield from _security(rootless=rootless)
    yield from _descriptors()


def store_checks(site: Site) -> Iterator[Advice]:
    """What an open store adds."""
    yield _driver(site.store)
    if site.namespace.rootless and not site.store.run.startswith("/run/"):
        yield Advice(
            "run directory",
            LESS,
            f"state that a reboot should end is kept in {site.store.run}: there is no XDG_RUNTIME_DIR",
            "log in through systemd (loginctl enable-linger keeps it), or set XDG_RUNTIME_DIR to a tmpfs of yours",
        )


def _privilege(*, rootless: bool) -> Iterator[Advice]:
    if not rootless:
        yield Advice("privilege", GOOD, "root with CAP_SYS_ADMIN: no user namespace is needed")
        return
    from argosy.linux import pause

    hint = pause.forbidden()
    if hint:
        yield Advice("user namespaces", BAD, "this host does not let you make user namespaces", hint)
    else:
        yield Advice("user namespaces", GOOD, "you may make user namespaces")
    yield from _ids()


def _ids() -> Iterator[Advice]:
    """The ranges of ids beside the user's own, and the programs that map them."""
    import pwd

    from argosy.linux import idmap, pause

    uid = userns.outer_uid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    for path, program in ((pause.SUBUID, "newuidmap"), (pause.SUBGID, "newgidmap")):
        count = sum(size for _, size in idmap.subordinate(path, name, uid))
        if process.find_program(program) is None:
            yield Advice(
                "ids",
                LESS,
                f"{program} is not installed: containers have one id, and image files lose their owners",
                "install the package uidmap (shadow-utils elsewhere)",
            )
        elif count >= _FULL_RANGE:
            yield Advice("ids", GOOD, f"{path} gives {name} {count} ids")
        else:
            what = f"{path} gives {name} only {count} ids" if count else f"{path} gives {name} no ids"
            yield Advice("ids", LESS, f"{what}: images that use more cannot be unpacked whole", pause.ranges_hint(name))


def _runtime(conf: ContainersConf, run: str) -> Iterator[Advice]:
    from argosy.runtime import oci_runtime

    try:
        chosen = oci_runtime.choose(conf, run)
    except ArgosyError as error:
        yield Advice("runtime", BAD, _said(error), error.hint)
        return
    state, remedy = GOOD, ""
    text = f"{chosen.name} {chosen.version} ({chosen.path})"
    passed_over = oci_runtime.refusal() if not chosen.is_crun else ""
    if passed_over:
        state, text, remedy = LESS, f"{text}, since {passed_over}", "a newer crun takes such hosts, and starts faster"
    yield Advice("runtime", state, text, remedy)


def _said(error: ArgosyError) -> str:
    return f"{error.brief}: {error.details}" if error.details else error.brief


def _program(name: str, package: str, otherwise: str, state: str, places: tuple[str, ...] = ()) -> Advice:
    for place in (*places, name):
        found = process.find_program(place) if place else None
        if found is not None:
            return Advice(name, GOOD, found)
    return Advice(name, state, f"not installed: {otherwise}", f"install the package {package}")


def _limits(*, rootless: bool) -> Iterator[Advice]:
    groups = cgroup.detect(rootless=rootless, uid=userns.outer_uid())
    missing = {name: why for name in _LIMITS if (why := cgroup.can_limit(groups, name))}
    if not missing:
        yield Advice(
            "limits", GOOD, f"cgroups {groups.mode}, made by {groups.manager}: {', '.join(groups.controllers)}"
        )
        return
    for why in dict.fromkeys(missing.values()):
        names = [name for name in missing if missing[name] == why]
        remedy = "boot with cgroup version 2 (systemd.unified_cgroup_hierarchy=1)"
        if groups.mode == "v2" and rootless:
            remedy = "as root: systemctl edit user@.service, with Delegate=cpu cpuset io memory pids, and log in again"
        elif not rootless:
            remedy = "mount the controllers read-write, or run outside of a container that hides them"
        yield Advice("limits", LESS, f"no limits of {', '.join(names)}: {why}", remedy)


def _network(conf: ContainersConf) -> Iterator[Advice]:
    places = (*conf.helper_binaries_dir, *process.PROGRAM_DIRECTORIES)
    found = {name: path for name in _NETWORK_PACKAGES if (path := process.find_program(name, places)) is not None}
    if not found:
        packages = " or ".join(_NETWORK_PACKAGES.values())
        yield Advice("network", LESS, "neither pasta nor slirp4netns: only host and none", f"install {packages}")
        return
    try:
        os.close(os.open(_TUN, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        remedy = f"as root: chmod 0666 {_TUN}" if os.path.exists(_TUN) else "as root: modprobe tun"
        yield Advice("network", LESS, f"{_TUN}: {error.strerror}, so that {', '.join(found)} cannot work", remedy)
        return
    state = GOOD if "pasta" in found else LESS
    remedy = "" if state == GOOD else "install passt: pasta is faster, and keeps the addresses of clients"
    yield Advice("network", state, ", ".join(found.values()), remedy)


def _security(*, rootless: bool) -> Iterator[Advice]:
    if not host.seccomp():
        yield Advice("seccomp", BAD, "the kernel has no seccomp filters", "boot a kernel with CONFIG_SECCOMP_FILTER")
    if host.apparmor() and not rootless:
        advice = _program("apparmor_parser", "apparmor", "the profile for containers cannot be loaded", LESS)
        yield advice.replace(topic="AppArmor")
    if host.selinux():
        from argosy.linux import selinux

        try:
            contexts = selinux.container_contexts()
        except ArgosyError as error:
            yield Advice("SELinux", LESS, _said(error), error.hint)
        else:
            yield Advice("SELinux", GOOD, f"containers run as {contexts[0]}")


def _descriptors() -> Iterator[Advice]:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < _FEW_FILES:
        remedy = f"ulimit -n {hard}" if hard > soft else "raise nofile in /etc/security/limits.conf"
        yield Advice("limits", LESS, f"only {soft} open files for each process", remedy)


_DRIVERS: dict[str, tuple[str, str]] = {
    "overlay": (GOOD, "the kernel's overlay"),
    "fuse_overlay": (LESS, "fuse-overlayfs, since the kernel's overlay did not work here: slower"),
    "vfs": (LESS, "vfs, since no overlay worked here: each container is a whole copy of its image"),
}


def _driver(store: Store) -> Advice:
    state, text = _DRIVERS[store.driver]
    remedy = ""
    if state != GOOD:
        remedy = (
            "put the store on a local file system such as ext4, xfs or btrfs with --root, under Linux 5.13 or later"
        )
    return Advice("storage", state, f"{store.root}: {text}", remedy)


def run_checks(checks: Callable[[], Iterator[Advice]]) -> list[Advice]:
    """All that a group of checks finds; one that cannot be made is a finding too."""
    found = []
    try:
        for advice in checks():
            found.append(advice)
    except (ArgosyError, OSError) as error:
        found.append(Advice("doctor", BAD, str(error)))
    return found
