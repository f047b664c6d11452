"""Limits, namespaces, kernel parameters, devices and names: what a running container shows of them, many at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.rig import host
from tests.rig.program import Program

V1 = "/sys/fs/cgroup"
RUNTIMES = [
    pytest.param(name, marks=pytest.mark.skipif(host.program(name) is None, reason=f"{name} is not installed"))
    for name in ("crun", "runc")
]
needs_v1_root = pytest.mark.skipif(
    not host.is_root() or not os.path.exists(f"{V1}/memory/memory.limit_in_bytes"),
    reason="needs root and control groups of version 1",
)
ULIMITS = ("--ulimit", "nofile=100:200", "--ulimit", "core=0")


def disk() -> str:
    """A block device of the host, for limits that nobody feels; "" where there is none."""
    for name in ("/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/loop0"):
        if os.path.exists(name):
            return name
    return ""


def inspected(program: Program, name: str) -> dict[str, Any]:
    found: dict[str, Any] = program.run("container", "inspect", name).json()[0]["HostConfig"]
    return found


@needs_v1_root
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_limits_in_cgroup_v1(argosy: Program, busybox: str, runtime: str) -> None:
    parent = f"argosy-test-{os.getpid()}"
    flags = [
        *("--memory=64m", "--memory-reservation=32m", "--memory-swappiness=10", "--oom-kill-disable"),
        *("--cpu-period=50000", "--cpu-quota=20000", "--cpu-shares=512", "--cpuset-cpus=0", "--cpuset-mems=0"),
        *("--pids-limit=33", f"--cgroup-parent={parent}", "--device-cgroup-rule=c 5:1 rw", "--oom-score-adj=100"),
        *(f"--blkio-weight={200}",) * (runtime == "runc" and os.path.exists(f"{V1}/blkio/blkio.bfq.weight")),
    ]
    throttled = disk()
    if throttled:
        flags += [f"--device-read-bps={throttled}:1mb", f"--device-write-iops={throttled}:70"]
    files = {
        "memory/memory.limit_in_bytes": "67108864",
        "memory/memory.soft_limit_in_bytes": "33554432",
        "memory/memory.swappiness": "10",
        "cpu/cpu.cfs_period_us": "50000",
        "cpu/cpu.cfs_quota_us": "20000",
        "cpu/cpu.shares": "512",
        "cpuset/cpuset.cpus": "0",
        "cpuset/cpuset.mems": "0",
        "pids/pids.max": "33",
    }
    container = argosy.run(
        "--runtime", runtime, "run", "-d", "--name", "c", *flags, busybox, "sleep", "60"
    ).stdout.strip()
    try:
        for file, wanted in files.items():
            controller, _, name = file.partition("/")
            with open(f"{V1}/{controller}/{parent}/{container}/{name}", encoding="ascii") as content:
                assert (file, content.read().strip()) == (file, wanted)
        group = f"{V1}/{{}}/{parent}/{container}/"
        with open(group.format("memory") + "memory.oom_control", encoding="ascii") as content:
            assert "oom_kill_disable 1" in content.read()
        with open(group.format("devices") + "devices.list", encoding="ascii") as content:
            assert "c 5:1 rw" in content.read()
        if throttled:
            number = os.stat(throttled).st_rdev
            with open(group.format("blkio") + "blkio.throttle.read_bps_device", encoding="ascii") as content:
                assert content.read() == f"{os.major(number)}:{os.minor(number)} 1048576\n"
        assert argosy.run("exec", "c", "cat", "/proc/1/oom_score_adj").stdout == "100\n"
        shown = inspected(argosy, "c")
        assert {key: shown[key] for key in ("Memory", "MemoryReservation", "MemorySwap", "MemorySwappiness")} == {
            "Memory": 64 << 20,
            "MemoryReservation": 32 << 20,
            "MemorySwap": 128 << 20,
            "MemorySwappiness": 10,
        }
        assert (shown["CpuPeriod"], shown["CpuQuota"], shown["CpuShares"]) == (50000, 20000, 512)
        assert (shown["CpusetCpus"], shown["CpusetMems"], shown["PidsLimit"]) == ("0", "0", 33)
        assert (shown["OomKillDisable"], shown["OomScoreAdj"], shown["CgroupParent"]) == (True, 100, parent)
        if throttled:
            assert shown["BlkioDeviceReadBps"] == [{"Path": throttled, "Rate": 1 << 20}]
            assert shown["BlkioDeviceWriteIOps"] == [{"Path": throttled, "Rate": 70}]
    finally:
        argosy.run("rm", "-f", "-t", "0", "c")
        for controller in os.listdir(V1):
            if os.path.isdir(f"{V1}/{controller}/{parent}"):
                os.rmdir(f"{V1}/{controller}/{parent}")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_container_without_limits(argosy_both: Program, busybox: str, runtime: str) -> None:
    script = "ulimit -Sn; ulimit -Hn; ulimit -c; cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax"
    flags = ["--network=none", "--sysctl=net.ipv4.ip_forward=1", "--sysctl", "kernel.msgmax=4096", *ULIMITS]
    done = argosy_both.run("--runtime", runtime, "run", "--rm", *flags, busybox, "sh", "-c", script)
    assert done.lines == ["100", "200", "0", "1", "4096"]
    if runtime == "crun":
        done = argosy_both.run("run", "--rm", "--network=none", "--cgroups=disabled", busybox, "cat", "/proc/1/cgroup")
        assert "/argosy" not in done.stdout


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_namespaces(argosy_both: Program, busybox: str, runtime: str) -> None:
    """Those of the host, of another container (with its shared memory, renamed meanwhile), at a path, and none."""
    argosy = argosy_both
    argosy.flags += ["--runtime", runtime]
    show = "for n in pid ipc uts; do readlink /proc/self/ns/$n; done; cat /proc/sys/kernel/hostname"
    argosy.run("run", "-d", "--name=a", "--network=none", "--hostname=box", "--shm-size=1m", busybox, "sleep", "60")
    argosy.run("exec", "a", "sh", "-c", "echo shared > /dev/shm/x")
    own = argosy.run("exec", "a", "sh", "-c", show).lines
    joining = ["--pid=container:a", "--ipc=container:a", "--uts=container:a"]
    script = f"{show}; cat /dev/shm/x; df -k /dev/shm | tail -1; echo more > /dev/shm/y"
    seen = argosy.run("run", "--name=b", "--network=none", *joining, busybox, "sh", "-c", script).lines
    assert seen[:5] == [*own, "shared"]
    assert seen[5].split()[1] == "1024"
    assert argosy.run("exec", "a", "cat", "/dev/shm/y").stdout == "more\n"
    pid = argosy.run("inspect", "--format", "{{.State.Pid}}", "a").stdout.strip()
    if not argosy.rootless:
        at_path = argosy.run("run", "--rm", "--network=none", f"--uts=ns:/proc/{pid}/ns/uts", busybox, "sh", "-c", show)
        assert at_path.lines[2:] == own[2:]
    ids = {argosy.run("inspect", "--format", "{{.Id}}", "a").stdout.strip()}
    shown = inspected(argosy, "b")
    assert {shown[key].removeprefix("container:") for key in ("PidMode", "IpcMode", "UTSMode")} == ids
    shared = argosy.run(
        *("run", "--rm", "--network=none", "--pid=host", "--ipc=host", "--uts=host", busybox, "sh", "-c", show)
    ).lines
    assert shared == [*(os.readlink(f"/proc/self/ns/{kind}") for kind in ("pid", "ipc", "uts")), os.uname().nodename]
    hosts = ["--pid=host", "--ipc=host", "--uts=host"]
    argosy.run("run", "-d", "--name=open", "--network=none", *hosts, busybox, "sleep", "60")
    joining = ["--pid=container:open", "--ipc=container:open", "--uts=container:open"]
    assert argosy.run("run", "--rm", "--network=none", *joining, busybox, "sh", "-c", show).lines == shared
    none = argosy.run("run", "--rm", "--network=none", "--ipc=none", busybox, "ls", "-d", "/dev/shm", check=False)
    assert none.returncode != 0
    argosy.run("run", "-d", "--name=private", "--network=none", "--ipc=private", busybox, "sleep", "60")
    refused = argosy.run("create", "--ipc=container:private", busybox, check=125)
    assert "is not allowed: non-shareable IPC (hint: use IpcMode:shareable for the donor container)" in refused.stderr
    argosy.run("rm", "-f", "-t", "0", "b", "a", "private", "open")


def test_devices(argosy_both: Program, busybox: str) -> None:
    flags = [
        "--device=/dev/null:/dev/xnull:rw",
        "--device",
        "/dev/zero",
        *(["--device=/dev/net:/dev/vendor:r"] if os.path.isdir("/dev/net") else []),
    ]
    script = "echo x > /dev/xnull; ls /dev; ls /dev/vendor; head -c 3 /dev/zero | wc -c"
    seen = argosy_both.run("run", "--rm", "--network=none", *flags, busybox, "sh", "-c", script)
    wanted = {"xnull", *((name for name in os.listdir("/dev/net")) if os.path.isdir("/dev/net") else ())}
    assert wanted <= set(seen.stdout.split())
    assert seen.lines[-1].strip() == "3"


def test_names(argosy_both: Program, busybox: str) -> None:
    hosts = ["--add-host=foo:192.0.2.7", "--add-host=six:fd00::7", "--hostname=web", "--name=n"]
    seen = argosy_both.run("run", "--rm", "--network=none", *hosts, busybox, "cat", "/etc/hosts").lines
    assert seen[:2] == ["192.0.2.7\tfoo", "fd00::7\tsix"]
    assert seen[-1] == "127.0.0.1\tweb n"
    dns = ["--dns=192.0.2.53", "--dns-search=example.org", "--dns-option=ndots:3"]
    seen = argosy_both.run("run", "--rm", "--network=host", *dns, busybox, "cat", "/etc/resolv.conf").lines
    assert seen == ["search example.org", "nameserver 192.0.2.53", "options ndots:3"]
    script = "cat /etc/hosts /etc/resolv.conf 2>/dev/null | wc -l"
    seen = argosy_both.run(
        "run", "--rm", "--network=host", "--no-hosts", "--dns=none", busybox, "sh", "-c", script
    ).lines
    assert seen == ["0"]
    conf = argosy_both.write(
        "containers.conf", '[containers]\nbase_hosts_file = "none"\nhost_containers_internal_ip = "192.0.2.1"\n'
    )
    seen = argosy_both.run(
        *(
            "run",
            "--rm",
            "--network=none",
            "--add-host=gw:host-gateway",
            "--hostname=web",
            busybox,
            "cat",
            "/etc/hosts",
        ),
        env={"CONTAINERS_CONF": conf},
    ).lines
    assert seen[:4] == [
        "192.0.2.1\tgw",
        "127.0.0.1\tlocalhost",
        "::1\tlocalhost",
        "192.0.2.1\thost.containers.internal host.docker.internal",
    ]


@pytest.fixture
def vendor() -> Iterator[str]:
    """The kind of a CDI specification of this host, made for the test, with a device "dev"."""
    directory, name = "/var/run/cdi", f"argosy-test-{os.getpid()}"
    edits = {
        "env": ["VENDOR=yes", "PATH=/bin:/vendor"],
        "deviceNodes": [{"path": "/dev/vendor", "hostPath": "/dev/null", "permissions": "rw"}],
        "mounts": [{"hostPath": "/etc/os-release", "containerPath": "/vendor/release", "options": ["ro", "bind"]}],
        "hooks": [
            {
                "hookName": "createRuntime",
                "path": "/bin/sh",
                "args": ["sh", "-c", f"cat > /dev/null; echo hook > /tmp/{name}.hook; chmod 666 /tmp/{name}.hook"],
            }
        ],
    }
    document = {
        "cdiVersion": "0.5.0",
        "kind": f"{name}/class",
        "containerEdits": {"env": ["COMMON=1"]},
        "devices": [{"name": "dev", "containerEdits": edits}],
    }
    made = not os.path.isdir(directory)
    os.makedirs(directory, exist_ok=True)
    try:
        with open(f"{directory}/{name}.yaml", "w", encoding="utf-8") as file:
            json.dump(document, file)
        yield f"{name}/class"
    finally:
        for path in (f"{directory}/{name}.yaml", f"/tmp/{name}.hook"):
            if os.path.exists(path):
                os.unlink(path)
        if made:
            os.rmdir(directory)


@host.needs_root
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_cdi(argosy_both: Program, busybox: str, vendor: str, runtime: str) -> None:
    script = "echo $VENDOR $COMMON $PATH; echo x > /dev/vendor && cat /vendor/release"
    flags = ["--network=none", "--device", f"{vendor}=dev"]
    seen = argosy_both.run("--runtime", runtime, "run", "--rm", *flags, busybox, "sh", "-c", script)
    with open("/etc/os-release", encoding="utf-8") as release:
        assert seen.stdout == "yes 1 /bin:/vendor\n" + release.read()
    with open(f"/tmp/{vendor.partition('/')[0]}.hook", encoding="ascii") as ran:
        assert ran.read() == "hook\n"
    conf = argosy_both.write("containers.conf", f'[containers]\ndevices = ["{vendor}=dev"]\n')
    empty = argosy_both.write("no-cdi.conf", '[engine]\ncdi_spec_dirs = ["/nope"]\n')
    elsewhere = argosy_both.run("create", *flags, busybox, check=125, env={"CONTAINERS_CONF": empty})
    assert elsewhere.stderr.endswith("their files are looked for in /nope\n")
    words = ["run", "--rm", "--network=none", busybox, "sh", "-c", "echo $VENDOR"]
    assert argosy_both.run("--runtime", runtime, *words, env={"CONTAINERS_CONF": conf}).stdout == "yes\n"
    refused = argosy_both.run("create", "--device", f"{vendor}=other", busybox, check=125)
    assert f"setting up CDI devices: unresolvable CDI devices {vendor}=other" in refused.stderr


REFUSED: list[tuple[list[str], str]] = [
    (["--memory-swap=10m"], "you should always set a memory limit when using a memoryswap limit, see usage"),
    (["--cpus=1", "--cpu-quota=1000"], "--cpu-quota and --cpus cannot be set together"),
    (["--cpu-period=10"], "CPU cfs period cannot be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"),
    (["--cgroups=x"], 'running container create option: invalid cgroup mode "x": invalid argument'),
    (["--cgroups=disabled", "--memory=10m"], "cannot apply --memory: with --cgroups=disabled"),
    (
        ["--cgroups=disabled", "--cgroup-parent=/x"],
        "cannot set cgroup parent if not creating cgroups: invalid argument",
    ),
    (["--device=/nope"], "stat /nope: no such file or directory"),
    (["--device=/etc/passwd"], "/etc/passwd is not a valid device: not a device node"),
    (["--device=no.such/class=x"], "setting up CDI devices: unresolvable CDI devices no.such/class=x"),
    (["--gpus=77"], "setting up CDI devices: unresolvable CDI devices nvidia.com/gpu=77"),
    (
        ["--pid=container:nope"],
        'looking up container to share pid namespace with: no container with name or ID "nope" found: no such',
    ),
    (["--ipc=ns:/nope"], "cannot find specified IPC namespace path: stat /nope: no such file or directory"),
    (["--uts=ns:/proc/self/ns/net"], "/proc/self/ns/net is no UTS namespace"),
    (["--network=none", "--dns=1.1.1.1"], "conflicting options: dns and the network mode: none"),
    (["--no-hosts", "--add-host=a:1.2.3.4"], "--no-hosts and --add-host cannot be set together"),
    (["--ulimit=nofile=10:5"], "ulimit soft limit must be less than or equal to hard limit: 10 > 5"),
    (["--sysctl=vm.swappiness=1"], "sysctl 'vm.swappiness' is not allowed"),
    (["--oom-score-adj=1001"], "invalid value: 1001"),
]


def test_nothing_is_created_for_what_cannot_be(argosy_both: Program, busybox: str) -> None:
    for flags, message in REFUSED:
        refused = argosy_both.run("create", *flags, busybox, check=125)
        assert message in refused.stderr
    assert argosy_both.run("ps", "-aq").stdout == ""


def test_what_a_rootless_container_cannot_limit(argosy_user: Program, busybox: str) -> None:
    refused = argosy_user.run("create", "--device-cgroup-rule=c 1:3 r", busybox, check=125)
    assert "cannot apply --device-cgroup-rule" in refused.stderr
    if not os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        for flag in ("--memory=64m", "--cpus=1", "--pids-limit=9", "--cpuset-cpus=0", "--cpu-shares=9"):
            refused = argosy_user.run("create", flag, busybox, check=125)
            assert f"cannot apply {flag.partition('=')[0]}: control groups of version 1" in refused.stderr
    refused = argosy_user.run("create", "--oom-score-adj=-1000", busybox, check=125)
    assert "cannot set --oom-score-adj to -1000" in refused.stderr
