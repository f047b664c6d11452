"""Control groups: which kind this host has, what of it we may use, and the life of one group.

Three layouts: "v1" (a hierarchy for each controller), "v2" (one for all), "hybrid" (v1, and a v2 tree that has few
controllers or none).  A group is named by its *path*, as in the runtime specification's `cgroupsPath`: "/argosy/ID" for
the cgroupfs manager, "SLICE:argosy:ID" for systemd, which makes the scope argosy-ID.scope.

Moving a process waits for an RCU grace period (7 to 25 ms): do it in as few hierarchies as will do.
"""

from __future__ import annotations

import os
import time

from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX = "argosy"
SUPERVISOR = "supervisor"  # the half of a split group for conmon and argosy
_MOUNTED_AT = "/sys/fs/cgroup"


class Hierarchy(Value):
    """A mounted tree of groups.  `own` is our own group's directory, the mount point where that lies outside.

    `controllers` holds what is mounted here (v1), or what containers' groups can have: below the top for root, below
    `own` for a user (v2).  `writable`: we may make groups.
    """

    version: int
    path: str
    own: str
    controllers: tuple[str, ...]
    writable: bool


class Cgroups(Value):
    """What control groups can do for us here.

    `mode` is "v1", "v2", "hybrid" or "none".  `controllers` are those that containers can use, in v2's words ("io").
    `manager` is what can make groups for containers: "systemd", "cgroupfs", or "none"; then `why_none` is the reason.
    `delegated`: although we are not root, a part of the tree is ours.
    """

    mode: str
    hierarchies: tuple[Hierarchy, ...]
    controllers: tuple[str, ...]
    manager: str
    delegated: bool
    uid: int = 0
    why_none: str = ""

    _nested = {"hierarchies": Hierarchy}  # noqa: RUF012 -- as Value asks for


def detect(*, rootless: bool = False, uid: int = 0, environ: Mapping[str, str] | None = None) -> Cgroups:
    """What this host has; `uid` is the user's outside of any namespace of Argosy's."""
    from argosy.linux import mounts

    memberships = _read("/proc/self/cgroup")
    found = hierarchies(
        mounts.table_up_to("cgroup", _MOUNTED_AT, memberships.count("\n")), memberships, rootless=rootless
    )
    mode = _mode(found)
    manager, why = _manager(mode, found, uid, os.environ if environ is None else environ, rootless=rootless)
    usable = {_modern(name) for h in found if h.writable or manager == "systemd" for name in h.controllers}
    return Cgroups(
        mode=mode,
        hierarchies=found,
        controllers=tuple(sorted(usable)) if manager != "none" else (),
        manager=manager,
        delegated=rootless and manager != "none",
        uid=uid,
        why_none=why,
    )


def _mode(found: tuple[Hierarchy, ...]) -> str:
    versions = {h.version for h in found}
    return "none" if not versions else "hybrid" if len(versions) == 2 else f"v{versions.pop()}"


def _modern(controller: str) -> str:
    return "io" if controller == "blkio" else controller


def _manager(
    mode: str, found: tuple[Hierarchy, ...], uid: int, environ: Mapping[str, str], *, rootless: bool
) -> tuple[str, str]:
    """The manager that can be used, and why there is none."""
    if mode == "none":
        return "none", "no control groups are mounted in /sys/fs/cgroup"
    if _systemd_answers(uid, environ, rootless=rootless) and (mode == "v2" or not rootless):
        return "systemd", ""
    if all(h.writable for h in found if h.controllers or mode == "v2"):
        return "cgroupfs", ""
    if not rootless:
        return "none", "the control groups are mounted read-only"
    if mode == "v2":
        return "none", "no control group is delegated to this user (systemd does that for login sessions)"
    return "none", "control groups of version 1 cannot be delegated to a user: boot with version 2"


def _systemd_answers(uid: int, environ: Mapping[str, str], *, rootless: bool) -> bool:
    """Whether a systemd runs that we can ask for a scope."""
    if not os.path.isdir("/run/systemd/system"):
        return False
    if not rootless:
        return os.path.exists("/run/systemd/private") or os.path.exists("/run/dbus/system_bus_socket")
    run = environ.get("XDG_RUNTIME_DIR") or f"/run/user/{uid}"
    return os.path.exists(f"{run}/systemd/private") or os.path.exists(f"{run}/bus")


def hierarchies(mountinfo: str, memberships: str, *, rootless: bool = False) -> tuple[Hierarchy, ...]:
    """The trees below /sys/fs/cgroup, from the text of /proc/self/mountinfo and /proc/self/cgroup."""
    own = _memberships(memberships)
    found: dict[str, Hierarchy] = {}
    for line in mountinfo.splitlines():
        if " - cgroup" not in line:
            continue
        from argosy.linux import mounts

        point = mounts.parse_mountinfo(line)
        if point.path == _MOUNTED_AT or point.path.startswith(_MOUNTED_AT + "/"):
            read_only = "ro" in point.options.split(",")
            if point.fstype == "cgroup2":
                directory = _directory(point.path, point.root, own.get("", "/"))
                reach = directory if rootless else point.path
                writable = not read_only and all(os.access(p, os.W_OK) for p in (reach, f"{reach}/cgroup.procs"))
                names = tuple(_read(f"{reach}/cgroup.controllers").split())
                found[point.path] = Hierarchy(2, point.path, directory, names, writable)
            else:
                options = frozenset(point.super_options.split(","))
                key = next((key for key in own if key and options.issuperset(key.split(","))), "")
                directory = _directory(point.path, point.root, own.get(key, "/"))
                names = tuple(name for name in key.split(",") if name and not name.startswith("name="))
                writable = not read_only and os.access(directory if rootless else point.path, os.W_OK)
                found[point.path] = Hierarchy(1, point.path, directory, names, writable)
    return tuple(found.values())


def _memberships(text: str) -> dict[str, str]:
    """Our groups: the controllers (v1), "name=systemd", or "" (v2) -> path.  cgroups(7), /proc/PID/cgroup."""
    fields = (line.split(":", 2) for line in text.splitlines())
    return {parts[1]: parts[2] for parts in fields if len(parts) == 3}


def _directory(mount: str, root: str, path: str) -> str:
    """Where the group `path` is, when the mount at `mount` shows the tree from `root` on."""
    if root != "/":
        if path != root and not path.startswith(root + "/"):
            return mount
        path = path[len(root) :]
    directory = mount + path.rstrip("/")
    return directory if "/../" not in f"{path}/" and os.path.isdir(directory) else mount


def can_limit(cgroups: Cgroups, controller: str) -> str:
    """Why a limit of this controller ("memory", "cpu", "pids", "io", ...) cannot hold here; "" when it can."""
    if cgroups.manager == "none":
        return cgroups.why_none
    if _modern(controller) in cgroups.controllers:
        return ""
    if cgroups.mode == "v2" and cgroups.delegated:
        return f"the {controller} controller is not delegated to this user"
    return f"this kernel, or its configuration, offers no {controller} controller"


def container_path(cgroups: Cgroups, container_id: str, *, manager: str = "", parent: str = "") -> str:
    """The `cgroupsPath` of a container, in the manager's form, "" without one.  `parent` is --cgroup-parent.

    A path always starts at the top of the hierarchies, and cannot lead out of them.
    """
    manager = manager or cgroups.manager
    if manager == "systemd":
        return f"{parent or ('user.slice' if cgroups.delegated else 'machine.slice')}:{PREFIX}:{container_id}"
    if manager == "cgroupfs":
        return f"{_absolute(parent) or _own_parent(cgroups)}/{container_id}"
    return ""


def _absolute(parent: str) -> str:
    return os.path.normpath(f"/{parent}").replace("//", "/").rstrip("/") if parent else ""


def split_path(cgroups: Cgroups, name: str) -> str:
    """The path of a group within our own, for --cgroups=split; "" where there is no version 2.

    A process that was itself moved into the half for supervisors splits the same group.
    """
    if cgroups.mode != "v2":
        return ""
    unified = cgroups.hierarchies[0]
    own = unified.own.removeprefix(unified.path).removesuffix(f"/{SUPERVISOR}")
    return f"{own.rstrip('/')}/{name}"


def _own_parent(cgroups: Cgroups) -> str:
    """Root uses a group of its own at the top; a user, one within what is his: beside our own group, else below it.

    Our own group is the one that was given to us, also where our processes have moved into the half for supervisors.
    """
    unified = next((h for h in cgroups.hierarchies if h.version == 2), None)
    if not cgroups.delegated or unified is None:
        return f"/{PREFIX}"
    own = unified.own.removeprefix(unified.path).removesuffix(f"/{SUPERVISOR}")
    beside = os.path.dirname(own).rstrip("/")
    is_ours = all(os.access(unified.path + beside + file, os.W_OK) for file in ("", "/cgroup.procs"))
    return f"{beside if is_ours else own}/{PREFIX}"


def make_room(cgroups: Cgroups) -> None:
    """Give the groups of containers their controllers (v2), where the group above them holds processes.

    No such group can pass controllers on ("no internal processes", cgroup-v2.rst) but the real root: what is in it goes
    into the half for supervisors.  So it is in a container, and in a group that was given to a user who works in it.
    """
    if cgroups.mode != "v2" or cgroups.manager != "cgroupfs":
        return
    top = cgroups.hierarchies[0].path + os.path.dirname(_own_parent(cgroups))
    missing = set(_read(f"{top}/cgroup.controllers").split()) - set(_read(f"{top}/cgroup.subtree_control").split())
    if not missing or not os.path.exists(f"{top}/cgroup.type"):
        return
    members = _read(f"{top}/cgroup.procs").split()
    if members:
        try:
            os.makedirs(f"{top}/{SUPERVISOR}", exist_ok=True)
        except OSError:
            return
    for pid in members:
        move(f"{top}/{SUPERVISOR}", int(pid))
    for name in sorted(missing):
        _write(f"{top}/cgroup.subtree_control", f"+{name}")


def supervisors_group(cgroups: Cgroups, manager: str) -> tuple[str, ...]:
    """Where processes belong that outlive the command which started them, so that the end of the caller's group (a
    login, a CI job) is not theirs: directories that exist.

    One hierarchy will do: the unified one, else the one that systemd tracks its units in.
    """
    if manager != "cgroupfs":
        return ()
    for hierarchy in sorted(cgroups.hierarchies, key=lambda item: -item.version):
        if hierarchy.writable and (hierarchy.version == 2 or not hierarchy.controllers):
            path = hierarchy.path + container_path(cgroups, "conmon", manager="cgroupfs")
            try:
                os.makedirs(path, mode=0o755, exist_ok=True)
            except OSError:
                return ()
            return (path,)
    return ()


def move(directory: str, pid: int) -> None:
    """Put the process into the group, if that takes it."""
    _write(f"{directory}/cgroup.procs", str(pid))


def _write(path: str, text: str) -> None:
    """Tell the kernel something that it may refuse."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.write(fd, text.encode())
    except OSError:
        pass
    finally:
        os.close(fd)


def directories(cgroups: Cgroups, path: str) -> tuple[str, ...]:
    """The directories, in all hierarchies, of the group with this `cgroupsPath`.  They need not exist."""
    if ":" in path:
        slice_name, prefix, name = path.split(":", 2)
        path = f"{_user_manager(cgroups)}{slice_path(slice_name)}/{prefix}-{name}.scope"
    return tuple(h.path + path for h in cgroups.hierarchies) if path else ()


def _user_manager(cgroups: Cgroups) -> str:
    uid = cgroups.uid
    return f"/user.slice/user-{uid}.slice/user@{uid}.service" if cgroups.delegated else ""


def slice_path(name: str) -> str:
    """Where systemd puts a slice: "a-b.slice" is /a.slice/a-b.slice (systemd.slice(5))."""
    stem = name.removesuffix(".slice")
    if stem in ("", "-"):
        return ""
    parts = stem.split("-")
    return "".join(f"/{'-'.join(parts[: count + 1])}.slice" for count in range(len(parts)))


def pids(directory: str) -> list[int]:
    """The processes in the group and the groups below; empty when it is gone."""
    words = [word for group in _tree(directory) for word in _read(f"{group}/cgroup.procs").split()]
    return [int(word) for word in words if word != "0"]  # 0 is a process that our pid namespace does not show


def _tree(directory: str) -> Iterator[str]:
    """The group and all below, the deepest first."""
    try:
        names = [entry.name for entry in os.scandir(directory) if entry.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        if error.errno == 19:  # ENODEV: the group was removed while it was being read
            return
        raise
    for name in names:
        yield from _tree(f"{directory}/{name}")
    yield directory


def kill_all(directory: str, *, timeout_s: float = 10) -> None:
    """Kill all processes in the group and below, and wait until they are gone.  Nothing happens when it is gone.

    Raises ArgosyError when some outlive `timeout_s`, as a process in uninterruptible sleep does, and when we are a
    member ourselves: that group is no container's.
    """
    deadline = time.monotonic() + timeout_s
    pause_s = 0.001
    while members := pids(directory):
        if os.getpid() in members:
            raise ArgosyError(f"not killing the processes in {directory}: this process is one of them")
        if not _kill_group(directory):
            for pid in members:
                try:
                    os.kill(pid, 9)
                except ProcessLookupError:
                    continue
        if time.monotonic() > deadline:
            raise ArgosyError(f"cannot kill the processes {members} in {directory}", hint="they may wait for a device")
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, 0.1)


def _kill_group(directory: str) -> bool:
    """By cgroup.kill (v2, kernel 5.14 and later), which new children cannot escape."""
    try:
        fd = os.open(f"{directory}/cgroup.kill", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.write(fd, b"1")
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def remove(directory: str, *, timeout_s: float = 2) -> None:
    """Remove the group and those below, which must have no living process.  Nothing happens when it is gone.

    The kernel holds a group for a moment after its last process: EBUSY is tried again until `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    for group in _tree(directory):
        while True:
            try:
                os.rmdir(group)
                break
            except FileNotFoundError:
                break
            except OSError as error:
                if error.errno != 16 or time.monotonic() > deadline:
                    raise ArgosyError(
                        f"cannot remove the control group {group}", details=str(error.strerror)
                    ) from error
            time.sleep(0.002)


def _read(path: str) -> str:
    from argosy.linux import files

    try:
        return files.read(path).decode(errors="surrogateescape")
    except OSError:
        return ""
