"""`generate systemd`: units that systemd takes, whose commands do what they say."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig import host
from tests.rig.program import Program

ODD = ('echo "x y\\n"', "", "a b%c$HOME", "-x")


@pytest.fixture(scope="module")
def program(shared_program: Program) -> Iterator[Program]:
    image = shared_program.busybox()
    command = ("--network", "none", "--stop-timeout", "7", "-l", "a=b", "--restart=always", image, "sleep", "1000")
    shared_program.run("create", "--name", "unit-web", *command)
    shared_program.run("create", "--name", "unit-odd", "--rm", "-i", "-e", "X=a b%c$HOME", image, *ODD)
    yield shared_program
    shared_program.run("rm", "-f", "-t", "0", "unit-web", "unit-odd")


def unit(program: Program, *words: str) -> dict[str, list[str]]:
    """The unit's settings, each with all of its values, lines that go on joined."""
    found: dict[str, list[str]] = {}
    for line in program.run("generate", "systemd", *words).stdout.replace("\\\n\t", "").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def call(line: str) -> list[str]:
    """A command line of a unit as systemd calls it."""
    return [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(line)]


def test_a_container_that_stays(program: Program) -> None:
    found = unit(program, "--name", "unit-web")
    assert found["Description"] == ["Argosy container-unit-web.service"]
    assert (found["Restart"], found["TimeoutStopSec"], found["Type"]) == (["always"], ["67"], ["forking"])
    subprocess.run(call(found["ExecStart"][0]), check=True, env=program.environment(), capture_output=True)
    with open(found["PIDFile"][0], encoding="ascii") as file:
        assert Path(f"/proc/{int(file.read())}/comm").read_text() == "conmon\n"
    subprocess.run(call(found["ExecStop"][0]), check=True, env=program.environment(), capture_output=True)
    assert program.run("ps", "-a", "--filter", "name=unit-web", "--format", "{{.Status}}").stdout.startswith("Exited")


def test_a_container_that_is_made_anew(program: Program) -> None:
    found = unit(program, "--new", "-n", "unit-odd")
    words = call(found["ExecStart"][0])
    own = words[words.index("run") + 1 :]
    assert own[:6] == ["--cidfile=%t/%n.ctr-id", "--cgroups=no-conmon", "--rm", "--sdnotify=conmon", "-d", "--replace"]
    assert own[6:11] == ["--name", "unit-odd", "-i", "-e", "X=a b%c$HOME"]
    assert own[-3:] == list(ODD[1:])
    template = unit(program, "--template", "unit-odd")
    assert "--name unit-odd-%i" in template["ExecStart"][0]
    assert template["Environment"] == ["PODMAN_SYSTEMD_UNIT=%n-%i"]
    made = program.run("inspect", "--format", "{{json .Config.CreateCommand}}", "unit-odd").json()
    assert made[-4:] == list(ODD)


def test_what_is_asked_for(program: Program) -> None:
    flags = ("--restart-policy", "on-abort", "--restart-sec", "5", "--start-timeout", "9", "--stop-timeout", "20")
    more = ("-e", "A=b c", "--after", "x.service", "--wants", "y.service", "--requires", "z.service")
    words = ("--no-header", "--container-prefix", "c", "--separator", "_")
    found = unit(program, *flags, *more, *words, "-n", "unit-web")
    assert found["After"] == ["network-online.target", "x.service"]
    assert found["Wants"] == ["network-online.target", "y.service"]
    assert (found["Requires"], found["RestartSec"], found["TimeoutStartSec"]) == (["z.service"], ["5"], ["9"])
    assert (found["Restart"], found["TimeoutStopSec"]) == (["on-abort"], ["80"])
    assert found["Environment"] == ["PODMAN_SYSTEMD_UNIT=%n", '"A=b c"']
    assert found["Description"] == ["Argosy c_unit-web.service"]
    text = program.run("generate", "systemd", "--no-header", "--format", "json", "-n", "unit-web").stdout
    assert list(json.loads(text)) == ["container-unit-web"]
    environment = unit(program, "-e", 'A=$1\r2\n"\\\t\x01\x7f', "unit-web")["Environment"]
    assert environment[1:] == [r'"A=$1\x0d2\n\"\\\t\x01\x7f"']


@host.needs_program("systemd-analyze")
def test_systemd_takes_them(program: Program, tmp_path: Path) -> None:
    names: list[str] = []
    for flags in (("-n",), ("--new", "-n"), ("--template", "-n", "--container-prefix", "t")):
        done = program.run("generate", "systemd", "--files", *flags, "unit-odd", cwd=str(tmp_path))
        path = Path(done.stdout.strip())
        assert path.parent == tmp_path
        names.append(str(path.rename(path.with_name(f"{len(names)}{path.name}"))))
    judged = subprocess.run(["systemd-analyze", "verify", "--man=no", *names[:2]], capture_output=True, text=True)
    assert (judged.returncode, judged.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("none",), "none does not refer to a container or pod"),
        (("--restart-policy", "x", "unit-web"), "x is not a valid restart policy"),
        (("--separator", "/", "unit-web"), 'invalid separator "/"'),
        (("--after", "a.service\nExecStartPre=/bin/x", "unit-web"), "it is not the name of a unit"),
        (("--format", "yaml", "unit-web"), "there is json"),
        ((), "accepts 1 arg(s), received 0"),
    ],
)
def test_nonsense(program: Program, words: tuple[str, ...], why: str) -> None:
    assert why in program.run("generate", "systemd", *words, check=125).stderr


def test_a_pod_and_its_containers(program: Program, tmp_path: Path) -> None:
    made = ("--name", "unit-pod", "--network", "none", "--label", "a=b")
    program.run("pod", "create", *made)
    command = (program.busybox(), "sleep", "1000")
    program.run("create", "--pod", "unit-pod", "--name", "unit-one", *command)
    found = json.loads(program.run("generate", "systemd", "--name", "--format", "json", "unit-pod").stdout)
    assert list(found) == ["pod-unit-pod", "container-unit-one"]
    assert "Wants=container-unit-one.service\nBefore=container-unit-one.service\n" in found["pod-unit-pod"]
    assert "BindsTo=pod-unit-pod.service\nAfter=pod-unit-pod.service\n" in found["container-unit-one"]
    assert (
        f"start {program.run('pod', 'inspect', 'unit-pod', '-f', '{{.Id}}').lines[0][:12]}-infra\n"
        in (found["pod-unit-pod"])
    )
    anew = json.loads(program.run("generate", "systemd", "--new", "--name", "--format", "json", "unit-pod").stdout)
    program.run("pod", "rm", "unit-pod")

    def carry_out(name: str, key: str) -> None:
        """What systemd does with the commands of a setting."""
        for line in anew[name].replace("\\\n\t", "").splitlines():
            if line.startswith(f"{key}="):
                words = call(line.partition("=")[2].replace("%t", str(tmp_path)).replace("%n", f"{name}.service"))
                subprocess.run(words, check=True, env=program.environment(), capture_output=True)

    for name in anew:
        carry_out(name, "ExecStartPre")
        carry_out(name, "ExecStart")
    shown = program.run("pod", "inspect", "unit-pod", "-f", "{{.State}} {{.NumContainers}} {{.ExitPolicy}}").lines
    assert shown == ["Running 2 stop"]
    assert Path(f"/proc/{int((tmp_path / 'pod-unit-pod.pid').read_text())}/comm").read_text() == "conmon\n"
    program.run("kill", "unit-one")
    for name in reversed(anew):
        carry_out(name, "ExecStop")
        carry_out(name, "ExecStopPost")
    program.run("pod", "exists", "unit-pod", check=1)
    refused = program.run("generate", "systemd", "--template", "unit-pod", check=125).stderr
    assert "unit-pod does not refer to a container or pod" in refused
