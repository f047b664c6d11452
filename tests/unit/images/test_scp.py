"""`image scp`'s arguments, and the programs that they become."""

from __future__ import annotations

import os
import pwd

import pytest

from argosy.config.connections import Connection
from argosy.errors import ArgosyError
from argosy.images import scp
from argosy.images.scp import Side
from argosy.linux import process

CONNECTIONS = {"office": Connection("ssh://me@office.example.com:2222/run/user/1000/podman/podman.sock", "/key")}


@pytest.mark.parametrize(
    ("operands", "source", "target"),
    [
        (["app", "host::"], Side("app"), Side(host="host")),
        (["app", "me@host:22::"], Side("app"), Side(host="host", user="me", port=22)),
        (["host::app:1"], Side("app:1", host="host"), Side()),
        (["a::app", "b::"], Side("app", host="a"), Side(host="b")),
        (["app", "office::"], Side("app"), Side(host="office.example.com", user="me", port=2222, identity="/key")),
        (["app", "me@localhost::"], Side("app"), Side(user="me")),
        (["root@localhost::app", "me@localhost::"], Side("app", user="root"), Side(user="me")),
        (["app", "ssh://me@[::1]:22::"], None, None),
        (["app", "me@localhost:22::"], Side("app"), Side(host="localhost", user="me", port=22)),
        (["me@10.0.0.1:22/run/podman.sock::app"], Side("app", host="10.0.0.1", user="me", port=22), Side()),
    ],
)
def test_arguments(operands: list[str], source: Side | None, target: Side | None) -> None:
    if source is None:
        with pytest.raises(ArgosyError):
            scp.sides(operands, CONNECTIONS)
    else:
        assert scp.sides(operands, CONNECTIONS) == (source, target)


@pytest.mark.parametrize(
    ("operands", "why"),
    [
        (["app"], "must specify a destination"),
        (["a::", "b::"], "a source image must be specified"),
        (["app", "b"], "a destination is written"),
        (["app", "b::c"], "cannot specify an image rename"),
        (["app", "::"], "the host before :: is missing"),
        (["app", "-oProxyCommand=x::"], "a host is written"),
        (["app", "a@-x::"], "a host is written"),
        (["app", "h:x::"], "the port is not a number"),
        (["app", "tcp://h::"], "over ssh:// only"),
        (["app", "localhost::"], "name a user"),
        (["a::b::c", "d::"], "there twice"),
    ],
)
def test_nonsense(operands: list[str], why: str) -> None:
    with pytest.raises(ArgosyError, match=why):
        scp.sides(operands, CONNECTIONS)


def test_programs() -> None:
    own = [*process.self_argv(), "--root", "/r"]
    environ = {"PATH": "/bin", "SECRET": "x"}

    def command(side: Side) -> list[str]:
        return scp.command(side, ["save", "a b; c"], "podman", own, environ)

    assert command(Side()) == [*own, "save", "a b; c"]
    assert command(Side(host="h", user="u", port=22)) == ["ssh", "-T", "-p", "22", "--", "u@h", "podman save 'a b; c'"]
    with_key = command(Side(host="h", identity="/key"))
    assert with_key == ["ssh", "-T", "-i", "/key", "--", "h", "podman save 'a b; c'"]
    with_file = scp.command(Side(host="h"), ["load"], "argosy", own, environ, "/etc/ssh_config")
    assert with_file == ["ssh", "-T", "-F", "/etc/ssh_config", "--", "h", "argosy load"]
    name = pwd.getpwuid(os.getuid()).pw_name
    assert command(Side(user=name)) == [*own, "save", "a b; c"]
    other = next(entry for entry in pwd.getpwall() if entry.pw_uid not in (os.getuid(), 0))
    words = command(Side(user=other.pw_name))
    assert words[0] == ("runuser" if os.getuid() == 0 else "sudo")
    assert f"HOME={other.pw_dir}" in words
    assert "SECRET" not in " ".join(words)
    assert words[-2:] == ["save", "a b; c"]
    assert "/r" not in words
    with pytest.raises(ArgosyError, match="no such user"):
        command(Side(user="nobody-of-this-name"))
