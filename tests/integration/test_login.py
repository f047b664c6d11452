"""`login` and `logout` with a real registry that wants a password."""

from __future__ import annotations

import base64
import json
import os
import stat

import pytest

from tests.rig.program import Program
from tests.rig.registry import Registry, image


def kept(path: str) -> dict[str, str]:
    """Registry to USER:PASSWORD."""
    with open(path, encoding="utf-8") as file:
        auths = json.load(file)["auths"]
    return {name: base64.b64decode(entry["auth"]).decode() for name, entry in auths.items()}


def test_in_and_out(argosy_both: Program, registry: Registry) -> None:
    authfile = f"{argosy_both.files}/new/auth.json"
    access = ("--cert-dir", registry.certificate_directory, "--authfile", authfile)
    flags = (*access, "-u", registry.user)
    done = argosy_both.run("login", *flags, "--password-stdin", registry.name, input=f"{registry.password}\n")
    assert done.stdout == "Login Succeeded!\n"
    assert kept(authfile) == {registry.name: f"{registry.user}:{registry.password}"}
    assert stat.S_IMODE(os.stat(authfile).st_mode) == 0o600
    again = argosy_both.run("login", *access, registry.name)
    assert again.lines[-1] == f"Existing credentials are valid. Already logged in to {registry.name}"
    assert argosy_both.run("login", "--get-login", "--authfile", authfile, registry.name).lines == [registry.user]
    reference = registry.push("login/pull", "1", image())
    argosy_both.run("pull", "-q", *access, reference)
    refused = argosy_both.run("login", *flags, "-p", "wrong", registry.name, check=125)
    assert "unauthorized" in refused.stderr
    assert kept(authfile) == {registry.name: f"{registry.user}:{registry.password}"}
    out = argosy_both.run("logout", "--authfile", authfile, registry.name)
    assert out.lines == [f"Removed login credentials for {registry.name}"]
    assert kept(authfile) == {}
    assert "not logged into" in argosy_both.run("logout", "--authfile", authfile, registry.name, check=125).stderr
    gone = argosy_both.run("login", "--get-login", "--authfile", authfile, registry.name, check=125)
    assert f"not logged into {registry.name}" in gone.stderr


def test_what_else_is_in_the_file_stays(argosy: Program, registry: Registry) -> None:
    path = argosy.write(
        "auth.json", json.dumps({"auths": {"quay.io": {"auth": "YTpi"}}, "experimental": "off", "HttpHeaders": {}})
    )
    flags = ("--cert-dir", registry.certificate_directory, "--authfile", path)
    argosy.run("login", *flags, "-u", registry.user, "-p", registry.password, registry.name)
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    assert document["experimental"] == "off"
    assert document["HttpHeaders"] == {}
    assert set(document["auths"]) == {"quay.io", registry.name}
    assert argosy.run("logout", "--all", "--authfile", path).lines == ["Removed login credentials for all registries"]
    assert kept(path) == {}


def test_a_helper_program_keeps_them(argosy: Program, registry: Registry) -> None:
    directory = f"{argosy.files}/bin"
    os.mkdir(directory)
    program = f"{directory}/docker-credential-fake"
    with open(program, "w", encoding="utf-8") as file:
        file.write(f'#!/bin/sh\necho "$1" >>{directory}/verbs\ncat >>{directory}/input\n')
    os.chmod(program, 0o755)
    path = argosy.write("auth.json", json.dumps({"credHelpers": {registry.name: "fake"}}))
    env = {"PATH": f"{directory}:{os.environ['PATH']}"}
    flags = ("--cert-dir", registry.certificate_directory, "--authfile", path)
    credentials = ("-u", registry.user, "-p", registry.password)
    argosy.run("login", *flags, *credentials, registry.name, env=env)
    argosy.run("logout", "--authfile", path, registry.name, env=env)
    with open(f"{directory}/verbs", encoding="utf-8") as file:
        assert file.read().split()[-2:] == ["store", "erase"]
    with open(f"{directory}/input", encoding="utf-8") as file:
        assert registry.password in file.read()
    with open(path, encoding="utf-8") as file:
        assert registry.password not in file.read()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--password-stdin", "localhost:1"), "Must provide --username with --password-stdin"),
        (("-u", "me", "-p", "a", "--password-stdin", "localhost:1"), "both --password-stdin and --password"),
        (("localhost:1",), "reading username: EOF"),
        (("-u", "me", "localhost:1"), "reading password: inappropriate ioctl for device"),
        (("-u", "me", "-p", "x", "localhost:1"), "localhost:1: connection refused"),
        (("-u", "me", "-p", "x", "no host"), "it is written HOST"),
    ],
)
def test_what_does_not_go(argosy: Program, arguments: tuple[str, ...], said: str) -> None:
    authfile = f"{argosy.files}/auth.json"
    done = argosy.run("login", "--authfile", authfile, *arguments, check=125)
    assert said in done.stderr
    assert not os.path.exists(authfile)


@pytest.mark.parametrize("command", [("login", "-u", "me", "-p", "x"), ("login", "--get-login"), ("logout",)])
def test_what_is_no_file_is_neither_waited_for_nor_replaced(argosy: Program, command: tuple[str, ...]) -> None:
    fifo = f"{argosy.files}/fifo"
    os.mkfifo(fifo)
    for path, kind in ((fifo, "a FIFO"), ("/dev/null", "a character device"), (argosy.files, "a directory")):
        done = argosy.run(*command, "--authfile", path, "localhost:1", check=125, timeout_s=20)
        assert f"it is {kind}, and logins are kept in a regular file" in done.stderr


def test_logout_of_nothing(argosy: Program) -> None:
    missing = f"{argosy.files}/nosuch.json"
    assert "no such file or directory" in argosy.run("logout", "--authfile", missing, "quay.io", check=125).stderr
    assert "--all takes no arguments" in argosy.run("logout", "--all", "quay.io", check=125).stderr
