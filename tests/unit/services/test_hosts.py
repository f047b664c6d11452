"""Which Host headers are a service's own, and who its users are."""

from __future__ import annotations

import asyncio
import base64
import threading
from pathlib import Path

import pytest

from argosy.errors import ArgosyError, Invalid
from argosy.linux import passwords
from argosy.services.http import hosts, users
from argosy.services.http.messages import Request, Response

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
    assert not any(map(hosts.is_address, ("localhost", "127.1", "evil.example", "127.0.0.1%x.evil.example", "")))


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


def test_whoever_was_let_in_does_not_wait_for_those_who_guess(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "users"
    file.write_text(f"me:{BCRYPT}\n")
    go_on = threading.Event()

    def matches(password: bytes, _hashed: str) -> bool:
        return password == b"right" or not go_on.wait(20)

    monkeypatch.setattr(passwords, "matches", matches)

    async def handle(_request: Request) -> Response:
        return Response(200)

    answer = users.checked(handle, users.Users(str(file)), lambda _why: Response(401))

    async def status(password: str) -> int:
        header = "Basic " + base64.b64encode(f"me:{password}".encode()).decode()
        return (await answer(Request("GET", "/v2/", [("authorization", header)], lambda: None))).status  # type: ignore[arg-type,return-value]

    async def day() -> None:
        assert await status("right") == 200
        guesses = [asyncio.ensure_future(status(f"x{number}")) for number in range(100)]
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            assert await status("right") == 200
        go_on.set()
        assert set(await asyncio.gather(*guesses)) == {401}
        file.write_text(f"# another\nme:{BCRYPT}\n")
        monkeypatch.setattr(passwords, "matches", lambda *_: False)
        assert await status("right") == 401

    asyncio.run(day())
