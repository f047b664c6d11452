"""`system connection` and `--connection`: hosts by name, and commands run there, through an ssh that stays here."""

from __future__ import annotations

import json
import os
import stat

import pytest

from tests.rig.program import Program

# What it was called with goes to a file; then the command runs here, as a shell at the other end would have it.
SSH = """#!/bin/sh
printf '%s\\n' "$@" > "$ARGOSY_TEST_SSH"
while [ "$1" != -- ]; do shift; done
shift 2
exec env -i "PATH=$PATH" "HOME=$HOME" "XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR" sh -c "$*"
"""


class Far:
    """The program in whose environment ssh is ours, and the file of connections a fresh one."""

    def __init__(self, program: Program) -> None:
        self.directory = f"{program.files}/far"
        os.makedirs(f"{self.directory}/bin")
        with open(f"{self.directory}/bin/ssh", "w", encoding="ascii") as file:
            file.write(SSH)
        os.chmod(file.name, stat.S_IRWXU)
        link = f"{self.directory}/bin/argosy"
        with open(link, "w", encoding="ascii") as file:
            file.write(f'#!/bin/sh\nexec "{program.launcher}" "$@"\n')
        os.chmod(link, stat.S_IRWXU)
        self.called = f"{self.directory}/called"
        self.env = {
            "PATH": f"{self.directory}/bin:{os.environ['PATH']}",
            "ARGOSY_TEST_SSH": self.called,
            "PODMAN_CONNECTIONS_CONF": f"{self.directory}/connections.json",
        }

    def words(self) -> list[str]:
        with open(self.called, encoding="utf-8") as file:
            return file.read().splitlines()


@pytest.fixture
def far(argosy: Program) -> Far:
    return Far(argosy)


def test_the_list(argosy: Program, far: Far) -> None:
    def call(*words: str, check: int = 0) -> str:
        done = argosy.run("system", "connection", *words, env=far.env, check=check)
        return done.stdout if not check else done.stderr

    assert call("list").split() == ["Name", "URI", "Identity", "Default"]
    call("add", "one", "me@one.example")
    call("add", "--identity", "/key", "-p", "2222", "two", "ssh://root@two.example/run/podman/podman.sock")
    assert [line.split() for line in call("ls").splitlines()[1:]] == [
        ["one", "ssh://me@one.example:22", "true"],
        ["two", "ssh://root@two.example:2222/run/podman/podman.sock", "/key", "false"],
    ]
    assert json.loads(call("list", "--format", "json"))[1] == {
        "Name": "two",
        "URI": "ssh://root@two.example:2222/run/podman/podman.sock",
        "Identity": "/key",
        "IsMachine": False,
        "Default": False,
    }
    call("default", "two")
    call("rename", "two", "second")
    assert call("list", "--format", "{{.Name}} {{.Default}}").splitlines() == ["one false", "second true"]
    with open(f"{far.directory}/connections.json", encoding="utf-8") as file:
        assert json.load(file)["Connection"]["Default"] == "second"
    assert '"none" destination is not defined' in call("default", "none", check=125)
    assert '"none" destination is not defined' in call("rename", "none", "x", check=125)
    call("remove", "none")
    call("rm", "second")
    assert call("list", "-q").splitlines() == ["one"]
    call("remove", "--all")
    assert call("list", "-q") == ""


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("x", "tcp://h:1"), "over ssh:// only"),
        (("x", "unix:///run/x.sock"), "over ssh:// only"),
        (("x", "-oProxyCommand=touch"), "unknown shorthand flag"),
        (("x", "ssh://-oProxyCommand=touch"), "a host is written"),
        (("x", "ssh://h\nx"), "a host is written"),
        (("x", "ssh://u:secret@h"), "takes no password"),
        (("x", "h:99999"), "not a number between"),
        (("--port", "0", "x", "h"), "not between 1 and 65535"),
        (("", "h"), "it is empty"),
        (("x\n", "h"), "cannot be shown"),
    ],
)
def test_nonsense(argosy: Program, far: Far, words: tuple[str, ...], why: str) -> None:
    done = argosy.run("system", "connection", "add", *words, env=far.env, check=125)
    assert why in done.stderr
    assert "secret" not in done.stderr
    assert not os.path.exists(f"{far.directory}/connections.json")


def test_a_file_that_is_broken_is_named_and_kept(argosy: Program, far: Far) -> None:
    path = f"{far.directory}/connections.json"
    for text in ("{", "[]", '{"Connection": {"Connections": {"x": 1}}}'):
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        for words in (("list",), ("add", "x", "h")):
            assert path in argosy.run("system", "connection", *words, env=far.env, check=125).stderr
        with open(path, encoding="ascii") as file:
            assert file.read() == text


def test_a_command_runs_there(argosy: Program, far: Far) -> None:
    argosy.run("system", "connection", "add", "--identity", "/key", "there", "me@far.example:2222", env=far.env)
    made = argosy.run("--connection", "there", "volume", "create", "--label", "a=b 'c'", "data", env=far.env)
    assert made.stdout == "data\n"
    assert far.words()[:-1] == ["-T", "-i", "/key", "-p", "2222", "--", "me@far.example"]
    shown = argosy.run("volume", "inspect", "--format", "{{json .Labels}}", "data")
    assert json.loads(shown.stdout) == {"a": "b 'c'"}
    listed = argosy.run("--remote", "volume", "ls", "-q", "--filter", "label=a", env=far.env)
    assert listed.stdout == "data\n"
    gone = argosy.run("-c", "there", "volume", "inspect", "none", env=far.env, check=125)
    assert "no such volume" in gone.stderr
    by_url = argosy.run("volume", "ls", "--url", "ssh://h", "--quiet", env=far.env)
    assert (by_url.stdout, far.words()[:-1]) == ("data\n", ["-T", "--", "h"])
    by_variable = argosy.run("volume", "ls", "-q", env={**far.env, "CONTAINER_CONNECTION": "there"})
    assert by_variable.stdout == "data\n"
    assert " --root=" in far.words()[-1]
    os.unlink(far.called)
    argosy.run("--remote=false", "volume", "ls", "-q", env={**far.env, "CONTAINER_HOST": "ssh://h"})
    assert not os.path.exists(far.called)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--remote",), "there is no default connection"),
        (("--connection", "none"), '"none" destination is not defined'),
        (("--url", "tcp://h:2375"), "over ssh:// only"),
        (("--url", "ssh://h", "--ssh", "golang"), '"native" alone'),
    ],
)
def test_no_such_way(argosy: Program, far: Far, words: tuple[str, ...], why: str) -> None:
    assert why in argosy.run(*words, "ps", env=far.env, check=125).stderr
    assert not os.path.exists(far.called)


def test_input_and_status_go_through(argosy: Program, far: Far) -> None:
    env = {**far.env, "CONTAINER_HOST": "ssh://h"}
    argosy.run("secret", "create", "word", "-", input="sesame", env=env)
    assert argosy.run("secret", "inspect", "--showsecret", "--format", "{{.SecretData}}", "word").stdout == "sesame\n"
    argosy.run("secret", "exists", "none", env=env, check=1)


def test_what_needs_no_other_host(argosy: Program) -> None:
    assert "nothing to renumber" in argosy.run("system", "renumber").stderr
    words = ("info", "init", "inspect", "list", "rm", "set", "ssh", "start", "stop")
    for word in words:
        told = argosy.run("machine", word, "--now", "x", check=125).stderr
        assert "argosy runs on Linux" in told
        assert "system connection add" in told
