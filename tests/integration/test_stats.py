"""`stats`: what containers use, in podman's and docker's forms."""

from __future__ import annotations

import subprocess

import pytest

from tests.rig import host
from tests.rig.program import Program, finish


@host.needs_root
def test_forms(argosy: Program, busybox: str) -> None:
    argosy.run(
        "run", "-d", "--name", "busy", "-m", "64m", "--network", "none", busybox, "sh", "-c", "while :; do :; done"
    )
    argosy.run("create", "--name", "idle", "--network", "none", busybox, "true")
    whole = argosy.run("inspect", "busy", "--format", "{{.ID}}").stdout.strip()
    (row,) = argosy.run("stats", "--no-stream", "--format", "json").json()
    assert list(row) == [
        *("id", "name", "cpu_time", "cpu_percent", "avg_cpu", "mem_usage", "mem_percent", "net_io", "block_io", "pids")
    ]
    assert (row["id"], row["name"], row["pids"], row["net_io"]) == (whole[:12], "busy", "1", "0B / 0B")
    assert row["mem_usage"].endswith(" / 67.11MB")
    assert row["cpu_time"] != "0s"
    heading, line = argosy.run("stats", "--no-stream", "busy").lines
    assert heading.split("  ")[0] == "ID"
    assert line.split()[:2] == [whole[:12], "busy"]
    form = "{{.ContainerID}} {{.Name}} {{.PIDs}} {{.MemLimit}}"
    assert argosy.run("stats", "-a", "--no-stream", "--format", form).lines == [
        f"{argosy.run('inspect', 'idle', '--format', '{{.ID}}').stdout.strip()} idle 0 0",
        f"{whole} busy 1 {64 << 20}",
    ]
    (docker,) = argosy.run("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", "busy", name="docker").lines
    assert docker.startswith("busy ")
    assert docker.endswith(" / 64MiB")
    stream = argosy.start("stats", "-i", "1", "--format", "{{.Name}}", stdout=subprocess.PIPE)
    assert stream.stdout is not None
    assert [stream.stdout.readline() for _ in range(2)] == [b"\x1b[2J\x1b[Hbusy\n"] * 2
    stream.terminate()
    finish(stream, check=False)
    argosy.run("rm", "--all", "--force", "--time", "0")


REFUSED = {
    ("--interval", "0"): "invalid interval, must be a positive number greater zero",
    ("-a", "x"): "--all, --latest and containers cannot be used together",
    ("nosuch",): "unable to get list of containers: unable to look up container nosuch: no container with name or ID",
}


@host.needs_root
@pytest.mark.parametrize("words", REFUSED)
def test_what_is_refused(argosy: Program, words: tuple[str, ...]) -> None:
    assert REFUSED[words] in argosy.run("stats", "--no-stream", *words, check=125).stderr
