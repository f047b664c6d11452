"""`update` of limits and restart policy, `container clone`, `container runlabel`."""

from __future__ import annotations

import pytest

from tests.rig import host
from tests.rig.program import Program

_LIMITS = (
    "{{.HostConfig.Memory}} {{.HostConfig.CpuShares}} {{.HostConfig.PidsLimit}} {{.HostConfig.RestartPolicy.Name}}"
)


@pytest.fixture(scope="module")
def program(shared_program: Program) -> Program:
    shared_program.busybox()
    return shared_program


@host.needs_root
@pytest.mark.parametrize("runtime", ["crun", "runc"])
def test_limits_change_at_once_and_stay(program: Program, runtime: str) -> None:
    run = ("--runtime", runtime, "run", "-d", "--name", "c", "--network", "none", "-m", "64m", "busybox")
    program.run(*run, "sleep", "600")
    change = ("--memory", "128m", "--cpu-shares", "512", "--pids-limit", "77", "--restart", "on-failure:3")
    container_id = program.run("update", *change, "c").stdout.strip()
    assert program.run("inspect", "c", "--format", _LIMITS).lines == ["134217728 512 77 on-failure"]
    assert program.run("stats", "--no-stream", "--format", "{{.MemLimit}}", "c").lines == ["134217728"]
    assert program.run("ps", "-q", "--no-trunc", "--filter", "restart-policy=on-failure").lines == [container_id]
    program.run("restart", "-t", "0", "c")
    assert program.run("stats", "--no-stream", "--format", "{{.MemLimit}}", "c").lines == ["134217728"]
    assert program.run("update", "--restart", "no", "c", name="docker").lines == ["c"]
    program.run("rm", "--force", "--time", "0", "c")


def test_what_is_refused(program: Program) -> None:
    program.run("create", "--name", "refused", "--network", "none", "busybox", "true")
    for words, message in (
        ((), "nothing is to be changed"),
        (("--memory", "xx"), "invalid size: 'xx'"),
        (("--restart", "bogus"), '"bogus" is not a valid restart policy'),
        (("--cpus", "1", "--cpu-quota", "5"), "--cpu-quota and --cpus cannot be set together"),
    ):
        assert message in program.run("update", *words, "refused", check=125).stderr
    assert 'no container with name or ID "nosuch"' in program.run("update", "-m", "1g", "nosuch", check=125).stderr
    program.run("rm", "refused")


def test_clone(program: Program) -> None:
    program.run("create", "--name", "s", "--label", "a=b", "-v", "v:/v", "--network", "none", "busybox", "sleep", "600")
    made = program.run("container", "clone", "s").stdout.strip()
    program.run("container", "clone", "s-clone")
    program.run("container", "clone", "--run", "s", "named")
    shown = program.run("ps", "-a", "--sort", "names", "--format", "{{.Names}} {{.Labels}} {{.Mounts}} {{.Command}}")
    names = ("named", "s", "s-clone", "s-clone1")
    assert shown.lines == [f"{name} map[a:b] [/v] sleep 600" for name in names]
    assert program.run("ps", "--format", "{{.Names}}").lines == ["named"]
    assert program.run("inspect", "s-clone", "--format", "{{.ID}}").stdout.strip() == made
    program.run("container", "clone", "--destroy", "s", "other")
    program.run("container", "exists", "s", check=1)
    for words, message in (
        (("s-clone", "named"), 'the container name "named" is already in use'),
        (("--force", "named"), "cannot set --force without --destroy: invalid argument"),
        (("--destroy", "named"), "cannot remove container"),
        (("nosuch",), 'no container with name or ID "nosuch" found: no such container'),
    ):
        assert message in program.run("container", "clone", *words, check=False).stderr
    program.run("rm", "--all", "--force", "--time", "0")


_DOCKERFILE = """FROM busybox
LABEL run="podman run -d --name NAME --network none IMAGE sleep 600" install="/usr/bin/env echo hi IMAGE $HOME"
LABEL bad="nosuchprogram x" fails=false
"""


def test_runlabel(program: Program) -> None:
    program.run("build", "-q", "-t", "lab", "-", input=_DOCKERFILE)
    runlabel = ("container", "runlabel")
    assert program.run(*runlabel, "--display", "--name", "zz", "run", "lab", "a").lines == [
        "command: argosy run -d --name zz --network none localhost/lab:latest sleep 600 a"
    ]
    assert program.run(*runlabel, "install", "lab", "x", "-y").lines == ["hi localhost/lab:latest x -y"]
    first = program.run(*runlabel, "run", "lab").stdout.strip()
    assert program.run("ps", "-q", "--no-trunc", "--filter", "name=lab").lines == [first]
    assert program.run(*runlabel, "--replace", "run", "lab").stdout.strip() != first
    for label, message in (
        ("none", "cannot find the value of label: none in image: lab"),
        ("bad", 'failed: exec: "nosuchprogram": executable file not found in $PATH'),
        ("fails", "`false` failed: exit status 1"),
    ):
        assert message in program.run(*runlabel, label, "lab", check=125).stderr
    program.run("rm", "--all", "--force", "--time", "0")


def test_conditions(program: Program) -> None:
    program.run("create", "--name", "w", "--network", "none", "busybox", "true")
    assert program.run("wait", "--condition", "configured", "w").lines == ["-1"]
    program.run("start", "--attach", "w")
    assert program.run("wait", "--condition", "running,stopped", "w").lines == ["0"]
    assert (
        "unknown container state: foo: invalid argument"
        in program.run("wait", "--condition", "foo", "w", check=125).stderr
    )
    program.run("rm", "w")
