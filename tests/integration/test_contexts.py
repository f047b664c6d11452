"""docker's contexts: kept where docker's client keeps them, and used."""

from __future__ import annotations

import json

import pytest

from tests.rig.program import Completed, Program

LISTED = """\
NAME        DESCRIPTION                               DOCKER ENDPOINT               ERROR
bar         hello                                     tcp://1.2.3.4:5
default *   Current DOCKER_HOST based configuration   unix:///var/run/docker.sock
foo                                                   ssh://me@host
"""


@pytest.fixture
def program(argosy: Program) -> Program:
    argosy.env["DOCKER_CONFIG"] = f"{argosy.base}/home/.docker"
    return argosy


def context(program: Program, *words: str, check: bool | int = True, env: dict[str, str] | None = None) -> Completed:
    return program.run("context", *words, name="docker", check=check, env=env)


def test_everyday_life(program: Program) -> None:
    assert context(program, "create", "foo", "--docker", "host=ssh://me@host").stdout == "foo\n"
    done = context(program, "create", "bar", "--description", "hello", "--docker", "host=tcp://1.2.3.4:5")
    assert (done.stdout, done.stderr) == ("bar\n", 'Successfully created context "bar"\n')
    assert [line.rstrip() for line in context(program, "ls").lines] == LISTED.splitlines()
    assert context(program, "create", "foo", check=1).stderr == 'context "foo" already exists\n'
    assert context(program, "update", "bar", "--description", "x").stderr == 'Successfully updated context "bar"\n'
    (shown,) = context(program, "inspect", "bar").json()
    assert (shown["Metadata"], shown["TLSMaterial"]) == ({"Description": "x"}, {})
    assert context(program, "export", "bar", f"{program.files}/bar").stderr.startswith("Written file")
    assert context(program, "import", "copy", f"{program.files}/bar").stdout == "copy\n"
    assert context(program, "create", "again", "--from", "copy").stdout == "again\n"
    assert [json.loads(line)["DockerEndpoint"] for line in context(program, "ls", "--format", "json").lines] == [
        *("tcp://1.2.3.4:5", "tcp://1.2.3.4:5", "tcp://1.2.3.4:5", "unix:///var/run/docker.sock", "ssh://me@host")
    ]
    assert context(program, "use", "foo").stderr == 'Current context is now "foo"\n'
    assert context(program, "show").stdout == "foo\n"
    assert context(program, "show", env={"DOCKER_CONTEXT": "bar"}).stdout == "bar\n"
    assert context(program, "rm", "foo", check=1).stderr == 'context "foo" is in use, set -f flag to force remove\n'
    assert context(program, "rm", "-f", "foo").stdout == "foo\n"
    assert context(program, "ls", "-q").lines == ["again", "bar", "copy", "default"]
    assert "cannot be removed" in context(program, "rm", "default", check=1).stderr
    for words in (("create", "tls", "--docker", "host=tcp://x,ca=/y"), ("import", "new", "/etc/passwd")):
        context(program, *words, check=1)
    assert context(program, "ls", "-q").lines == ["again", "bar", "copy", "default"]


def test_commands_go_where_the_context_says(program: Program) -> None:
    """ssh is a program of the test's, which tells how it was called."""
    ssh = program.write("ssh", '#!/bin/sh\necho "$@"\n', 0o755)
    program.env["PATH"] = f"{ssh.rpartition('/')[0]}:{program.environment()['PATH']}"
    context(program, "create", "far", "--docker", "host=ssh://me@host:7")
    context(program, "create", "tls", "--docker", "host=tcp://x")
    far = "-T -p 7 -- me@host docker ps --all=true --\n"
    strip = f" --root={program.root} --runroot={program.runroot}"

    def ps(*flags: str, check: bool | int = True, env: dict[str, str] | None = None) -> Completed:
        return program.run(*flags, "ps", "-a", name="docker", check=check, env=env)

    assert ps("--context", "far").stdout.replace(strip, "") == far
    assert ps(env={"DOCKER_CONTEXT": "far"}).stdout.replace(strip, "") == far
    program.run("system", "connection", "add", "mine", "you@there")
    assert "you@there docker" in ps("-c", "mine").stdout
    context(program, "use", "far")
    assert ps().stdout.replace(strip, "") == far
    assert ps("--context", "default").stdout.startswith("CONTAINER ID")
    assert "names another engine" in ps("--context", "tls", check=1).stderr
    assert "context not found" in ps("--context", "gone", check=1).stderr
    assert "is not found on the file system" in ps(env={"DOCKER_CONTEXT": "gone"}, check=1).stderr
    assert "cannot specify both" in ps("--context", "far", "-H", "ssh://x", check=1).stderr
    assert program.run("ps", name="podman").stdout.startswith("CONTAINER ID"), "podman has no contexts"
