"""Data at rest: AES-256-GCM under a key of the user's, in a file of its own beside the user's configuration.

A copy or a backup of the store alone gives no secret away.  The key is made once, at first use, and never replaced.
"""

from __future__ import annotations

import os
import stat

from argosy.errors import ArgosyError
from argosy.linux import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = b"\x01"


def seal(key_path: str, data: bytes, context: str) -> bytes:
    """`data`, readable only with the key and the same `context` (so that no file can take another's place).

    Makes the key where there is none.
    """
    key = _cipher(_key(key_path, make=True))
    nonce = os.urandom(_NONCE_BYTES)
    return _VERSION + nonce + key.encrypt(nonce, data, context.encode())


def unseal(key_path: str, sealed: bytes, context: str) -> bytes:
    """What `seal` was given.  Raises ArgosyError when the key is lost or another one, or the file was changed."""
    from cryptography.exceptions import InvalidTag

    key = _cipher(_key(key_path, make=False))
    nonce, text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        if sealed[:1] != _VERSION:
            raise InvalidTag
        return key.decrypt(nonce, text, context.encode())
    except (InvalidTag, ValueError) as error:
        raise ArgosyError(
            f"the data of secret {context} cannot be decrypted",
            details=f"it was changed, or sealed with another key than {key_path}",
            hint="restore the key file, or make the secret anew: argosy secret create --replace",
        ) from error


def _cipher(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _key(path: str, *, make: bool) -> bytes:
    try:
        key = _read(path)
    except FileNotFoundError as error:
        if not make:
            hint = "restore it, or make the secret anew: argosy secret create --replace"
            raise ArgosyError(f"the key of the secrets, {path}, is missing", hint=hint) from error
        _make(path)
        key = _read(path)
    if len(key) != _KEY_BYTES:
        raise ArgosyError(
            f"the key of the secrets, {path}, is damaged: it has {len(key)} bytes in place of {_KEY_BYTES}",
            hint="restore it; without it the secrets are lost, and it can be removed with them",
        )
    return key


def _read(path: str) -> bytes:
    key = files.read_regular(path, _KEY_BYTES + 1)
    mode = stat.S_IMODE(os.stat(path).st_mode)
    if mode & 0o077:
        raise ArgosyError(
            f"the key of the secrets, {path}, can be read by others: its mode is {mode:04o}", hint=f"chmod 600 {path}"
        )
    return key


def _make(path: str) -> None:
    """Put a new key at `path`, whole and stable on disk, unless somebody else does so first."""
    files.make_directories(os.path.dirname(path))
    temporary = f"{path}.{os.urandom(6).hex()}~"
    files.write_atomic(temporary, os.urandom(_KEY_BYTES), durable=True)
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(temporary)
    files.fsync_directory(os.path.dirname(path))
