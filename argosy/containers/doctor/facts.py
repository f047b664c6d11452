"""What `doctor` looks at: facts about the host and about this process, gathered once, by reading and by trial."""

from __future__ import annotations

import os
import time

from argosy.containers.doctor.advice import family
from argosy.errors import ArgosyError
from argosy.linux import cgroup, files, host, idmap, pause, process, procfs, userns
from argosy.linux.cgroup import Cgroups
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from argosy.config.containers import ContainersConf
    from argosy.config.locations import Locations

SWITCHES = (
    "user.max_user_namespaces",
    "kernel.unprivileged_userns_clone",
    "kernel.apparmor_restrict_unprivileged_userns",
)
DEVICES = ("/dev/fuse", "/dev/net/tun")
_PROGRAMS = (
    "fuse-overlayfs",
    "fusermount3",
    "pasta",
    "slirp4netns",
    "nft",
    "gpgv",
    "apparmor_parser",
    "setpriv",
    "chroot",
)
_MAPPERS = ("newuidmap", "newgidmap")
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_RESOLV = "/etc/resolv.conf"
_SETFCAP_DATA = "security.capability"


class MapProgram(Value):
    """newuidmap or newgidmap.  `able`: setuid root, or with file capabilities, on a file system that heeds them."""

    path: str = ""
    able: bool = False


class Version(Value):
    """A program that was asked for its version; `error` is why it cannot be used, in place of a path."""

    path: str = ""
    version: str = ""
    error: str = ""
    hint: str = ""
    refusal: str = ""  # why a better one was passed over


class Room(Value):
    """What a file system has left, for us."""

    path: str
    bytes: int = 0
    inodes: int = 0
    inodes_total: int = 0


class Facts(Value):
    """All of them.  The defaults are those of a host that lacks nothing, with an ordinary user."""

    uid: int = 1000
    user: str = "user"
    rootless: bool = True
    capabilities: int = 0
    no_new_privileges: bool = False
    family: str = ""
    kernel: tuple[int, int] = (6, 18)
    container: str = ""  # what kind of container we are in, as far as it tells

    switches: Mapping[str, str] = {}
    trial: str = ""  # why no user namespace can be made, "" when one can: "unshare: Operation not permitted"
    subuids: int = 65536
    subgids: int = 65536
    mappers: Mapping[str, MapProgram] = {}
    proc_masked: bool = False

    runtime: Version = Version()
    conmon: Version = Version()
    init: str = ""
    programs: Mapping[str, str] = {}
    devices: Mapping[str, str] = {}
    overlay: bool = True
    seccomp: bool = True
    apparmor: bool = False
    selinux: str = ""  # the type of containers; "" where there is none
    selinux_error: str = ""

    cgroups: Cgroups = Cgroups("v2", (), (), "none", delegated=False)
    manager: str = ""  # of control groups, the one that was asked for
    systemd: bool = False
    open_files: int = 1024
    most_open_files: int = 1 << 20
    rooms: tuple[Room, ...] = ()
    run: str = "/run/user/1000/argosy"

    nameservers: tuple[str, ...] = ()
    now_s: float = 0.0
    written_s: float = 0.0  # when this program was written to disk: no clock that is right says less
    certificates: str = ""
    policy: str = ""  # the policy.json that holds
    policy_error: str = ""  # why it cannot be used


def gather(conf: ContainersConf, places: Locations, environ: Mapping[str, str]) -> Facts:
    """Look.  Nothing is left behind: a user namespace is tried in a process that ends at once."""
    rootless, uid = userns.needed(), userns.outer_uid()
    release = host.release()
    hard = _limits()
    outside = userns.is_outside()
    return Facts(
        uid=uid,
        user=_name(uid),
        rootless=rootless,
        capabilities=host.effective_capabilities(),
        no_new_privileges=b"\nNoNewPrivs:\t1" in files.read("/proc/self/status"),
        family=family(f"{release.get('ID', '')} {release.get('ID_LIKE', '')}"),
        kernel=_kernel(os.uname().release),
        container=_container(),
        switches={name: text for name in SWITCHES if (text := _sysctl(name))},
        trial=pause.trial() if rootless and outside else "",
        subuids=_count(pause.SUBUID, uid),
        subgids=_count(pause.SUBGID, uid),
        mappers={name: _mapper(name) for name in _MAPPERS},
        proc_masked=rootless and "/proc" in procfs.covered(),
        runtime=_runtime(conf, places.run),
        conmon=_conmon(conf),
        init=_found(conf.init_path or conf.engine_init_path or "catatonit", conf.helper_binaries_dir),
        programs={name: path for name in _PROGRAMS if (path := _found(name, conf.helper_binaries_dir))},
        devices={path: _openable(path) for path in DEVICES},
        overlay=host.has_filesystem("overlay") or not rootless,
        seccomp=host.seccomp(),
        apparmor=host.apparmor(),
        **_selinux(),
        cgroups=cgroup.detect(rootless=rootless, uid=uid),
        manager=conf.cgroup_manager,
        systemd=os.path.isdir("/run/systemd/system"),
        open_files=hard[0],
        most_open_files=hard[1],
        rooms=tuple(map(_room, (places.root, places.run))),
        run=places.run,
        nameservers=_nameservers(),
        now_s=time.time(),
        written_s=os.stat(__file__).st_mtime if os.path.exists(__file__) else 0.0,
        certificates=_certificates(environ),
        **_policy(environ),
    )


def _policy(environ: Mapping[str, str]) -> dict[str, str]:
    """The policy by which images are accepted."""
    from argosy.config import policy

    try:
        return {"policy": policy.load(environ).path}
    except ArgosyError as error:
        return {"policy_error": str(error)}


def _name(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _count(path: str, uid: int) -> int:
    return sum(size for _, size in idmap.subordinate(path, _name(uid), uid))


def _kernel(release: str) -> tuple[int, int]:
    numbers = [part for part in release.replace("-", ".").split(".") if part.isdecimal()]
    return (int(numbers[0]), int(numbers[1])) if len(numbers) > 1 else (0, 0)


def _container() -> str:
    for path, kind in (("/run/.containerenv", "podman or argosy"), ("/.dockerenv", "docker")):
        if os.path.exists(path):
            return kind
    return "Kubernetes" if "KUBERNETES_SERVICE_HOST" in os.environ else ""


def _sysctl(name: str) -> str:
    return _text(f"/proc/sys/{name.replace('.', '/')}").strip()


def _text(path: str) -> str:
    try:
        return files.read(path).decode(errors="replace")
    except OSError:
        return ""


def _mapper(name: str) -> MapProgram:
    path = process.find_program(name)
    if path is None:
        return MapProgram()
    found, real = os.stat(path), os.path.realpath(path)
    try:
        capable = bool(os.getxattr(real, _SETFCAP_DATA))
    except OSError:
        capable = False
    heeded = not os.statvfs(real).f_flag & os.ST_NOSUID
    return MapProgram(path, able=heeded and (capable or (found.st_uid == 0 and bool(found.st_mode & 0o4000))))


def _runtime(conf: ContainersConf, run: str) -> Version:
    from argosy.runtime import oci_runtime

    try:
        chosen = oci_runtime.choose(conf, run)
    except ArgosyError as error:
        return Version(error=_said(error), hint=error.hint)
    refusal = "" if chosen.is_crun else oci_runtime.refusal()
    return Version(chosen.path, f"{chosen.name} {chosen.version}", refusal=refusal)


def _said(error: ArgosyError) -> str:
    return f"{error.brief}: {error.details}" if error.details else error.brief


def _conmon(conf: ContainersConf) -> Version:
    for place in (*conf.conmon_path, "conmon"):
        path = _found(place, conf.helper_binaries_dir)
        if path:
            try:
                words = process.run([path, "--version"], timeout_s=10).stdout.decode(errors="replace").split()
            except ArgosyError as error:
                return Version(path, error=str(error))
            return Version(path, words[2] if len(words) > 2 else "")
    return Version(error="not installed")


def _found(name: str, extra: Sequence[str]) -> str:
    return process.find_program(name, (*extra, *process.PROGRAM_DIRECTORIES)) or ""


def _openable(path: str) -> str:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _selinux() -> dict[str, str]:
    if not host.selinux():
        return {}
    from argosy.linux import selinux

    try:
        return {"selinux": selinux.container_contexts()[0]}
    except ArgosyError as error:
        return {"selinux_error": _said(error)}


def _limits() -> tuple[int, int]:
    import resource

    return resource.getrlimit(resource.RLIMIT_NOFILE)


def _room(path: str) -> Room:
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    found = os.statvfs(path)
    return Room(path, found.f_bavail * found.f_frsize, found.f_favail, found.f_files)


def _nameservers() -> tuple[str, ...]:
    from argosy.network import resolv

    return resolv.parse_resolv(_text(_RESOLV)).servers


def _certificates(environ: Mapping[str, str]) -> str:
    """Where the certificates of authorities are, for OpenSSL."""
    own = environ.get("SSL_CERT_FILE", "")
    for path in (own,) if own else _BUNDLES:
        if os.path.isfile(path) and os.path.getsize(path):
            return path
    return ""
