"""Which Host headers are a service's own, and who its users are."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from argosy.errors import ArgosyError, Invalid
from argosy.linux import passwords
from argosy.services.http import hosts, users

# in the form of `htpasswd -nbB -C 4`
BCRYPT = "$2y$04$pG3Zc0eFgqQ0D3WbAVwYMePyVdHnRz1O5Z1tTl1mJ3VY6Dk5uTQxC"


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("localhost:5000", "localhost"),
        ("LOCALHOST", "localhost"),
        ("registry.test.", "registry.test"),
        ("[::1]:5000", "::1"),
        ("[::1]", "::1"),
        ("127.0.0.1", "127.0.0.1"),
        ("a:b", "a:b"),
        ("", ""),
    ],
)
def test_host_headers(header: str, host: str) -> None:
    assert hosts.host_of(header) == host


def test_addresses() -> None:
    assert all(map(hosts.is_address, ("127.0.0.1", "::1", "fe80::1%eth0", "10.1.2.3")))
    assert not any(map(hosts.is_address, ("localhost", "127.1", "evil.example", "")))


def test_credentials() -> None:
    def header(text: bytes) -> str:
        return "Basic " + base64.b64encode(text).decode()

    assert users.credentials(header(b"me:a:b")) == ("me", b"a:b")
    for wrong in ("", "Basic", "Bearer x", "Basic !", header(b"me"), header(b"\xff:x"), header(b"x" * 9000)):
        assert users.credentials(wrong) == ("", b"")


@pytest.mark.parametrize("line", ["me", ":x", "me:plain", "me:{SHA}x", "me:$apr1$x$y"])
def test_lines_that_are_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "users").write_text(f"# a comment\n\n{line}\n")
    with pytest.raises(Invalid, match="line 3 of"):
        users.Users(str(tmp_path / "users"))
    with pytest.raises(ArgosyError, match="cannot read the users"):
        users.Users(str(tmp_path / "none"))


def test_hashes_that_crypt_does_not_know() -> None:
    for hashed in ("$6$salt$wrong", "$2y$99$x", "$2y$04$", "$apr1$x$y", "", "x"):
        assert not passwords.matches(b"secret", hashed)
    assert not passwords.matches(b"a\0b", BCRYPT)
