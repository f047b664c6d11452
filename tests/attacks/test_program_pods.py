"""Pods against hostile names, files and timing: each wrong thing is told, and nothing of it is left."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.rig.program import Program

ESCAPE = "\x1b[2J\x07"
SHOWN = r"\x1b[2J\x07"
ALONE = ("--network", "none")


@pytest.fixture(scope="module")
def program(shared_program: Program) -> Program:
    shared_program.busybox()
    return shared_program


def test_wrong_words(program: Program) -> None:
    wrong: tuple[tuple[tuple[str, ...], str], ...] = (
        (("pod", "create", "--name", "../x"), "names must match"),
        (("pod", "create", "--name", "x" * 5000), "file name"),
        (("pod", "create", "--name", f"x{ESCAPE}"), "names must match"),
        (("pod", "create", "--infra-name", "../x"), "names must match"),
        (("pod", "create", "--hostname", "h" * 65), "at most 64"),
        (("pod", "create", "--share", f"net,{ESCAPE}"), SHOWN),
        (("pod", "create", "--memory", "9" * 30 + "g"), "invalid size"),
        (("pod", "create", "--cpus", "nan"), "--cpus"),
        (("pod", "create", "--label-file", "/dev/zero"), "longer than"),
        (("pod", "create", "-v", "/nonexistent:/x"), "statfs /nonexistent: no such file or directory"),
        (("pod", "create", "--device", "/etc/passwd"), "not a device node"),
        (("pod", "create", "--userns", "bogus"), "bogus"),
        (("pod", "create", "--restart", "bogus"), "bogus"),
        (("pod", "create", "--network", "nosuch"), "nosuch"),
        (("pod", "create", "--pod-id-file", "/nonexistent/x", *ALONE), "cannot write the pod id file"),
        (("pod", "start", ESCAPE), SHOWN),
        (("pod", "start", "../containers"), "no such pod"),
        (("pod", "rm", "--pod-id-file", "/dev/zero"), "longer than"),
        (("pod", "rm", "--pod-id-file", "/dev/null"), "is empty"),
        (("pod", "kill", "--signal", ESCAPE, "x"), SHOWN),
        (("run", "--pod", "../../x", "busybox"), "no such pod"),
        (("run", "--pod", "new:../x", "busybox"), "names must match"),
    )
    for words, message in wrong:
        done = program.run(*words, check=125)
        assert message in done.stderr, words
        assert "\x1b" not in done.stderr
    assert program.run("ps", "-aq").stdout == program.run("pod", "ps", "-q").stdout == ""


def test_an_id_file_that_is_a_link(program: Program) -> None:
    """A pod's id is written into no file that is there, be it at the end of a link that leads nowhere."""
    target, link = f"{program.base}/precious", f"{program.base}/link"
    os.symlink(target, link)
    done = program.run("pod", "create", "--pod-id-file", link, *ALONE, check=125)
    assert "pod id file exists" in done.stderr
    assert not os.path.lexists(target)
    assert program.run("pod", "ps", "-q").stdout == ""


def test_a_pod_that_is_removed_while_containers_join(program: Program) -> None:
    """Whoever joins is in the pod when it goes, or is told that it is gone; nobody stays behind."""
    for _ in range(3):
        program.run("pod", "create", "--name", "gone", *ALONE)
        joining = [
            subprocess.Popen(
                program.argv("create", "--pod", "gone", "busybox", "true"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=program.environment(),
            )
            for _ in range(6)
        ]
        program.run("pod", "rm", "-f", "gone")
        for process in joining:
            _, error = process.communicate(timeout=60)
            assert process.returncode == 0 or b"no such pod" in error, error
        assert program.run("ps", "-aq").stdout == ""
    assert program.run("system", "check", "--quick").stdout == "No damage, nothing left over\n"


def test_a_pod_whose_record_is_damaged(program: Program) -> None:
    """It hides no other, and can only be removed."""
    program.run("pod", "create", "--name", "whole", *ALONE)
    pod_id = program.run("pod", "create", "--name", "hurt", *ALONE).lines[0]
    container = program.run("create", "--pod", "hurt", "--name", "member", "busybox", "true").lines[0]
    with open(f"{program.root}/pods/{pod_id}/pod.json", "r+b") as file:
        file.truncate(20)
    listed = program.run("pod", "ps", "--format", "{{.Name}}", check=False)
    assert listed.lines == ["whole"]
    assert pod_id in listed.stderr
    assert program.run("ps", "-a", "--pod", "--filter", "name=member", "-q").lines == [container[:12]]
    for words in (("pod", "start", "hurt"), ("pod", "inspect", "hurt"), ("start", "member"), ("pod", "rm", "hurt")):
        assert "damaged" in program.run(*words, check=125).stderr
    assert "pod.json" in program.run("system", "check", "--quick", check=False).stdout
    program.run("pod", "rm", "-f", "hurt", "whole")
    assert program.run("ps", "-aq").stdout == ""
