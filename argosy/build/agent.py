"""The SSH agent that a RUN sees (draft-ietf-sshm-ssh-agent): keys of files, or the caller's agent behind it.

A step never gets a key, nor the caller's own socket: that one would turn away every user but its owner, and take new
keys.  Only the two requests are answered that logging in takes.
"""

from __future__ import annotations

import os
import socket
import threading

from argosy.linux import sockets
from argosy.signatures import sshkeys
from argosy.signatures.sshkeys import text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from argosy.build.options import AgentSource
    from argosy.signatures.sshkeys import SshKey

_LIST, _LISTED, _SIGN, _SIGNED = 11, 12, 13, 14
_REFUSED = b"\x05"
_LARGEST_BYTES = 256 << 10


class Agent:
    """Listens at `path` until it is closed; use it as a context.  Raises ArgosyError for a file that is no key."""

    def __init__(self, source: AgentSource, path: str) -> None:
        self._socket = source.socket
        self._keys = [sshkeys.load(_read(key), key) for key in source.keys]
        self._listener = socket.socket(fileno=sockets.listen(path).detach())
        threading.Thread(target=self._serve, name="ssh agent", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Answer nobody any more."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes who accepts
        except OSError:
            pass
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), name="ssh agent", daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            try:
                while (request := _receive(connection)) is not None:
                    connection.sendall(text(self._answer(request)))
            except OSError:
                return

    def _answer(self, request: bytes) -> bytes:
        if not request or request[0] not in (_LIST, _SIGN):
            return _REFUSED
        return self._asked(request) if self._socket else answer(self._keys, request)

    def _asked(self, request: bytes) -> bytes:
        """What the caller's agent says."""
        with socket.socket(fileno=sockets.connect(self._socket).detach()) as other:
            other.sendall(text(request))
            return _receive(other) or _REFUSED


def answer(keys: Sequence[SshKey], request: bytes) -> bytes:
    """The answer of an agent that holds these keys."""
    if request[0] == _LIST:
        listed = b"".join(text(key.blob) + text(os.fsencode(key.name)) for key in keys)
        return bytes((_LISTED,)) + len(keys).to_bytes(4, "big") + listed
    blob, rest = _string(request[1:])
    data, rest = _string(rest)
    for key in keys:
        if key.blob == blob:
            return bytes((_SIGNED,)) + text(key.sign(data, int.from_bytes(rest[:4], "big")))
    return _REFUSED


def _string(data: bytes) -> tuple[bytes, bytes]:
    """The first `string` of the data, and what follows it."""
    end = 4 + int.from_bytes(data[:4], "big")
    return data[4:end], data[end:]


def _receive(connection: socket.socket) -> bytes | None:
    """One message; None at the end, and for one that is larger than any that is sensible."""
    head = _exactly(connection, 4)
    size = int.from_bytes(head, "big")
    if len(head) < 4 or size > _LARGEST_BYTES:
        return None
    body = _exactly(connection, size)
    return body if len(body) == size else None


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (block := connection.recv(size - len(data))):
        data += block
    return data


def _read(path: str) -> bytes:
    from argosy.errors import ArgosyError
    from argosy.linux import files

    try:
        return files.read_regular(path, _LARGEST_BYTES)
    except OSError as error:
        raise ArgosyError(f"cannot read the key {path}: {error.strerror}") from error
