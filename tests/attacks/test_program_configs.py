"""Images whose configs are nonsense, pulled and run by the real program: an error that names the field, or no harm."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.ground import INSECURE, Ground, Registry, busybox_with

ESCAPE = "\x1b[2J\x07"

# No image at all: the config, and the field that the error names.
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"User": 5}, "config.User"),
    ({"User": f"a{ESCAPE}"}, "config.User"),
    ({"Env": ["novalue"]}, "config.Env"),
    ({"Env": ["=x"]}, "config.Env"),
    ({"Env": {"A": "b"}}, "config.Env"),
    ({"Env": [f"A{ESCAPE}"]}, "config.Env"),
    ({"WorkingDir": "relative"}, "config.WorkingDir"),
    ({"Entrypoint": "sh"}, "config.Entrypoint"),
    ({"Entrypoint": [None]}, "config.Entrypoint"),
    ({"Cmd": ["a\0b"]}, "config.Cmd"),
    ({"ExposedPorts": {"99999/tcp": {}}}, "config.ExposedPorts"),
    ({"ExposedPorts": {ESCAPE: {}}}, "config.ExposedPorts"),
    ({"StopSignal": ESCAPE}, "config.StopSignal"),
    ({"Volumes": {"relative": {}}}, "config.Volumes"),
    ({"Volumes": {"/": {}}}, "config.Volumes"),
    ({"Labels": {"a": 1}}, "config.Labels"),
]

# An image that cannot be run as it is: the config, the status, and what is said.
FAILS: list[tuple[dict[str, Any], int, str]] = [
    ({"WorkingDir": "/proc/self/fd/7"}, 125, "invalid WorkingDir in the image's config"),
    ({"WorkingDir": "/x" * 2100}, 126, "cannot use the workdir"),
    ({"StopSignal": "SIGNONSENSE"}, 125, "invalid StopSignal in the image's config"),
    ({"Volumes": {"/proc": {}}}, 125, "Volumes"),
    ({"Volumes": {"/data/../dev": {}}}, 125, "Volumes"),
    ({"User": "nobody-here"}, 126, "unable to find user nobody-here"),
    ({"User": "0:no-group"}, 126, "unable to find group no-group"),
    ({"User": "4294967296"}, 126, "must be in range"),
    ({"User": "-1"}, 126, "must be in range"),
    ({"Entrypoint": [""]}, 125, ""),
    ({"Entrypoint": [f"/{ESCAPE}"]}, 127, r"\x1b[2J"),
    ({"Env": ["PATH=/nowhere"]}, 127, "sh"),
    ({"Env": ["PATH="], "Cmd": ["sh", "-c", "true"]}, 127, "sh"),
]

# What is strange, and runs: the config, and what the command `sh -c` prints.
RUNS: list[tuple[dict[str, Any], str, str]] = [
    ({"User": "4321:1234"}, "id -u; id -g", "4321\n1234\n"),
    ({"Env": [f"A={ESCAPE}", "B=c=d", "C="]}, 'printf %s "$A$B$C" | wc -c', f"{len(ESCAPE) + 3}\n"),
    ({"Env": ["LD_PRELOAD=/evil.so", "HOME=", "TERM=" + "x" * 5000]}, "echo ok", "ok\n"),
    ({"Env": [f"V{number}=x" for number in range(2000)]}, "env | grep -c ^V", "2000\n"),
    ({"WorkingDir": "/new/../new/./dir//"}, "pwd", "/new/dir\n"),
    ({"WorkingDir": f"/{ESCAPE}"}, "pwd | wc -c", f"{len(ESCAPE) + 2}\n"),
    ({"ExposedPorts": {f"{port}/tcp": {} for port in range(1, 2000)}}, "echo ok", "ok\n"),
    ({"StopSignal": "SIGRTMIN+3"}, "echo ok", "ok\n"),
    ({"StopSignal": "64"}, "echo ok", "ok\n"),
    ({"Volumes": {"/etc": {}, "/bin": {}, "/a/b/c": {}}}, "ls -d /a/b/c; id -un", "/a/b/c\nroot\n"),
    ({"Labels": {ESCAPE: ESCAPE, "run.oci.seccomp_bpf_data": "AAAA", "": "x"}}, "echo ok", "ok\n"),
]

RUN = ("run", "-q", "--rm", INSECURE, "--network=none")


@pytest.fixture(scope="module", autouse=True)
def layer(ground: Ground, hostile: Registry) -> None:
    """The layer that all the images have is in the store."""
    ground.program.run("pull", "-q", INSECURE, hostile.add(busybox_with()))


def test_refused(ground: Ground, hostile: Registry) -> None:
    objects = ground.objects()
    for config, words in REFUSED:
        done = ground.program.run(*RUN, hostile.add(busybox_with(config=config)), "true", check=125)
        ground.judge(done, [words])
        assert done.stdout == ""
    assert ground.objects() == objects


def test_fails(ground: Ground, hostile: Registry) -> None:
    for config, status, words in FAILS:
        reference = hostile.add(busybox_with(config=config))
        done = ground.program.run(*RUN, reference, check=status)
        ground.judge(done, [words])
        assert done.stdout == ""
    assert ground.program.run("ps", "-aq").stdout == ""
    ground.attack("ps", status=0, keeps=True)


def test_runs(ground: Ground, hostile: Registry) -> None:
    """And everything that tells of the image shows nothing that could steer a terminal."""
    for config, command, expected in RUNS:
        reference = hostile.add(busybox_with(config=config))
        assert ground.program.run(*RUN, reference, "sh", "-c", command).stdout == expected
        ground.program.run("create", "--network=none", reference, "sh", ESCAPE)
    names = ground.program.run("images", "--format", "{{.Repository}}:{{.Tag}}").lines
    for words in (("ps", "-a"), ("ps", "-a", "--no-trunc"), ("images",), ("history", reference), ("inspect", *names)):
        shown = ground.program.run(*words).stdout
        assert [c for c in shown if not (c.isprintable() or c in "\n\t")] == []
    ground.attack("rm", "--all", status=0)
