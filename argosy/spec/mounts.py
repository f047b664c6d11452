"""The mounts of a container: the kernel's file systems, argosy's own files, and what the user and the image ask for.

/proc, /dev and /sys are always real mounts, whatever the image holds there.  Parents come before what is mounted in
them; a user's mount replaces one of argosy's at the same place.
"""

from __future__ import annotations

from argosy.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from argosy.oci.imageconfig import ContainerConfig
    from argosy.spec.generate import SpecRequest
    from argosy.spec.options import Mount
    from argosy.spec.users import User

INIT_PATH = "/run/podman-init"
# Where an image may not put a VOLUME: it would cover the masks (CVE-2019-16884) or the devices.
_NO_VOLUMES = ("/proc", "/sys", "/dev")
READ_ONLY_TMPFS = ("/run", "/tmp", "/var/tmp")
# Those that the runtime makes.  runc opens what is there already, which for /dev/tty takes a terminal.
DEFAULT_DEVICES = frozenset(
    "/dev/" + name for name in ("null", "zero", "full", "random", "urandom", "tty", "console", "ptmx")
)
PROPAGATION = frozenset(r + kind for kind in ("shared", "private", "slave", "unbindable") for r in ("r", ""))


def mounts(request: SpecRequest, user: User) -> list[dict[str, Any]]:
    """The specification's `mounts`; `user` is whom the container runs as."""
    options = request.options
    wanted = {mount.target: _asked(mount, request, user) for mount in request.mounts}
    own = [*_kernel(request), *_files(request)]
    if request.in_user_namespace:
        own += [
            _device(node.source, node.target)
            for node in request.nodes
            if node.source != node.target or node.target not in DEFAULT_DEVICES
        ]
    if options.read_only and options.read_only_tmpfs:
        own += [_mount(path, "tmpfs", "tmpfs", "rw rprivate nosuid nodev tmpcopyup") for path in READ_ONLY_TMPFS]
    if request.systemd:
        from argosy.spec import systemd

        special = systemd.mounts(request)
        places = {mount["destination"] for mount in special}
        own = [mount for mount in own if mount["destination"] not in places] + special
    if options.init:
        own.append(_mount(INIT_PATH, "bind", request.init_path, "bind ro rprivate"))
    kept = [mount for mount in own if not _replaced(mount["destination"], wanted)]
    kept += wanted.values()
    kept.sort(key=_depth)
    return kept


def check_volumes(image: ContainerConfig) -> None:
    """Raise Invalid when the image declares a volume where it could cover the kernel's file systems."""
    for volume in image.volumes:
        path = "/" + "/".join(part for part in volume.split("/") if part not in ("", "."))
        if (
            volume[:1] != "/"
            or ".." in path.split("/")
            or path == "/"
            or any((path + "/").startswith(root + "/") for root in _NO_VOLUMES)
        ):
            why = "a volume there would cover the root or one of the kernel's file systems"
            hint = "the image is broken or hostile: build it again without that VOLUME"
            raise Invalid("Volumes in the image's config:", volume, why, hint=hint)


def _replaced(target: str, wanted: dict[str, dict[str, Any]]) -> bool:
    """Whether the user mounts something else there; a /dev of the user's comes with all that belongs into it."""
    if target in wanted or (target.startswith("/dev/") and "/dev" in wanted):
        return True
    # No file of ours is made in a host directory that the user mounts.
    return target == "/run/.containerenv" and wanted.get("/run", {}).get("type") == "bind"


def _depth(mount: dict[str, Any]) -> int:
    count: int = mount["destination"].count("/")
    return count


def _mount(target: str, kind: str, source: str, options: str) -> dict[str, Any]:
    return {"destination": target, "type": kind, "source": source, "options": options.split()}


def _kernel(request: SpecRequest) -> list[dict[str, Any]]:
    """/proc, /dev, /sys and what is mounted in them."""
    options = request.options
    devpts = "nosuid noexec newinstance ptmxmode=0666 mode=0620"
    found = [
        _proc(request),
        _mount("/dev", "tmpfs", "tmpfs", "nosuid noexec strictatime mode=755 size=65536k"),
        _sys(request),
        _mount("/dev/pts", "devpts", "devpts", f"{devpts} gid=5" if request.gid_5_mapped else devpts),
    ]
    ipc = request.mode("ipc")
    if ipc == "host" and request.in_user_namespace:
        # The mqueue file system belongs to the user namespace of the ipc namespace: it can be bound, not mounted.
        if request.host_mqueue:
            found.append(_mount("/dev/mqueue", "bind", "/dev/mqueue", "rbind nosuid noexec nodev"))
    else:
        found.append(_mount("/dev/mqueue", "mqueue", "mqueue", "nosuid noexec nodev"))
    if ipc == "host":
        found.append(_mount("/dev/shm", "bind", "/dev/shm", "bind rprivate nosuid noexec nodev"))
    elif request.shm_path:
        found.append(_mount("/dev/shm", "bind", request.shm_path, "bind rprivate nosuid noexec nodev"))
    elif ipc != "none":
        from argosy.spec import generate

        size = f"nosuid noexec nodev mode=1777 size={generate.shm_size_bytes(options, request.conf)}"
        found.append(_mount("/dev/shm", "tmpfs", "shm", size))
    if request.cgroup_mode != "none":
        access = "rw" if options.privileged else "ro"
        found.append(_mount("/sys/fs/cgroup", "cgroup", "cgroup", f"rprivate nosuid noexec nodev relatime {access}"))
    return found


def _proc(request: SpecRequest) -> dict[str, Any]:
    options = request.options
    if request.in_user_namespace and (request.mode("pid") == "host" or "/proc" in request.covered):
        return _mount("/proc", "bind", "/proc", "rbind nosuid noexec nodev")
    mount = _mount("/proc", "proc", "proc", "nosuid noexec nodev")
    mount["options"] += options.security.proc_options
    return mount


def _sys(request: SpecRequest) -> dict[str, Any]:
    """sysfs shows a network namespace: only who owns that namespace may mount it, others bind the host's."""
    access = "rw" if request.options.privileged else "ro"
    shared = request.host_network or request.foreign_netns or "/sys" in request.covered
    if request.in_user_namespace and shared:
        return _mount("/sys", "bind", "/sys", f"rprivate nosuid noexec nodev {access} rbind")
    return _mount("/sys", "sysfs", "sysfs", f"rprivate nosuid noexec nodev {access}")


def _files(request: SpecRequest) -> list[dict[str, Any]]:
    """/etc/hosts and its like, files of the run directory."""
    options = "bind rprivate ro nosuid noexec nodev" if request.options.read_only else "bind rprivate"
    return [_mount(target, "bind", source, options) for target, source in request.files.items()]


def _device(source: str, target: str) -> dict[str, Any]:
    """A device of the host for a container in a user namespace, which may make no device nodes."""
    return _mount(target, "bind", source, "slave nosuid noexec rw rbind")


def _asked(mount: Mount, request: SpecRequest, user: User) -> dict[str, Any]:
    """One of the user's or the image's mounts."""
    flags = completed(mount)
    if mount.kind == "tmpfs" and mount.chown:
        flags += [f"uid={user.uid}", f"gid={user.gid}"]
    elif mount.kind == "devpts":
        flags = _devpts(mount, request)
    if mount.kind in ("tmpfs", "ramfs", "devpts"):
        return {"destination": mount.target, "type": mount.kind, "source": mount.kind, "options": flags}
    return {"destination": mount.target, "type": "bind", "source": mount.source, "options": flags}


def _devpts(mount: Mount, request: SpecRequest) -> list[str]:
    """The options of a devpts; one at /dev/pts has, but for what was asked for, those that terminals need there."""
    if mount.target != "/dev/pts":
        return ["nosuid", "noexec", *mount.options]
    given = {option.partition("=")[0] for option in mount.options}
    usual = next(own["options"] for own in _kernel(request) if own["destination"] == "/dev/pts")
    return [*(option for option in usual if option.partition("=")[0] not in given), *mount.options]


def root_propagation(asked: Iterable[Mount]) -> str:
    """`linux.rootfsPropagation`: how far mounts come through to the container, and out of it; "" for the default.

    The runtime gives it to all of the mount namespace first, and a mount that was made private there cannot be shared
    with the host's any more.
    """
    given = {option.removeprefix("r") for mount in asked for option in mount.options}
    return "shared" if "shared" in given else "rslave" if "slave" in given else ""


def is_listed(mount: Mount) -> bool:
    """Whether podman's documents list it among the mounts: file systems of the container's own are not, nor are
    overlays over host directories.
    """
    if mount.origin == "infra":
        return False
    return mount.kind not in ("tmpfs", "ramfs") and not (mount.kind == "bind" and mount.overlay)


def told(mount: Mount) -> list[str]:
    """The options as podman's documents have them: those as well that the kernel never sees."""
    own = {
        "z": mount.relabel == "shared",
        "Z": mount.relabel == "private",
        "U": mount.chown,
        "O": mount.overlay,
        "copy": mount.copy_up is True and mount.kind != "tmpfs",
        "nocopy": mount.copy_up is False and mount.kind != "tmpfs",
        "exec": mount.origin == "image" and mount.kind == "volume",
        "idmap" if mount.idmap == "container" else f"idmap={mount.idmap}": mount.idmap,
        f"upperdir={mount.upper}": mount.upper,
        f"workdir={mount.work}": mount.work,
    }
    return [*(word for word, given in own.items() if given), *completed(mount)]


def completed(mount: Mount) -> list[str]:
    """The options of a mount, completed with podman's defaults."""
    if mount.kind == "devpts":
        return list(mount.options)
    flags = [option for option in mount.options if option not in ("bind", "rbind")]
    if "ro" not in flags and "rw" not in flags:
        flags.append("ro" if mount.kind == "image" else "rw")
    if not PROPAGATION.intersection(flags):
        flags.append("rprivate")
    if mount.kind in ("volume", "tmpfs", "ramfs"):
        flags += [flag for flag in ("nosuid", "nodev") if flag not in flags and flag[2:] not in flags]
    if mount.kind == "tmpfs":
        return [*flags, "tmpcopyup"] if mount.copy_up is not False else flags
    if mount.kind == "ramfs":
        return flags
    return [*flags, "bind" if "bind" in mount.options else "rbind"]
