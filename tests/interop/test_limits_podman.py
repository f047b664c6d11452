"""Limits, namespaces, devices and names: podman's messages for bad values, and its document of an equal container."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import pytest

from tests.interop.peer import Podman, inspected, podman, side_by_side
from tests.rig import host, images
from tests.rig.program import Program

__all__ = ["podman"]
pytestmark = [host.needs_root, host.needs_podman_4()]

# Refused by both, with the same first line and the same status.
REFUSED = """
--memory 10x
--memory-reservation 10x
-m 4m --memory-swap 2m
--memory-swap 10m
--memory-swap x
-m 10m --memory-reservation 20m
--memory-swappiness 101
--cpus 1 --cpu-quota 1000
--cpus 1 --cpu-period 1000
--cpu-period 10
--cpu-quota 10
--cpu-shares -1
--cpuset-cpus x
--cpuset-cpus 0-9999
--cpuset-mems 99
--blkio-weight x
--blkio-weight-device /dev/null
--blkio-weight-device /dev/null:x
--blkio-weight-device null:100
--blkio-weight-device /dev/null:5
--device-read-bps /dev/null
--device-read-bps null:1
--device-read-bps /dev/null:x
--device-write-bps /dev/nope:1
--device-read-iops /dev/null:1mb
--device-write-iops /dev/null:-1
--device-cgroup-rule 'x 1:3 rwm'
--device-cgroup-rule 'c 1:3 q'
--device-cgroup-rule 'c a:3 r'
--device-cgroup-rule 'c 1:3'
--pids-limit x
--oom-score-adj x
--cgroups x
--cgroups disabled --cgroup-parent /x
--cgroups split --cgroup-parent /x
--cgroup-conf x
--cgroupns x
--cgroupns container:nope
--cgroupns ns:/nope
--pid x
--pid container:
--pid container:nope
--pid ns:
--pid ns:/nope
--pid pod
--pid none
--ipc x
--ipc container:nope
--ipc container:private
--ipc ns:/nope
--uts shareable
--uts container:nope
--uts ns:/nope
--hostname x --uts host
--hostname x --uts container:private
--sysctl x
--sysctl x=1
--sysctl vm.swappiness=1
--sysctl kernel.domainname=x
--sysctl 'net.ipv4.ip_forward= 1'
--sysctl net.ipv4.ip_forward=1 --network host
--sysctl fs.mqueue.msg_max=5 --ipc host
--device /nope
--device /dev/null:x
--device /dev/null:/dev/x:q
--device /dev/null:/a:/b:r
--device /dev/null:rr
--device null
--device /etc/passwd
--ulimit x
--ulimit nofile
--ulimit nofile=x
--ulimit nofile=10:5
--ulimit nofile=-1:5
--ulimit nofile=1:2:3
--ulimit nofile=
--ulimit bad=1
--ulimit RLIMIT_NOFILE=5
--add-host x
--add-host x:bad
--add-host :1.2.3.4
--add-host x:
--no-hosts --add-host a:1.2.3.4
--add-host x:1.2.3.4 --network container:private
--dns x
--dns none --dns 1.1.1.1
--dns 1.1.1.1
--dns-option x
--dns-search x
--dns 1.1.1.1 --network container:private
--dns none --dns-search x --network host
--dns none --dns-option x --network host
--dns-search 'a b'
--dns-search x..y
--dns-search -x
"""

# Made by both, with the same words of `HostConfig`.
MADE = """
-m 64m
-m 64m --memory-swap -1
-m 64m --memory-swap 80m --memory-reservation 32m --memory-swappiness 10 --oom-kill-disable
--memory-reservation 32m
--cpus 0.5
--cpu-period 50000 --cpu-quota 20000 --cpu-shares 512 --cpuset-cpus 0 --cpuset-mems 0
--cpu-rt-period 100000 --cpu-rt-runtime 1000
--device-read-bps /dev/null:1mb --device-write-bps /dev/zero:2 --device-read-iops /dev/null:7
--device-write-iops /dev/null:7 --device-write-iops /dev/zero:8
--pids-limit 33 --oom-score-adj 100
--pids-limit 0
--cgroups disabled
--cgroups no-conmon
--cgroup-parent /some/where
--cgroupns private
--cgroupns host
--pid host --uts host --ipc host
--pid private --uts private --ipc private
--add-host a:1.2.3.4 --add-host b:::1
--network host --dns 9.9.9.9 --dns-option ndots:3 --dns-search foo.bar
"""

KEYS = (
    *("CpuShares", "Memory", "NanoCpus", "CgroupParent", "BlkioDeviceReadBps", "BlkioDeviceWriteBps"),
    *("BlkioDeviceReadIOps", "BlkioDeviceWriteIOps", "CpuPeriod", "CpuQuota", "CpuRealtimePeriod", "KernelMemory"),
    *("CpuRealtimeRuntime", "CpusetCpus", "CpusetMems", "MemoryReservation", "MemorySwap", "MemorySwappiness"),
    *("OomKillDisable", "PidsLimit", "OomScoreAdj", "Cgroups", "CgroupMode", "CgroupConf", "Cgroup"),
    *("PidMode", "UTSMode", "ExtraHosts", "Dns", "DnsOptions", "DnsSearch"),
)  # not IpcMode: podman 4.3 says "shareable" for every one


def lines(text: str) -> list[list[str]]:
    return [shlex.split(line) for line in text.strip().splitlines()]


@pytest.fixture
def both(argosy: Program, podman: Podman) -> tuple[Program, Podman]:
    for run in (argosy.run, podman.run):
        run("import", images.busybox_archive(), "busybox:latest")
        run("create", "--name", "private", "--network", "none", "--ipc", "private", "busybox", "true")
    return argosy, podman


def create(*flags: str) -> list[str]:
    network = () if "--network" in flags else ("--network", "none")
    return ["create", *network, *flags, "busybox", "true"]


def message(text: str, ids: list[str]) -> str:
    """The first line, without the ids of the stores."""
    first = (text.splitlines() or [""])[0]
    for container_id in ids:
        first = first.replace(container_id, "ID")
    return first


def test_messages(both: tuple[Program, Podman]) -> None:
    argosy, podman = both
    ids = [run("inspect", "--format", "{{.Id}}", "private").stdout.strip() for run in (argosy.run, podman.run)]

    def refused(run: Callable[..., Any]) -> list[tuple[list[str], int, str]]:
        done = [(flags, run(*create(*flags), check=False)) for flags in lines(REFUSED)]
        return [(flags, one.returncode, message(one.stderr, ids)) for flags, one in done]

    ours, theirs = side_by_side(lambda: refused(argosy.run), lambda: refused(podman.run))
    assert ours == theirs
    assert argosy.run("ps", "-a", "--format", "{{.Names}}").lines == ["private"]


def _ordered(value: Any) -> Any:
    """Limits of several devices in one order: podman shows them in that of a Go map, another one each time."""
    if isinstance(value, list) and all(isinstance(item, dict) and "Path" in item for item in value):
        return sorted(value, key=lambda item: str(item["Path"]))
    return value


def test_documents(both: tuple[Program, Podman]) -> None:
    argosy, podman = both

    def documents(run: Callable[..., Any]) -> list[tuple[list[str], dict[str, Any]]]:
        told = [document["HostConfig"] for document in inspected(run, (create(*flags) for flags in lines(MADE)))]
        kept = [{key: _ordered(config[key]) for key in KEYS} for config in told]
        return list(zip(lines(MADE), kept, strict=True))

    ours, theirs = side_by_side(lambda: documents(argosy.run), lambda: documents(podman.run))
    assert ours == theirs


# Run by both, with the same /etc/hosts and /etc/resolv.conf inside.
NAMED = """
--network host
--network host --add-host foo:1.2.3.4 --add-host six:fd00::1 --hostname hh
--network slirp4netns --hostname hh --dns-search .
--network slirp4netns --add-host hh:1.2.3.4 --hostname hh --dns 9.9.9.9 --dns-search foo.bar --dns-option ndots:3
--network host --no-hosts --dns none
--network none --hostname hh
"""


def test_names(both: tuple[Program, Podman]) -> None:
    """Newer podman's second name of the host left out, and the host where nobody reaches it (--network none)."""
    argosy, podman = both
    limits = ["--ulimit", "nofile=99:99", "--ulimit", "nproc=999:999"]  # podman's default may be above ours
    script = "cat /etc/hosts; echo ---; cat /etc/resolv.conf"
    command = ["busybox", "sh", "-c", f"({script}) 2>/dev/null; true"]

    def seen(run: Callable[..., Any]) -> list[tuple[list[str], list[str]]]:
        found = []
        for flags in lines(NAMED):
            text = run("run", "--rm", "--name", "it", *limits, *flags, *command).stdout
            shown = text.replace(" host.docker.internal", "").splitlines()
            kept = [line for line in shown if "none" not in flags or "host.containers.internal" not in line]
            found.append((flags, kept))
        return found

    ours, theirs = side_by_side(lambda: seen(argosy.run), lambda: seen(podman.run))
    assert ours == theirs
