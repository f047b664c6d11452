"""Who may use a service: the users and hashed passwords of an htpasswd file, asked for as Basic (RFC 7617)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from argosy.errors import ArgosyError, Invalid
from argosy.linux import files, passwords

if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.services.http.messages import Handler, Request, Response

_SIZE_LIMIT = 4 << 20
_CREDENTIALS_LIMIT = 4096
_KNOWN_LIMIT = 1024
CHALLENGE = ("WWW-Authenticate", 'Basic realm="argosy", charset="UTF-8"')


class Users:
    """The users of a file, which is read again when it has changed."""

    def __init__(self, path: str) -> None:
        """Raises ArgosyError when the file cannot be read, or has a password that is not hashed well."""
        self._path = path
        self._version: tuple[int, ...] = ()
        self._hashes: dict[str, str] = {}
        # Clients send the password with every request: what was right is remembered, as a keyed hash of it.
        self._known: dict[str, bytes] = {}
        self._secret = os.urandom(32)
        self._load()

    def _found_version(self) -> tuple[int, ...]:
        status = os.stat(self._path)
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _load(self) -> None:
        try:
            version = self._found_version()
            if version != self._version:
                self._hashes = parse(files.read(self._path, _SIZE_LIMIT).decode(), self._path)
                self._known.clear()
                self._version = version
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ArgosyError(f"cannot read the users of {self._path}", details=reason) from error

    def _proof(self, user: str, password: bytes) -> bytes:
        return hmac.digest(self._secret, f"{user}:".encode() + password, "sha256")

    def knows(self, header: str) -> bool:
        """Whether `admit` has let this in, by the file as it is now.  Takes no time, in any thread."""
        user, password = credentials(header)
        try:
            is_current = self._found_version() == self._version  # which is set when the older ones are forgotten
        except OSError:
            return False
        return is_current and hmac.compare_digest(self._known.get(user, b""), self._proof(user, password))

    def admit(self, header: str) -> bool:
        """Whether an Authorization header names a user with the right password.  May take a while, once for each.

        For one thread at a time.  Raises ArgosyError when the file has become unreadable: nobody is let in then.
        """
        user, password = credentials(header)
        if not user:
            return False
        self._load()
        hashed = self._hashes.get(user)
        # Whoever is not in the file takes as long as one who is, so that time does not tell them apart.
        right = passwords.matches(password, hashed or next(iter(self._hashes.values()), ""))
        if hashed is None or not right:
            return False
        while len(self._known) >= _KNOWN_LIMIT:
            self._known.pop(next(iter(self._known)))
        self._known[user] = self._proof(user, password)
        return True


def parse(text: str, path: str) -> dict[str, str]:
    """The hash of each user's password.  Raises Invalid for a line that is none, or a hash that is soon guessed."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        user, colon, hashed = line.strip().partition(":")
        if not colon or not user:
            raise Invalid(f"line {number} of {path}", user, "it is written as USER:HASH")
        if not hashed.startswith(passwords.PREFIXES):
            reason = "the password is not hashed with bcrypt, yescrypt or SHA-2"
            raise Invalid(f"line {number} of {path}", user, reason, hint="htpasswd -B writes such a line")
        found[user] = hashed
    return found


def credentials(header: str) -> tuple[str, bytes]:
    """User and password of an Authorization header; no user where it has none."""
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic" or len(encoded) > _CREDENTIALS_LIMIT:
        return "", b""
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (user.decode(), password) if colon else ("", b"")
    except (binascii.Error, ValueError):
        return "", b""


def checked(handle: Handler, users: Users, refusal: Callable[[str], Response]) -> Handler:
    """`handle` for requests of users; the others get what `refusal` makes of the reason.

    Whoever guesses takes one processor at the most, and no time from those who were let in before.
    """
    guesses = ThreadPoolExecutor(1, "password")

    async def answer(request: Request) -> Response:
        header = request.header("authorization")
        try:
            admitted = users.knows(header) or (
                bool(header) and await asyncio.get_running_loop().run_in_executor(guesses, users.admit, header)
            )
        except ArgosyError as error:
            return refusal(str(error))
        if admitted:
            return await handle(request)
        return refusal("user and password are wrong" if header else "a user and a password are needed")

    return answer
