"""docker's own daemon, unpacked and not installed, in namespaces of its own: nothing of the host's network or mounts
is touched, and nothing is left but what the fixture removes."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator

import pytest

from tests.rig import host
from tests.rig.images import CHECKOUT

_START_S = 60
_CAP_SYS_ADMIN = 21
_START = (
    "mount --make-rprivate / && mount -t tmpfs tmpfs /run && ip link set lo up && "
    'exec dockerd --data-root "$0/data" --exec-root "$0/run" --pidfile "$0/docker.pid" --config-file "$0/daemon.json" '
    '-H "unix://$0/docker.sock" --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "$1" --oom-score-adjust 0'
)


class DockerEngine:
    """A running daemon, and the environment in which docker's client finds it."""

    def __init__(self, directory: str, path: str) -> None:
        self.environment = {
            "PATH": path,
            "HOME": directory,
            "LANG": "C.UTF-8",
            "DOCKER_HOST": f"unix://{directory}/docker.sock",
        }

    def run(self, *arguments: str, check: bool = True, input: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["docker", *arguments], env=self.environment, check=check, capture_output=True, input=input
        )


def why_not() -> str:
    """What keeps docker's daemon from running here; "" for nothing."""
    if not host.has_capability(_CAP_SYS_ADMIN):
        return "docker's daemon needs root"
    for program in ("docker", "runc", "iptables", "unshare"):
        if host.program(program) is None:
            return f"{program} is not installed"
    return ""


@contextlib.contextmanager
def running() -> Iterator[DockerEngine]:
    """The daemon, until the context ends.  Skips the test where there can be none."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    unpacked = subprocess.run([f"{CHECKOUT}/tools/docker-engine"], check=False, capture_output=True, text=True)
    if unpacked.returncode:
        pytest.skip(f"docker's daemon cannot be had: {unpacked.stderr[-400:]}")
    tree = unpacked.stdout.strip()
    directory = tempfile.mkdtemp(prefix="argosy-docker.")
    engine = DockerEngine(directory, f"{host.SYSTEM_PATH}:{tree}/usr/bin:{tree}/usr/sbin")
    with open(f"{directory}/daemon.json", "w") as file:
        file.write("{}")
    cgroup = f"/{os.path.basename(directory)}"
    with open(f"{directory}/log", "wb") as log:
        daemon = subprocess.Popen(
            ["unshare", "--mount", "--net", "sh", "-c", _START, directory, cgroup],
            env=engine.environment,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    try:
        _wait(engine, daemon, directory)
        yield engine
        containers = engine.run("ps", "-aq").stdout.decode().split()
        if containers:
            engine.run("rm", "-f", *containers)
    finally:
        daemon.terminate()
        daemon.wait(_START_S)
        shutil.rmtree(directory, ignore_errors=True)
        _remove_cgroups(cgroup)


def _wait(engine: DockerEngine, daemon: subprocess.Popen[bytes], directory: str) -> None:
    end = time.monotonic() + _START_S
    while engine.run("version", check=False).returncode:
        if daemon.poll() is not None or time.monotonic() > end:
            with open(f"{directory}/log") as log:
                raise RuntimeError(f"dockerd did not start:\n{log.read()[-4000:]}")
        time.sleep(0.1)


def _remove_cgroups(name: str) -> None:
    """What the daemon has made below each hierarchy, innermost first."""
    for hierarchy in ("", *os.listdir("/sys/fs/cgroup")):
        for place, _, _ in os.walk(f"/sys/fs/cgroup/{hierarchy}{name}", topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(place)
