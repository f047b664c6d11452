"""The generated specification in the hands of real runtimes: what the container's first process sees."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from argosy import jsontext
from argosy.linux import seccomp
from argosy.oci.imageconfig import ContainerConfig
from argosy.spec.generate import HostNode, generate
from argosy.spec.options import Mount, NamespaceMode, SecurityOptions, Ulimit
from argosy.spec.parse import parse_tmpfs
from tests.rig import host
from tests.unit.spec.requests import GROUP, PASSWD, request

BUSYBOX = shutil.which("busybox", path="/usr/bin:/bin") or ""
RUNTIMES = ("crun", "runc")
UID_FILE = "/proc/self/status"

pytestmark = [
    host.needs_root,
    pytest.mark.skipif(not BUSYBOX, reason="busybox-static is not installed"),
]


def bounding() -> int:
    with open(UID_FILE, encoding="ascii") as status:
        return int(next(line.split()[1] for line in status if line.startswith("CapBnd:")), 16)


def old_crun() -> bool:
    """Whether crun is there and takes no filter from a cache of its own (before 1.9)."""
    program = host.program("crun")
    if program is None:
        return False
    words = subprocess.run([program, "--root", "/run", "--version"], capture_output=True, text=True).stdout.split()
    return tuple(int(part) for part in words[2].split(".")[:2]) < (1, 9)


class Box:
    """A root file system of busybox, and containers in it that a runtime runs from specifications of ours."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.root = directory / "root"
        for name in ("bin", "etc", "tmp", "data"):
            (self.root / name).mkdir(parents=True)
        shutil.copy(BUSYBOX, self.root / "bin/busybox")
        for applet in ("sh", "id", "cat", "ls", "grep", "sleep", "touch", "stat", "head", "true", "hostname"):
            (self.root / "bin" / applet).symlink_to("busybox")
        (self.root / "etc/passwd").write_bytes(PASSWD)
        (self.root / "etc/group").write_bytes(GROUP)
        (self.root / "data/file").write_text("content\n")
        self.id = f"argosy-test-{os.getpid()}-{id(self)}"

    def write(self, changes: dict[str, Any] | None, fields: dict[str, Any]) -> dict[str, Any]:
        asked = {
            "rootfs": str(self.root),
            "machine": os.uname().machine,
            "capabilities": bounding(),
            "cgroup_mode": "v1" if os.path.isdir("/sys/fs/cgroup/pids") else "v2",
            "cgroups_path": f"/{self.id}",
            **fields,
        }
        made = generate(request(changes, **asked))
        (self.directory / "config.json").write_bytes(jsontext.encode(made))
        return made

    def command(self, runtime: str, *words: str) -> list[str]:
        program = host.program(runtime)
        if program is None:
            pytest.skip(f"{runtime} is not installed")
        return [program, "--root", f"{self.directory}/state", *words]

    def run(self, runtime: str, script: str, changes: dict[str, Any] | None = None, **fields: Any) -> str:
        """What the shell script prints inside, its errors too; the status is the last line."""
        self.write({"command": ("sh", "-c", script), **(changes or {})}, fields)
        done = subprocess.run(
            self.command(runtime, "run", "-b", str(self.directory), self.id),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return f"{done.stdout}[{done.returncode}]"

    def delete(self, runtime: str) -> None:
        subprocess.run(self.command(runtime, "delete", "-f", self.id), capture_output=True, check=False)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path)
    yield made
    for runtime in RUNTIMES:
        if host.program(runtime):
            made.delete(runtime)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_default_container(box: Box, runtime: str) -> None:
    box.root.joinpath("etc/hosts").write_text("")
    (box.directory / "hosts").write_text("mine\n")
    seen = box.run(
        runtime,
        f"id; hostname; cat /etc/hosts {UID_FILE} /proc/self/mounts /proc/keys /proc/timer_list; ls /dev",
        files={"/etc/hosts": f"{box.directory}/hosts"},
    )
    assert seen.startswith("uid=0(root) gid=0(root) groups=50(staff)\n0123456789ab\nmine\n")
    lines = seen.splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert status["CapEff"].strip() == status["CapBnd"].strip() == "00000000800405fb"
    assert status["CapAmb"].strip() == status["CapInh"].strip() == "0" * 16
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("0", "2")
    mounted = {words[1]: words for words in map(str.split, lines) if len(words) == 6}
    assert mounted["/proc"][2] == "proc"
    assert mounted["/sys"][2] == "sysfs"
    assert mounted["/sys"][3].startswith("ro,")
    assert mounted["/dev"][2] == "tmpfs"
    for path in ("/proc/keys", "/proc/timer_list", "/proc/interrupts", "/proc/acpi"):
        if os.path.exists(path):
            assert path in mounted
    for path in ("/proc/sys", "/proc/irq", "/proc/bus"):
        assert mounted[path][3].startswith("ro,")
    assert seen.endswith("[0]")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_user_and_its_capabilities(box: Box, runtime: str) -> None:
    script = f"id; grep -E 'Cap(Eff|Amb)|NoNewPrivs' {UID_FILE}; echo $HOME"
    seen = box.run(runtime, script, {"user": "bob", "security": SecurityOptions(no_new_privileges=True)})
    assert seen == (
        "uid=1000(bob) gid=1000(bob) groups=10(wheel),50(staff),1000(bob)\n"
        "CapEff:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\n/home/bob\n[0]"
    )
    seen = box.run(runtime, script, {"user": "bob", "cap_add": ("CAP_SYS_CHROOT",)})
    assert "CapEff:\t0000000000040000\nCapAmb:\t0000000000040000" in seen


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_mounts(box: Box, runtime: str) -> None:
    (box.directory / "host").mkdir()
    (box.directory / "host/x").write_text("from the host\n")
    wanted = (
        Mount("bind", f"{box.directory}/host", "/h", ("ro",)),
        parse_tmpfs("/data:size=1m"),
        parse_tmpfs("/empty:notmpcopyup,mode=700"),
    )
    script = "cat /h/x /data/file; touch /h/y 2>&1; touch /data/y && ls /data; ls /empty; stat -c %a /empty"
    seen = box.run(runtime, script, mounts=wanted)
    assert seen == "from the host\ncontent\ntouch: /h/y: Read-only file system\nfile\ny\n700\n[0]"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_read_only_root(box: Box, runtime: str) -> None:
    seen = box.run(runtime, "touch /x; touch /run/x /tmp/x /var/tmp/x && echo fine", {"read_only": True})
    assert seen == "touch: /x: Read-only file system\nfine\n[0]"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_privileged(box: Box, runtime: str) -> None:
    node = HostNode("/dev/zero", "/dev/other-zero", "c", 1, 5, 0o640, 0, 5)
    script = (
        f"grep -E 'CapEff|Seccomp:' {UID_FILE}; stat -c '%t:%T %a %g' /dev/other-zero; ls /proc/acpi >/dev/null; id -u"
    )
    seen = box.run(runtime, script, {"privileged": True}, nodes=(node,))
    assert f"CapEff:\t{bounding():016x}\nSeccomp:\t0\n1:5 640 5\n" in seen


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_shared_namespaces(box: Box, runtime: str) -> None:
    shared = NamespaceMode("host")
    seen = box.run(
        runtime,
        "for n in pid ipc uts net; do stat -L -c %i /proc/self/ns/$n; done",
        {"pid": shared, "ipc": shared, "uts": shared},
        host_network=True,
        hostname="outer",
    )
    own = [str(os.stat(f"/proc/self/ns/{kind}").st_ino) for kind in ("pid", "ipc", "uts", "net")]
    assert seen.split() == [*own, "[0]"]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_limits(box: Box, runtime: str) -> None:
    changes = {"ulimits": (Ulimit("nofile", 100, 200),), "oom_score_adj": 77, "umask": "0077"}
    seen = box.run(runtime, "ulimit -Sn; ulimit -Hn; cat /proc/self/oom_score_adj; umask", changes)
    assert seen == "100\n200\n77\n0077\n[0]"


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("trap", ["link to /etc", "link out", "file", "nothing"])
def test_the_kernels_file_systems_are_real_whatever_the_image_holds(box: Box, runtime: str, trap: str) -> None:
    """The container has real ones, or it does not start; and nothing outside its root changes."""
    outside = box.directory / "outside"
    outside.mkdir()
    for name in ("proc", "dev", "sys"):
        path = box.root / name
        if trap == "file":
            path.write_text("")
        elif trap != "nothing":
            path.symlink_to("/etc" if trap == "link to /etc" else str(outside))
    seen = box.run(runtime, "for p in /proc /dev /sys; do stat -f -c %T $p; done; cat /proc/keys")
    if seen.endswith("[0]"):
        assert seen.split() == ["proc", "tmpfs", "sysfs", "[0]"]
    else:
        assert "sh:" not in seen
    assert list(outside.iterdir()) == []


def filter_of(box: Box) -> bytes:
    """The filter that crun has installed, which it keeps for exec."""
    return (box.directory / "state" / box.id / "seccomp.bpf").read_bytes()


def started(box: Box, changes: dict[str, Any], **fields: Any) -> None:
    box.write({"command": ("sleep", "60"), **changes}, fields)
    subprocess.run(
        box.command("crun", "run", "-d", "-b", str(box.directory), box.id),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
    )


CUSTOM = jsontext.encode(
    {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": [],
        "syscalls": [
            {"names": ["mkdir", "no_such_call"], "action": "SCMP_ACT_ERRNO", "errnoRet": 7},
            {
                "names": ["personality"],
                "action": "SCMP_ACT_ERRNO",
                "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}],
            },
            {
                "names": ["socket"],
                "action": "SCMP_ACT_TRACE",
                "args": [
                    {"index": 0, "value": 16, "op": "SCMP_CMP_MASKED_EQ", "valueTwo": 16},
                    {"index": 2, "value": 9, "op": "SCMP_CMP_GT"},
                ],
            },
            {"names": ["chroot"], "action": "SCMP_ACT_KILL"},
            {"names": ["swapon"], "action": "SCMP_ACT_KILL_PROCESS"},
            {"names": ["swapoff"], "action": "SCMP_ACT_TRAP"},
            {"names": ["sync"], "action": "SCMP_ACT_LOG"},
        ],
    }
)


@pytest.mark.skipif(not old_crun(), reason="crun is missing, or makes its filters in its own way (1.9 and later)")
@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, None),
        ({"cap_drop": ("ALL",)}, None),
        ({"cap_add": ("CAP_SYS_ADMIN", "CAP_SYS_PTRACE")}, None),
        ({"cap_add": ("ALL",)}, None),
        ({}, CUSTOM),
    ],
)
def test_the_compiled_filter_is_cruns_own(box: Box, changes: dict[str, Any], text: bytes | None) -> None:
    started(box, changes, seccomp_profile=text)
    cruns = filter_of(box)
    box.delete("crun")
    made: list[str] = []

    def compile_filter(name: str, build: Any) -> str:
        made.append(base64.b64encode(seccomp.compile_profile(build())).decode())
        return made[0]

    started(box, changes, seccomp_profile=text, compile_seccomp=compile_filter)
    assert base64.b64decode(made[0]) == cruns
    assert filter_of(box) == cruns
    inside = subprocess.run(
        box.command("crun", "exec", box.id, "grep", "Seccomp", UID_FILE), capture_output=True, text=True, check=True
    )
    assert "Seccomp:\t2\nSeccomp_filters:\t1\n" in inside.stdout


@pytest.mark.skipif(not old_crun(), reason="crun is missing, or makes its filters in its own way (1.9 and later)")
def test_a_crun_that_ignored_the_annotation_would_start_nothing(box: Box) -> None:
    made = box.write({"command": ("true",)}, {"compile_seccomp": lambda name, build: "QUJD"})
    del made["annotations"]["run.oci.seccomp_bpf_data"]
    (box.directory / "config.json").write_bytes(jsontext.encode(made))
    done = subprocess.run(
        box.command("crun", "run", "-b", str(box.directory), box.id),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_image_decides_the_program(box: Box, runtime: str) -> None:
    image = ContainerConfig(entrypoint=("sh", "-c"), cmd=("echo $A; pwd",), env=("A=b",), working_dir="/data")
    box.write({"command": None}, {"image": image})
    done = subprocess.run(
        box.command(runtime, "run", "-b", str(box.directory), box.id),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "b\n/data\n"
