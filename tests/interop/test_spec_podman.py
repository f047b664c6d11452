"""What podman writes into config.json for the same options, field by field; where we differ, the reason is here."""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from argosy.config import containers
from argosy.oci.imageconfig import ContainerConfig
from argosy.spec import parse
from argosy.spec.generate import HostNode, SpecRequest, generate
from argosy.spec.options import ContainerOptions, Mount, NetworkMode, Ulimit
from tests.rig import host
from tests.unit.spec.requests import GROUP, PASSWD

pytestmark = [host.needs_root, host.needs_program("podman")]

_LIMITS = ("nofile", "nproc")


class Podman:
    """podman with a store of its own and one image."""

    def __init__(self, base: Path) -> None:
        self.base = base
        # runc would do as well: nothing is run, only written down.
        self.command = ["podman", "--root", f"{base}/root", "--runroot", f"{base}/run", "--tmpdir", f"{base}/tmp"]
        archive = base / "image.tar"
        with tarfile.open(archive, "w") as tar:
            for name, data in (("etc/passwd", PASSWD), ("etc/group", GROUP), ("bin/sh", b"#!"), ("data/x", b"")):
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(data), 0o755
                tar.addfile(entry, io.BytesIO(data))
        self.run("import", "-c", 'CMD ["/bin/sh"]', str(archive), "box")

    def run(self, *words: str) -> str:
        done = subprocess.run([*self.command, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def config(self, *flags: str) -> dict[str, Any]:
        """config.json of a container that is created and prepared, but never started."""
        container = self.run("create", "--network", "none", *flags, "box").split()[-1]
        subprocess.run([*self.command, "init", container], capture_output=True, check=False)
        path = self.base / "root/overlay-containers" / container / "userdata/config.json"
        if not path.exists():
            path = self.base / "root/vfs-containers" / container / "userdata/config.json"
        made: dict[str, Any] = json.loads(path.read_text())
        self.run("rm", "-f", "-t", "0", container)
        return made


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    made = Podman(tmp_path_factory.mktemp("podman"))
    yield made
    made.run("rmi", "-f", "box")
    subprocess.run(["umount", "-q", f"{made.base}/root/overlay"], check=False)


def ours(changes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Our specification, on this host, by this host's containers.conf."""
    with open("/proc/self/status", encoding="ascii") as status:
        held = int(next(line.split()[1] for line in status if line.startswith("CapBnd:")), 16)
    request = SpecRequest(
        options=ContainerOptions(**{"image": "box", "network": NetworkMode("none"), **changes}),
        image=ContainerConfig(cmd=("/bin/sh",)),
        conf=containers.load("/nonexistent", os.environ, rootless=False),
        container_id="c" * 64,
        rootfs="/merged",
        machine=os.uname().machine,
        passwd=PASSWD,
        group=GROUP,
        cgroup_mode="v2" if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else "v1",
        capabilities=held,
        may_raise_rlimits=True,
        rlimits=tuple(
            Ulimit(name, *resource.getrlimit(getattr(resource, f"RLIMIT_{name.upper()}"))) for name in _LIMITS
        ),
        files=dict.fromkeys(("/etc/hosts", "/etc/hostname", "/run/.containerenv"), "/run/file"),
        **fields,
    )
    return generate(request)


def mounts(made: dict[str, Any]) -> dict[str, tuple[str, frozenset[str]]]:
    found = {}
    for mount in made["mounts"]:
        options = set(mount["options"])
        if mount["type"] in ("proc", "sysfs", "mqueue", "devpts"):
            options -= {"rprivate"}  # what they are anyway; podman adds it to some
        if mount["destination"] == "/dev":
            options -= {"noexec"}  # ours and podman's before 5, which allows it for the sake of SGX enclaves
        if mount["destination"] == "/run/podman-init":
            options -= {"private", "rprivate"}  # of one file, which is the same; podman changed the word
        found[mount["destination"]] = (mount["type"], frozenset(options))
    # podman mounts a tmpfs of its own on the host and binds that, to share it; ours is made inside.
    found.pop("/dev/shm", None)
    return found


def environment(made: dict[str, Any]) -> set[str]:
    return {entry for entry in made["process"]["env"] if not entry.startswith("HOSTNAME=")}


def compared(made: dict[str, Any]) -> dict[str, Any]:
    """What must be the same."""
    process, linux = made["process"], made["linux"]
    return {
        "args": process["args"],
        "cwd": process["cwd"],
        "env": environment(made),
        "user": process["user"],
        "terminal": process.get("terminal", False),
        "noNewPrivileges": process.get("noNewPrivileges", False),
        "capabilities": {kind: set(names) for kind, names in process.get("capabilities", {}).items() if names},
        "rlimits": {limit["type"]: (limit["soft"], limit["hard"]) for limit in process.get("rlimits", [])},
        "readonly": made["root"].get("readonly", False),
        "mounts": mounts(made),
        "namespaces": {(entry["type"], entry.get("path")) for entry in linux["namespaces"]},
        "sysctl": linux.get("sysctl"),
        "seccomp": "seccomp" in linux,
        "resources": {
            key: value for key, value in linux["resources"].items() if key not in ("devices", "pids") and value
        },
        "pids": linux["resources"].get("pids", {}).get("limit", 0),
    }


BOB = {"user": "bob"}
CASES: list[tuple[list[str], dict[str, Any], dict[str, Any]]] = [
    ([], {}, {}),
    (["-t"], {"tty": True}, {}),
    (["-u", "bob"], BOB, {}),
    (["-u", "bob:wheel"], {"user": "bob:wheel"}, {}),
    (["-u", "1234:77", "-e", "HOME=/x"], {"user": "1234:77", "env": {"HOME": "/x"}}, {}),
    (["-u", "bob", "--cap-add", "sys_admin"], {**BOB, "cap_add": parse.parse_capabilities(["sys_admin"])}, {}),
    (["--cap-drop", "all", "--cap-add", "net_raw"], {"cap_drop": ("ALL",), "cap_add": ("CAP_NET_RAW",)}, {}),
    (["--security-opt", "no-new-privileges"], {"security": parse.parse_security(["no-new-privileges"])}, {}),
    (["--security-opt", "seccomp=unconfined"], {"security": parse.parse_security(["seccomp=unconfined"])}, {}),
    (["-e", "A=b", "-w", "/data"], {"env": {"A": "b"}, "workdir": "/data"}, {}),
    (["--init"], {"init": True}, {"init_path": "/x"}),
    (["--read-only"], {"read_only": True}, {}),
    (["--privileged"], {"privileged": True}, {}),
    (["--pids-limit", "7"], {"pids_limit": 7}, {}),
    (["--memory", "64m", "--cpus", "1.5"], {"memory_bytes": 64 << 20, "nano_cpus": 1_500_000_000}, {}),
    (
        ["--ulimit", "nofile=100:200", "--ulimit", "nproc=50:60"],
        {"ulimits": (Ulimit("nofile", 100, 200), Ulimit("nproc", 50, 60))},
        {},
    ),
    (["--pid", "host"], {"pid": parse.parse_namespace("host", "pid")}, {}),
    (["--ipc", "host"], {"ipc": parse.parse_namespace("host", "ipc")}, {}),
    (["--cgroupns", "private"], {"cgroupns": parse.parse_namespace("private", "cgroupns")}, {}),
    (
        ["-v", "/etc:/d", "-v", "/etc:/e:ro,nosuid,rslave", "--mount", "type=bind,src=/etc,dst=/f,ro"],
        {},
        {"mounts": ("/etc:/d", "/etc:/e:ro,nosuid,rslave", "/etc:/f:ro")},
    ),
    (["--tmpfs", "/t:size=5m"], {}, {"mounts": (parse.parse_tmpfs("/t:size=5m"),)}),
    (
        ["--device", "/dev/zero:/dev/zz:r"],
        {},
        {"nodes": (HostNode("/dev/zero", "/dev/zz", "c", 1, 5, permissions="r"),)},
    ),
]


@pytest.mark.parametrize(
    ("flags", "changes", "fields"), CASES, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_as_podman(podman: Podman, flags: list[str], changes: dict[str, Any], fields: dict[str, Any]) -> None:
    fields = dict(fields)
    wanted = tuple(m if isinstance(m, Mount) else parse.parse_volume(m) for m in fields.pop("mounts", ()))
    theirs, made = podman.config(*flags), ours(changes, mounts=wanted, **fields)
    expected, found = compared(theirs), compared(made)
    if "-t" not in flags:
        # Before version 5 podman sets TERM without a terminal too.
        for side in (expected, found):
            side["env"].discard("TERM=xterm")
    if "--read-only" in flags:
        # podman before 5 leaves the file out when it makes /run itself; programs look for it there.
        assert found["mounts"].pop("/run/.containerenv")
        expected["mounts"].pop("/run/.containerenv", None)
    assert found == expected


def test_all_that_podman_hides_is_hidden(podman: Podman) -> None:
    theirs, made = podman.config()["linux"], ours({})["linux"]
    assert set(theirs["maskedPaths"]) <= set(made["maskedPaths"])
    assert set(theirs["readonlyPaths"]) <= {*made["readonlyPaths"], *made["maskedPaths"]}


def test_devices_and_rules(podman: Podman) -> None:
    theirs = podman.config("--device", "/dev/zero:/dev/zz:r")["linux"]
    zero = os.stat("/dev/zero")
    node = HostNode("/dev/zero", "/dev/zz", "c", 1, 5, zero.st_mode & 0o7777, zero.st_uid, zero.st_gid, "r")
    made = ours({}, nodes=(node,))["linux"]
    expected = {**theirs["devices"][0]}
    expected["fileMode"] &= 0o7777  # podman leaves the kind of file in
    assert made["devices"] == [expected]
    assert made["resources"]["devices"] == theirs["resources"]["devices"]
