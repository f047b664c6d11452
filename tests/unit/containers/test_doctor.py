"""The checks of `doctor`, each on a host that is made up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from argosy.containers import doctor
from argosy.containers.doctor.facts import Facts, MapProgram, Room, Version
from argosy.errors import Invalid
from argosy.linux.cgroup import Cgroups

MAPPERS = {"newuidmap": MapProgram("/usr/bin/newuidmap", able=True), "newgidmap": MapProgram("/usr/bin/n", able=True)}
PROGRAMS = {
    name: f"/usr/bin/{name}"
    for name in ("pasta", "slirp4netns", "nft", "fuse-overlayfs", "apparmor_parser", "setpriv", "chroot", "gpgv")
}
LIMITED = Cgroups("v2", (), ("cpu", "io", "memory", "pids"), "systemd", delegated=True, uid=1000)
WHOLE = Facts(
    family="debian",
    mappers=MAPPERS,
    runtime=Version("/usr/bin/crun", "crun 1.21"),
    conmon=Version("/usr/bin/conmon", "2.1.6"),
    init="/usr/bin/catatonit",
    programs=PROGRAMS,
    devices={"/dev/fuse": "", "/dev/net/tun": ""},
    cgroups=LIMITED,
    systemd=True,
    open_files=4096,
    rooms=(Room("/home", 100 << 30, 10**6, 10**7), Room("/run/user/1000", 3 << 30)),
    nameservers=("192.0.2.1",),
    now_s=2e9,
    written_s=1.9e9,
    certificates="/etc/ssl/certs/ca-certificates.crt",
)
POD = WHOLE.replace(uid=0, user="root", trial="unshare: Operation not permitted", capabilities=1 << 18)


def test_a_host_that_lacks_nothing() -> None:
    found = doctor.examine(WHOLE)
    assert {advice.state for advice in found} == {"good"}
    assert [advice for advice in found if advice.cost or advice.remedy] == []
    assert {advice.topic for advice in found} == set(doctor.CHECKS)


def test_messages_and_pages_name_checks_that_there_are() -> None:
    root = Path(__file__).parents[3]
    pages = [*root.glob("argosy/**/*.py"), *root.glob("docs/*.md")]
    named = {name for page in pages for name in re.findall(r"`argosy doctor ([a-z]+)`", page.read_text())}
    ladder = (root / "docs/rootless.md").read_text()
    cells = re.findall(r"^\|.*\| ((?:`[a-z]+`(?:, )?)+) \|$", ladder, re.M)
    in_tables = {name for cell in cells for name in re.findall("[a-z]+", cell)}
    assert {"ids", "userns", "cgroups", "network"} <= named & in_tables
    assert (named | in_tables) - {*doctor.CHECKS, *doctor.STORE_CHECKS} == set()


def without(*programs: str) -> dict[str, str]:
    """All programs but some."""
    return {name: path for name, path in PROGRAMS.items() if name not in programs}


def groups(mode: str, manager: str, *controllers: str) -> Cgroups:
    """Control groups of a user, of which little is his."""
    why = "nothing is delegated" if manager == "none" else ""
    return Cgroups(mode, (), controllers, manager, delegated=manager != "none", uid=1000, why_none=why)


# The check, what is not there, how bad that is, and what the finding says.
LACKS: tuple[tuple[str, dict[str, object], str, str], ...] = (
    ("userns", {"trial": "unshare: No space left on device", "switches": {"user.max_user_namespaces": "0"}}, "bad",
     "user.max_user_namespaces = 0 .*nothing can be .*sysctl -w user.max_user_namespaces=15000"),
    ("userns", {"trial": "unshare: Operation not permitted", "switches": {"kernel.unprivileged_userns_clone": "0"}},
     "bad", "sysctl -w kernel.unprivileged_userns_clone=1"),
    ("userns", {"trial": "x", "switches": {"kernel.apparmor_restrict_unprivileged_userns": "1"}}, "bad",
     "AppArmor .*apparmor_parser, or as root, .*=0"),
    ("userns", {"trial": "unshare: Operation not permitted", "container": "docker"}, "bad", "seccomp=unconfined"),
    ("userns", {"trial": "unshare: Operation not permitted", "container": "Kubernetes"}, "bad", "hostUsers: false"),
    ("userns", {"trial": "unshare: Invalid argument"}, "bad", "CONFIG_USER_NS"),
    ("ids", {"mappers": {}}, "less", "newuidmap is not installed.*one id.*apt-get install uidmap"),
    ("ids", {"mappers": {}, "family": "fedora"}, "less", "dnf install shadow-utils"),
    ("ids", {"mappers": {}, "family": ""}, "less", "install the package shadow-utils"),
    ("ids", {"mappers": {**MAPPERS, "newuidmap": MapProgram("/b/newuidmap")}}, "less",
     "neither setuid .*setcap cap_setuid=ep /b/newuidmap, or chmod u\\+s"),
    ("ids", {"no_new_privileges": True}, "less", "no_new_privs.*allowPrivilegeEscalation"),
    ("ids", {"subuids": 0}, "less", "/etc/subuid gives user no ids.*usermod --add-subuids 100000-165535 user"),
    ("ids", {"subgids": 1000}, "less", "only 1000 ids.*larger ids cannot.*usermod --add-subgids"),
    ("proc", {"proc_masked": True}, "less", "covered.*unmask=ALL"),
    ("runtime", {"runtime": Version(error="no OCI runtime: crun is not installed")}, "bad", "apt-get install crun"),
    ("runtime", {"runtime": Version("/r", "runc 1.1", refusal="crun refuses")}, "less", "since crun refuses"),
    ("conmon", {"conmon": Version(error="not installed")}, "bad", "apt-get install conmon"),
    ("conmon", {"conmon": Version("/c", "1.0.9")}, "bad", "too old"),
    ("init", {"init": ""}, "less", "--init does not work.*install catatonit"),
    ("overlay", {"overlay": False}, "less", "modprobe overlay"),
    ("overlay", {"kernel": (5, 10), "programs": without("fuse-overlayfs")}, "less", "5.10 keeps.*a copy.*5.13"),
    ("fuse", {"devices": {"/dev/fuse": "No such file or directory"}}, "less", "modprobe fuse.*--device /dev/fuse"),
    ("fuse", {"programs": without("fuse-overlayfs")}, "less", "apt-get install fuse-overlayfs"),
    ("seccomp", {"seccomp": False}, "bad", "CONFIG_SECCOMP_FILTER"),
    ("lsm", {"apparmor": True, "rootless": False, "programs": without("apparmor_parser")}, "less", "install apparmor"),
    ("lsm", {"selinux_error": "no policy"}, "less", "no policy.*container-selinux"),
    ("cgroups", {"cgroups": groups("v1", "none")}, "less", "limits of memory, cpu, pids .*unified_cgroup_hierarchy=1"),
    ("cgroups", {"cgroups": groups("v2", "none")}, "less", "log in through systemd.*enable-linger user"),
    ("cgroups", {"cgroups": groups("v2", "systemd", "memory", "pids")}, "less", "of cpu are refused.*Delegate=cpu"),
    ("cgroups", {"cgroups": groups("v2", "none"), "systemd": False}, "less", "mkdir /sys/fs/cgroup/user"),
    ("cgroups", {"cgroups": groups("v2", "none"), "manager": "systemd"}, "bad", "leave out --cgroup-manager"),
    ("files", {"open_files": 256, "most_open_files": 4096}, "less", "only 256.*ulimit -n 4096"),
    ("files", {"open_files": 256, "most_open_files": 256}, "less", "limits.conf"),
    ("disk", {"rooms": (Room("/h", 1 << 30),)}, "less", "/h: only 1024 MiB free.*argosy system prune"),
    ("disk", {"rooms": (Room("/h", 1 << 20),)}, "bad", "/h: only 1 MiB free"),
    ("disk", {"rooms": (Room("/h", 1 << 40, 500, 10**6),)}, "bad", "/h: only 500 inodes free"),
    ("rundir", {"run": "/tmp/argosy-run-1000"}, "less", "there is no XDG_RUNTIME_DIR.*enable-linger"),
    ("network", {"programs": without("pasta", "slirp4netns")}, "less", "host and none alone.*apt-get install passt"),
    ("network", {"programs": without("pasta")}, "less", "slower.*install passt"),
    ("tun", {"devices": {"/dev/net/tun": "Permission denied"}}, "less", "chmod 0666 /dev/net/tun"),
    ("tun", {"devices": {"/dev/net/tun": "No such file or directory"}}, "less", "modprobe tun"),
    ("tun", {"devices": {"/dev/net/tun": "No such file or directory"}, "container": "docker"}, "less", "--device"),
    ("nft", {"programs": without("nft")}, "less", "published ports.*apt-get install nftables"),
    ("dns", {"nameservers": ()}, "less", "no server.*not found by name.*/etc/resolv.conf"),
    ("clock", {"now_s": 0.0}, "bad", "days behind.*timedatectl set-ntp true"),
    ("trust", {"policy_error": 'invalid signature policy "/p"'}, "bad", "every image is refused.*mend the file"),
    ("trust", {"programs": without("gpgv")}, "less", "signed with GnuPG are refused.*apt-get install gpgv"),
    ("certificates", {"certificates": ""}, "less", "no public registry.*apt-get install ca-certificates"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "changes", "state", "says"), LACKS)
def test_a_lack_is_named_with_its_cost_and_the_way_out(
    name: str, changes: dict[str, object], state: str, says: str
) -> None:
    found = [advice for advice in doctor.examine(WHOLE.replace(**changes), (name,)) if advice.state != "good"]
    assert {advice.topic for advice in found} == {name}
    assert found[0].state == state
    assert found[0].cost and found[0].remedy
    text = f"{found[0].text} {found[0].cost} {found[0].remedy}"
    assert re.search(says, text), text


def test_every_check_has_a_lack() -> None:
    assert {name for name, *_ in LACKS} == set(doctor.CHECKS)


def test_root_that_may_change_roots_is_less_than_he_could_be() -> None:
    (advice,) = doctor.examine(POD, ("userns",))
    assert (advice.state, "chroot" in advice.cost) == ("less", True)
    for less in (POD.replace(capabilities=0), POD.replace(programs=without("chroot"))):
        (advice,) = doctor.examine(less, ("userns",))
        assert advice.state == "bad"


def test_root_asks_for_no_ids() -> None:
    root = WHOLE.replace(rootless=False, mappers={}, subuids=0, subgids=0, trial="")
    assert {advice.state for advice in doctor.examine(root, ("userns", "ids"))} == {"good"}


def test_a_name_that_no_check_has() -> None:
    with pytest.raises(Invalid, match="nosuch"):
        doctor.check_names(("userns", "nosuch"))


@pytest.mark.parametrize(
    ("identifiers", "family"),
    [("debian", "debian"), ("ubuntu debian", "debian"), ("linuxmint ubuntu debian", "debian"),
     ("rocky rhel centos", "fedora"),
     ("opensuse-leap suse", "suse"), ("arch", "arch"), ("alpine", "alpine"), ("nosuch", ""), ("", "")],
)  # fmt: skip
def test_the_family_of_a_distribution(identifiers: str, family: str) -> None:
    from argosy.containers.doctor import advice

    assert advice.family(identifiers) == family
