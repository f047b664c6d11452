"""Checks of what this user may be: user namespaces, ids, /proc in nested containers."""

from __future__ import annotations

from argosy.containers.doctor.advice import BAD, GOOD, LESS, Advice, install

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.containers.doctor.facts import Facts

_FULL_RANGE = 65536
_CAP_SYS_CHROOT = 18
_CHANGERS = {"setpriv", "chroot"}  # see `linux.chroot`
_ROOT_CAN = "containers of root are isolated by chroot alone: no mounts, limits, networks of their own, seccomp filter"
_NOBODY_CAN = "nothing can be stored or run"
# sysctl, the value that forbids, one that allows, and what it does.
_SWITCHES = (
    ("user.max_user_namespaces", "0", "15000", "allows none"),
    ("kernel.unprivileged_userns_clone", "0", "1", "keeps them from users"),
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0", "lets AppArmor take all rights from those in them"),
)


def userns(facts: Facts) -> Iterator[Advice]:
    """Whether user namespaces are needed, and can be made."""
    if not facts.rootless:
        yield Advice("userns", GOOD, "root with CAP_SYS_ADMIN: no user namespace is needed")
        return
    if not facts.trial:
        yield Advice("userns", GOOD, f"{facts.user} can make user namespaces")
        return
    can_chroot = facts.uid == 0 and facts.capabilities >> _CAP_SYS_CHROOT & 1 and facts.programs.keys() >= _CHANGERS
    state, cost = (LESS, _ROOT_CAN) if can_chroot else (BAD, _NOBODY_CAN)
    for name, forbidding, allowing, deed in _SWITCHES:
        if facts.switches.get(name) == forbidding:
            text = f"{facts.user} cannot make user namespaces: {name} = {forbidding} {deed}"
            remedy = f"as root, on the host: sysctl -w {name}={allowing} (and a line in /etc/sysctl.d to keep it)"
            if "apparmor" in name:
                remedy = f"load docs/apparmor.d/argosy with apparmor_parser, or {remedy}"
            yield Advice("userns", state, text, cost, remedy)
            return
    text = f"{facts.user} cannot make user namespaces: {facts.trial}"
    yield Advice("userns", state, text, cost, _permission(facts))


def _permission(facts: Facts) -> str:
    if facts.container == "Kubernetes":
        return "give the pod hostUsers: false, or a seccompProfile that allows unshare"
    if facts.container:
        return f"start the {facts.container} container around us with --security-opt seccomp=unconfined"
    return "boot a kernel with CONFIG_USER_NS, or leave the seccomp filter that forbids unshare(2)"


def ids(facts: Facts) -> Iterator[Advice]:
    """The ranges of ids beside the user's own, and the programs that map them."""
    if not facts.rootless:
        yield Advice("ids", GOOD, "root has all ids")
        return
    if facts.uid == 0 and facts.capabilities >> 6 & 3 == 3:
        yield Advice("ids", GOOD, "root maps the ids that it has itself, by CAP_SETUID and CAP_SETGID")
        return
    one = "containers have one id: what images give to other users belongs to root there"
    for program, path, count, flag in (
        ("newuidmap", "/etc/subuid", facts.subuids, "--add-subuids"),
        ("newgidmap", "/etc/subgid", facts.subgids, "--add-subgids"),
    ):
        mapper = facts.mappers.get(program)
        ranges = f"as root: usermod {flag} 100000-165535 {facts.user}, then argosy system migrate"
        if mapper is None or not mapper.path:
            yield Advice("ids", LESS, f"{program} is not installed", one, install(facts, "newuidmap"))
        elif not mapper.able:
            text = f"{mapper.path} is neither setuid root nor has file capabilities that count"
            capability = f"cap_set{program[3:6]}=ep"
            yield Advice(
                "ids", LESS, text, one, f"as root: setcap {capability} {mapper.path}, or chmod u+s {mapper.path}"
            )
        elif facts.no_new_privileges:
            text = "this process has no_new_privs, under which newuidmap has no effect"
            yield Advice(
                "ids", LESS, text, one, "start argosy without it: NoNewPrivileges=no, allowPrivilegeEscalation: true"
            )
        elif count >= _FULL_RANGE:
            yield Advice("ids", GOOD, f"{path} gives {facts.user} {count} ids")
        elif count:
            cost = "images with larger ids cannot be unpacked"
            yield Advice("ids", LESS, f"{path} gives {facts.user} only {count} ids", cost, ranges)
        else:
            yield Advice("ids", LESS, f"{path} gives {facts.user} no ids", one, ranges)


def proc(facts: Facts) -> Iterator[Advice]:
    """Whether a /proc can be mounted: in a container whose own /proc is covered, the kernel allows none."""
    if not facts.proc_masked:
        yield Advice("proc", GOOD, "containers can have a /proc of their own")
        return
    yield Advice(
        "proc",
        LESS,
        "parts of /proc are covered, by the container that we are in",
        "containers see the /proc of this one, with its process ids in place of their own",
        "start the container around us with --security-opt unmask=ALL (podman, argosy), systempaths=unconfined "
        "(docker), or procMount: Unmasked (Kubernetes)",
    )
