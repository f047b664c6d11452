"""`docker info`: the facts of `info` under docker's names and in docker's layout."""

from __future__ import annotations

import os

from argosy.cli.podman import _info_document
from argosy.version import SPOKEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from argosy.cli.output import Output
    from argosy.engine import Engine


def show(engine: Engine, format_: str | None, out: Output) -> int:
    """Show the facts as text, as JSON, or through a template."""
    from argosy.cli import documents, templates

    document = _document(engine)
    if format_ is None:
        for line in _lines(document):
            out.line(line)
    elif templates.is_json(format_):
        out.line(documents.compact(document))
    else:
        templates.render(out, format_, [templates.with_maps(document)], name="", type_name="system.dockerInfo")
    return 0


def _document(engine: Engine) -> dict[str, Any]:
    found = _info_document.document(engine, "docker")
    host, store = found["host"], found["store"]
    containers, runtime = store["containerStore"], host["ociRuntime"]
    controllers = set(host["cgroupControllers"])
    return {
        "ID": "",
        "Containers": containers["number"],
        "ContainersRunning": containers["running"],
        "ContainersPaused": containers["paused"],
        "ContainersStopped": containers["stopped"],
        "Images": store["imageStore"]["number"],
        "Driver": store["graphDriverName"],
        "DriverStatus": [list(pair) for pair in store["graphStatus"].items()],
        "Plugins": {
            "Volume": found["plugins"]["volume"],
            "Network": found["plugins"]["network"],
            "Authorization": None,
            "Log": found["plugins"]["log"],
        },
        "MemoryLimit": "memory" in controllers,
        "SwapLimit": "memory" in controllers,
        "CpuCfsPeriod": "cpu" in controllers,
        "CpuCfsQuota": "cpu" in controllers,
        "CPUShares": "cpu" in controllers,
        "CPUSet": "cpuset" in controllers,
        "PidsLimit": "pids" in controllers,
        "Debug": False,
        "LoggingDriver": host["logDriver"],
        "CgroupDriver": "systemd" if host["cgroupManager"] == "systemd" else "cgroupfs",
        "CgroupVersion": host["cgroupVersion"].removeprefix("v"),
        "KernelVersion": host["kernel"],
        "OperatingSystem": _operating_system(),
        "OSVersion": host["distribution"]["version"],
        "OSType": "linux",
        "Architecture": os.uname().machine,
        "IndexServerAddress": "https://index.docker.io/v1/",
        "NCPU": host["cpus"],
        "MemTotal": host["memTotal"],
        "DockerRootDir": store["graphRoot"],
        "HttpProxy": os.environ.get("HTTP_PROXY", ""),
        "HttpsProxy": os.environ.get("HTTPS_PROXY", ""),
        "NoProxy": os.environ.get("NO_PROXY", ""),
        "Name": host["hostname"],
        "Labels": [],
        "ExperimentalBuild": False,
        "ServerVersion": SPOKEN["docker"],
        "Runtimes": {runtime["name"]: {"path": runtime["path"]}},
        "DefaultRuntime": runtime["name"],
        "Swarm": {"LocalNodeState": "inactive"},
        "LiveRestoreEnabled": True,
        "SecurityOptions": _security(host["security"], host["cgroupVersion"]),
        "Warnings": None,
        "ClientInfo": {"Debug": False, "Context": "default", "Plugins": [], "Warnings": None},
    }


def _operating_system() -> str:
    from argosy.linux import host

    return host.release().get("PRETTY_NAME", "linux")


def _security(security: dict[str, Any], cgroup_version: str) -> list[str]:
    found = ["name=apparmor"] if security["apparmorEnabled"] else []
    if security["seccompEnabled"]:
        found.append(f"name=seccomp,profile={security['seccompProfilePath'] or 'builtin'}")
    if security["selinuxEnabled"]:
        found.append("name=selinux")
    if security["rootless"]:
        found.append("name=rootless")
    return [*found, "name=cgroupns"] if cgroup_version == "v2" else found


def _lines(info: dict[str, Any]) -> Iterator[str]:
    """The layout that scripts search for lines such as ` Storage Driver: overlay`."""
    from argosy import human

    yield f"Client:\n Version:    {info['ServerVersion']}"
    yield f" Context:    {info['ClientInfo']['Context']}\n Debug Mode: false\n"
    yield "Server:"
    yield f" Containers: {info['Containers']}"
    for state in ("Running", "Paused", "Stopped"):
        yield f"  {state}: {info[f'Containers{state}']}"
    yield f" Images: {info['Images']}"
    yield f" Server Version: {info['ServerVersion']}"
    yield f" Storage Driver: {info['Driver']}"
    for name, value in info["DriverStatus"]:
        yield f"  {name}: {value}"
    yield f" Logging Driver: {info['LoggingDriver']}"
    yield f" Cgroup Driver: {info['CgroupDriver']}"
    yield f" Cgroup Version: {info['CgroupVersion']}"
    yield " Plugins:"
    for kind in ("Volume", "Network", "Log"):
        yield f"  {kind}: {' '.join(info['Plugins'][kind])}".rstrip()
    yield f" Swarm: {info['Swarm']['LocalNodeState']}"
    yield f" Runtimes: {' '.join(info['Runtimes'])}"
    yield f" Default Runtime: {info['DefaultRuntime']}"
    yield " Security Options:"
    for option in info["SecurityOptions"]:
        name, _, profile = option.removeprefix("name=").partition(",profile=")
        yield f"  {name}" + (f"\n   Profile: {profile}" if profile else "")
    for label, key in (
        ("Kernel Version", "KernelVersion"),
        ("Operating System", "OperatingSystem"),
        ("OSType", "OSType"),
        ("Architecture", "Architecture"),
        ("CPUs", "NCPU"),
    ):
        yield f" {label}: {info[key]}"
    yield f" Total Memory: {human.binary_size(info['MemTotal'])}"
    yield f" Name: {info['Name']}"
    yield f" Docker Root Dir: {info['DockerRootDir']}"
    yield " Debug Mode: false\n Experimental: false\n Live Restore Enabled: true"
