"""What podman's `inspect` and `ps --format json` say of the same container, field by field.

Fields, their order and their values are podman's; where ours differ, the reason is here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.interop.peer import Podman
from tests.rig import host, images
from tests.rig.program import Program

pytestmark = [host.needs_root, host.needs_program("podman")]

# Fields whose values differ.
DIFFERENT = {
    "Config.CreateCommand": "each has its own command line",
    "Id": "each has its own",
    "Created": "made at another moment",
    "State.OciVersion": "crun and runc of Debian 12 speak 1.0.2, podman writes 1.0.2-dev",
    "State.Pid": "another process",
    "State.ConmonPid": "another process",
    "State.StartedAt": "started at another moment",
    "State.FinishedAt": "ended at another moment",
    "State.CgroupPath": "podman's own group is /libpod_parent",
    "Image": "imported at another moment",
    "ImageDigest": "podman writes a manifest of its own when it imports an archive",
    "ResolvConfPath": "another store",
    "HostnamePath": "another store; ours goes with the run",
    "HostsPath": "another store; ours goes with the run",
    "StaticDir": "another store",
    "OCIConfigPath": "another store; ours goes with the run",
    "OCIRuntime": "podman takes what it is compiled for, we what works on this host",
    "ConmonPidFile": "another store",
    "PidFile": "another store",
    "GraphDriver.Data.LowerDir": "another store",
    "GraphDriver.Data.MergedDir": "another store",
    "GraphDriver.Data.UpperDir": "another store",
    "GraphDriver.Data.WorkDir": "another store",
    "Config.Annotations": "the annotations with which podman and its relatives talk to each other are not ours",
    "HostConfig.LogConfig.Path": "another store",
    "HostConfig.Ulimits": "an order of its own, and podman forgets containers.conf when one --ulimit is given",
    "HostConfig.Devices": "podman does not say what the container may do with a device",
    "HostConfig.ShmSize": "podman reads 65536k as 65,536,000 bytes",
    "HostConfig.IpcMode": "podman says shareable where the ipc namespace is the host's",
    "SizeRootFs": "podman counts a layer by what is in its archive",
    "SizeRw": "podman counts its own empty files in /etc and /run",
}
CASES: list[list[str]] = [
    [],
    ["--init"],
    ["-u", "1000"],
    ["-u", "1000:5", "--cap-add", "sys_admin"],
    ["--cap-add", "net_raw", "--cap-drop", "kill"],
    ["--privileged"],
    ["--cpus", "1.5", "--pids-limit", "7", "--memory", "64m"],
    ["--ulimit", "nofile=100:200", "--ulimit", "core=0"],
    ["--restart", "on-failure:3"],
    ["--security-opt", "no-new-privileges", "--security-opt", "seccomp=unconfined"],
    ["--device", "/dev/zero:/dev/zz:r"],
    ["--network", "host"],
    ["--network", "container:first"],
    ["-it", "--hostname", "foo", "-w", "/tmp", "--stop-signal", "INT", "--stop-timeout", "3"],
    ["--read-only", "--shm-size", "1m", "--rm"],
    ["-v", "/tmp:/a:rslave,nosuid", "-v", "data:/d:ro", "--tmpfs", "/t:size=1m", "--mount", "type=tmpfs,dst=/q"],
    ["--entrypoint", '["sh","-c"]'],
    ["-e", "A=B", "-e", "PATH=/bin", "--label", "x=y"],
    ["--timeout", "50", "--tz", "Asia/Tokyo", "--umask", "77", "--sdnotify", "ignore", "--chrootdirs", "/x,/y"],
    ["--systemd", "always", "--group-add", "5,7", "--log-opt", "max-size=10k"],
]


@pytest.fixture(scope="module")
def podman() -> Iterator[Podman]:
    """podman with a busybox image and a container to join, in a store and a run directory of its own."""
    directory = tempfile.mkdtemp(prefix="argosy-podman.")
    peer = _Podman(directory)
    if peer.major != 4:
        shutil.rmtree(directory)
        pytest.skip("the document is podman 4's; other versions have other fields")
    peer.run("import", images.busybox_archive(), "busybox:latest")
    peer.run("create", "--name", "first", "--network", "none", "busybox", "true")
    yield peer
    peer.run("rm", "--all", "--force", "--time", "0", check=False)
    peer.run("volume", "rm", "--all", "--force", check=False)
    peer.run("rmi", "--all", "--force", check=False)
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        mounts = [line.split()[4] for line in table if line.split()[4].startswith(directory)]
    for place in reversed(mounts):
        subprocess.run(["umount", "-l", place], check=False)
    shutil.rmtree(directory, ignore_errors=True)
    assert not os.path.exists(directory)


class _Podman(Podman):
    def run(self, *arguments: str, check: bool = True, input: bytes = b"") -> subprocess.CompletedProcess[str]:
        return super().run("--tmpdir", f"{self.directory}/tmp", *arguments, check=check, input=input)


@pytest.fixture
def pair(argosy: Program, busybox: str, podman: Podman) -> Iterator[Pair]:
    made = Pair(argosy, podman)
    yield made
    podman.run("rm", "-f", "-t", "0", "it", check=False)


class Pair:
    """The same container twice, called `it`."""

    def __init__(self, argosy: Program, podman: Podman) -> None:
        self.argosy = argosy
        self.podman = podman

    def run(self, *arguments: str) -> None:
        self.argosy.run(*arguments)
        self.podman.run(*arguments)

    def json(self, *arguments: str) -> tuple[Any, Any]:
        """What both say, theirs first."""
        import json

        return json.loads(self.podman.run(*arguments).stdout), self.argosy.run(*arguments).json()

    def inspect(self, *flags: str) -> tuple[dict[str, Any], dict[str, Any]]:
        (theirs,), (ours,) = self.json("inspect", *flags, "it")
        return theirs, ours


def differences(theirs: Any, ours: Any, ids: tuple[str, str], path: str = "") -> list[str]:
    """Where the documents differ, but for what has a reason."""
    if path in DIFFERENT:
        return []
    if isinstance(theirs, dict) and isinstance(ours, dict):
        wanted = list(theirs)
        if path not in ("HostConfig.Tmpfs", "Config.Labels") and wanted != list(ours):
            return [f"{path}: fields {wanted} are here {list(ours)}"]
        return [
            text for key in wanted for text in differences(theirs[key], ours.get(key), ids, f"{path}.{key}".lstrip("."))
        ]
    if path == "Config.Env":
        theirs, ours = _environment(theirs), _environment(ours)
    if _plain(theirs, ids[0]) != _plain(ours, ids[1]):
        return [f"{path}: {theirs!r} is here {ours!r}"]
    return []


def _environment(entries: list[str]) -> list[str]:
    """In one order, and without what podman adds at the first start: HOME (for users it knows) and HOSTNAME.

    container_uuid, of containers with systemd, is a part of the container's id.
    """
    found = [entry for entry in entries if not entry.startswith(("HOME=", "HOSTNAME="))]
    return sorted("container_uuid" if entry.startswith("container_uuid=") else entry for entry in found)


def _plain(value: Any, container_id: str) -> Any:
    """`value` without the container's own id."""
    if isinstance(value, str):
        return value.replace(container_id, "ID").replace(container_id[:12], "ID")
    if isinstance(value, list):
        return [_plain(item, container_id) for item in value]
    return {key: _plain(item, container_id) for key, item in value.items()} if isinstance(value, dict) else value


def without_places(document: dict[str, Any]) -> dict[str, Any]:
    """Mounts without the stores' own directories; joined containers without their ids."""
    for mount in document["Mounts"]:
        if mount["Type"] == "volume":
            assert mount["Source"].endswith(f"/volumes/{mount['Name']}/_data")
            mount["Source"] = "VOLUME"
    mode = document["HostConfig"]["NetworkMode"]
    if mode.startswith("container:"):
        assert [mode.partition(":")[2]] == document["Dependencies"]
        document["HostConfig"]["NetworkMode"], document["Dependencies"] = "container", ["ID"]
    return document


def compare(theirs: dict[str, Any], ours: dict[str, Any]) -> str:
    return "\n".join(differences(without_places(theirs), without_places(ours), (theirs["Id"], ours["Id"])))


@pytest.mark.parametrize("flags", CASES, ids=" ".join)
def test_created(pair: Pair, flags: list[str]) -> None:
    if "container:first" in flags:
        pair.argosy.run("create", "--name", "first", "--network", "none", "busybox", "true")
    network = [] if "--network" in flags else ["--network", "none"]
    pair.run("create", "--name", "it", *network, *flags, "busybox", "sleep", "1000")
    theirs, ours = pair.inspect()
    assert compare(theirs, ours) == ""


# With --ulimit podman wants more processes than this process may have; there is nothing to join that runs.
RUNNING = [case for case in CASES if "container:first" not in case and "--ulimit" not in case]


@pytest.mark.parametrize("flags", RUNNING, ids=" ".join)
def test_running(pair: Pair, flags: list[str]) -> None:
    network = [] if "--network" in flags else ["--network", "none"]
    command = ["sleep 1000"] if "--entrypoint" in flags else ["sleep", "1000"]
    pair.run("run", "-d", "--name", "it", *network, *flags, "busybox", *command)
    theirs, ours = pair.inspect()
    assert compare(theirs, ours) == ""
    for place in ("HostnamePath", "HostsPath", "StaticDir", "OCIConfigPath", "ConmonPidFile", "PidFile"):
        assert os.path.exists(ours[place]), place
    assert os.path.isdir(ours["GraphDriver"]["Data"]["MergedDir"])


def test_ended(pair: Pair) -> None:
    for runner in (pair.argosy.run, pair.podman.run):
        runner("run", "--name", "it", "--network", "none", "busybox", "sh", "-c", "exit 3", check=False)
    theirs, ours = pair.inspect("--size")
    ours.setdefault("OCIConfigPath", "gone")
    ordered = {key: ours[key] for key in theirs}
    assert ordered.keys() == ours.keys()
    assert compare(theirs, ordered) == ""


def test_list(pair: Pair) -> None:
    """`ps --format json`: the fields in podman's order, and what does not depend on the moment."""
    pair.run(
        "run", "-d", "--name", "it", "--network", "none", "--label", "x=y", "-v", "data:/d", "busybox", "sleep", "9"
    )
    theirs, ours = (rows[0] for rows in pair.json("ps", "--filter", "name=it", "--format", "json"))
    assert list(ours) == list(theirs)
    changing = ("Id", "ImageID", "Pid", "Created", "CreatedAt", "StartedAt", "Status")
    assert {key: ours[key] for key in ours if key not in changing} == {
        key: theirs[key] for key in theirs if key not in changing
    }


TEMPLATES = (
    "{{.Id}}",
    "{{.Name}} {{.State.Status}} {{.State.Running}} {{.State.ExitCode}} {{.RestartCount}}",
    '{{.Config.Cmd}} {{.Config.Labels}} {{index .Config.Labels "x"}}',
    "{{json .HostConfig.RestartPolicy}} {{.HostConfig.Memory}} {{.HostConfig.Binds}}",
    "{{range .Mounts}}{{.Destination}}={{.RW}};{{end}}",
    "{{.Config.Volumes}} {{json .Config.Volumes}} {{.Config.OnBuild}} {{.HostConfig.LogConfig.Config}}",
    "{{.State.Health}} {{json .State.Health.Log}}",
    "{{.HostConfig.VolumesFrom}} {{json .HostConfig.Links}} {{.HostConfig.CgroupConf}} {{len .HostConfig.Links}}",
    "{{range .HostConfig.BlkioWeightDevice}}x{{else}}none{{end}} {{.GraphDriver.Name}}",
    "{{.State.FinishedAt}} {{json .State.FinishedAt}} {{.HostConfig.Tmpfs}} {{.NetworkSettings.Ports}}",
)


def test_templates(pair: Pair) -> None:
    flags = ("--network", "none", "--label", "x=y", "-v", "/tmp:/a:ro", "--tmpfs", "/t")
    pair.run("create", "--name", "it", *flags, "busybox", "sleep", "9")
    ids = [document["Id"] for document in pair.inspect()]
    for template in TEMPLATES:
        theirs = pair.podman.run("inspect", "--format", template, "it", check=False)
        ours = pair.argosy.run("inspect", "--format", template, "it", check=False)
        expected = theirs.stdout.replace(ids[0], ids[1])
        assert (ours.stdout, ours.returncode == 0) == (expected, theirs.returncode == 0), template


# Fields that JSON leaves out, lists within rows, all rows at once, times: what scripts ask of both programs.
MORE_TEMPLATES = {
    "inspect": (
        "{{range .Mounts}}{{.Type}}|{{.Name}}|{{.Mode}}|{{.RW}}{{end}}",
        "{{.Config.Timezone}}|{{.Config.Healthcheck}}|{{.Config.Secrets}}|{{.Config.Passwd}}|{{.Config.ChrootDirs}}",
        "{{.State.Checkpointed}} {{.State.CheckpointedAt}} {{.State.Restored}} {{.State.RestoredAt.IsZero}}",
        "{{.State.Healthcheck.Status}}|{{.State.FinishedAt.Unix}}|{{.Created.Format `2006`}}",
        "{{range .}}{{.Name}}{{end}}",
        "{{with .HostConfig.Binds}}{{index . 0}}{{else}}none{{end}}",
        "{{range $key, $value := .Config.Labels}}{{$key}}={{printf `%q` $value}};{{end}}{{index .Config.Labels `no`}}",
    ),
    "ps": (
        "{{range .Labels}}{{.}},{{end}}{{range .Mounts}}<{{.}}>{{else}}none{{end}}",
        "x{{ range . }}{{.Names}}{{end}}",
        "{{.IPC}}{{.CGROUPNS}}{{.USERNS}}|{{.Networks}}|{{json .Networks}}|{{.CreatedAt | printf `%T`}}",
    ),
}


def test_templates_of_what_json_leaves_out(pair: Pair) -> None:
    pair.run("create", "--name", "it", "--label", "a=1", "--label", "b.c=2", "-v", "/tmp:/a:ro", "busybox", "true")
    names = {"inspect": ("it",), "ps": ("--all", "--filter", "name=it")}
    for command, texts in MORE_TEMPLATES.items():
        for text in texts:
            words = (command, "--format", text, *names[command])
            assert pair.argosy.run(*words).stdout == pair.podman.run(*words).stdout, text
