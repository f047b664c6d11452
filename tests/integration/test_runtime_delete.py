"""Taking a container down without the runtime's `delete`: when, and that the runtime does not notice."""

from __future__ import annotations

import glob
import os
import shutil

import pytest

from tests.rig import host
from tests.rig.program import Program

WRAPPER = """#!/bin/sh
echo "$@" >>{log}
exec {runtime} "$@"
"""
RUNTIMES = [
    pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed"))
    for name in ("crun", "runc")
]
NO_NETWORK = ("--network", "none")


def groups_of(container: str) -> list[str]:
    return [
        path
        for depth in ("*", "*/*", "*/*/*", "*/*/*/*")
        for path in glob.glob(f"/sys/fs/cgroup/{depth}")
        if container in path and os.path.isdir(path)
    ]


@host.needs_root
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_an_ended_container_is_taken_down_without_the_runtime(argosy: Program, busybox: str, runtime: str) -> None:
    log = f"{argosy.files}/{runtime}.log"
    wrapper = argosy.write(runtime, WRAPPER.format(log=log, runtime=shutil.which(runtime)), 0o755)
    argosy.flags += ["--runtime", wrapper, "--cgroup-manager", "cgroupfs"]
    probed = argosy.run("run", "--rm", *NO_NETWORK, busybox, "true", check=False)
    if probed.returncode:
        pytest.skip(f"{runtime} does not work on this host: {probed.stderr}")

    container = argosy.run("create", *NO_NETWORK, "--pid", "host", busybox, "sh", "-c", "sleep 1000 & exit 3").stdout
    container = container.strip()
    for _ in range(2):  # the second time the same id is created again
        argosy.run("start", "--attach", container, check=3)
        argosy.run("container", "cleanup", container)
        assert groups_of(container) == []
        assert container not in argosy.call(wrapper, "--root", f"{argosy.runroot}/runtime", "list").stdout
    with open(log, encoding="utf-8") as file:
        assert not [line for line in file if " delete " in line]

    argosy.run("run", *NO_NETWORK, "--name", "stuck", busybox, "/no/such", check=127)
    argosy.run("rm", "-f", container, "stuck")


@host.needs_root
def test_another_runtime_deletes_itself(argosy: Program, busybox: str) -> None:
    runtime = shutil.which("crun") or shutil.which("runc")
    log = f"{argosy.files}/other.log"
    wrapper = argosy.write("other", WRAPPER.format(log=log, runtime=runtime), 0o755)
    argosy.flags += ["--runtime", wrapper]
    argosy.run("run", "--rm", *NO_NETWORK, busybox, "true", check=False)
    with open(log, encoding="utf-8") as file:
        assert [line for line in file if " delete " in line]

    argosy.run("run", "-d", *NO_NETWORK, "--name", "orphan", busybox, "sleep", "1000")
    os.unlink(wrapper)
    argosy.flags = argosy.flags[:-2]
    argosy.run("rm", "-f", "-t", "0", "orphan")
    assert argosy.run("ps", "-aq").stdout == ""
