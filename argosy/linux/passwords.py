"""Passwords compared with their hashes by the host's crypt(3), which knows bcrypt where Python does not."""

from __future__ import annotations

from argosy.errors import Unsupported
from argosy.linux import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.linux.syscalls import Library

# bcrypt, yescrypt, SHA-512 and SHA-256 (crypt(5)): what takes an attacker time.
PREFIXES = ("$2y$", "$2b$", "$2a$", "$y$", "$6$", "$5$")
_LIBRARIES = ("libcrypt.so.1", "libcrypt.so.2", None)  # musl has it in the C library
_STATE_BYTES = 1 << 18  # struct crypt_data has 32 KiB in libxcrypt, 128 KiB in older C libraries


def matches(password: bytes, hashed: str) -> bool:
    """Whether the password has this hash.  Takes as long as the hash wants; safe in several threads.

    Raises Unsupported when the host has no crypt(3).
    """
    if b"\0" in password or not hashed.startswith(PREFIXES):
        return False
    import hmac

    setting = hashed.encode()
    state = syscalls.Buffer(bytes(_STATE_BYTES))
    found = _library().call("crypt_r", password, setting, state, result="z")
    return isinstance(found, bytes) and hmac.compare_digest(found, setting)


def _library() -> Library:
    for name in _LIBRARIES:
        try:
            library = syscalls.load_library(name)
            library.function("crypt_r", "z")
        except (OSError, AttributeError):
            continue
        return library
    raise Unsupported("this host has no libcrypt, which compares passwords", hint="install libcrypt1 or libxcrypt")
