"""OpenPGP signatures, by the programs of GnuPG: gpgv verifies against given keys alone, gpg signs with the user's."""

from __future__ import annotations

import base64
import binascii
import os

from argosy.errors import ArgosyError
from argosy.linux import process
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from argosy.linux.process import Completed

_TIME_S = 60.0
_PAYLOAD_LIMIT = 4 << 20
_STATUS_LIMIT = 1 << 20
_ARMOR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
_ARMOR_END = b"-----END PGP PUBLIC KEY BLOCK-----"
_REFUSED = {
    "BADSIG": "the signature is wrong",
    "EXPSIG": "the signature has expired",
    "EXPKEYSIG": "the key has expired",
    "REVKEYSIG": "the key was revoked",
    "ERRSIG": "none of the keys that are trusted made it",
}


class BadSignature(ArgosyError):
    """A signature that proves nothing, and why."""


class Verified(Value):
    """What was signed, and the fingerprints of the key that did it and of the primary key that it belongs to."""

    payload: bytes
    fingerprints: tuple[str, ...]


def verify(message: bytes, keys: Iterable[bytes]) -> Verified:
    """What a signed message says that one of `keys` (exported public keys, armored or not) has made.

    Raises BadSignature for any other.
    """
    ring = b"".join(_binary(key) for key in keys)
    with _Memory("keyring", ring) as keyring, _Memory("status") as status:
        argv = ["gpgv", "--quiet", "--keyring", keyring.path, "--status-fd", str(status.fd), "--output", "-", "-"]
        done = process.run(
            argv,
            input=message,
            env=_plain_environment(),
            check=False,
            timeout_s=_TIME_S,
            pass_fds=(keyring.fd, status.fd),
            output_limit=_PAYLOAD_LIMIT,
        )
        lines = status.read(_STATUS_LIMIT).decode("utf-8", "replace").splitlines()
    words = [line.split(" ")[1:] for line in lines if line.startswith("[GNUPG:] ")]
    _check(done, words)
    valid = next(line for line in words if line[0] == "VALIDSIG")
    return Verified(done.stdout, tuple(dict.fromkeys((valid[1], valid[-1]))))


def _check(done: Completed, status: list[list[str]]) -> None:
    """Exactly one text with exactly one signature, which is good: of several, one could speak for another's text."""
    words = [line[0] for line in status if line]
    for word, why in _REFUSED.items():
        if word in words:
            raise BadSignature(f"invalid GPG signature: {why}")
    counted = [words.count(word) for word in ("PLAINTEXT", "NEWSIG", "GOODSIG", "VALIDSIG")]
    if done.returncode != 0 or counted != [1, 1, 1, 1]:
        said = done.stderr.decode(errors="replace").strip()
        raise BadSignature("invalid GPG signature: it is not one signed message", details=said[:500])


def sign(payload: bytes, key: str, environ: Mapping[str, str], passphrase: str | None = None) -> bytes:
    """`payload` signed by the user's secret key `key` (a fingerprint or address).

    With a passphrase nobody is asked for one.  Raises ArgosyError in gpg's words.
    """
    argv = ["gpg", "--batch", "--no-tty", "--quiet", "--sign", "--local-user", key, "--output", "-"]
    if passphrase is None:
        return _run_gpg([*argv, "-"], payload, environ).stdout
    with _Memory("passphrase", f"{passphrase}\n".encode()) as secret:
        argv += ["--pinentry-mode", "loopback", "--passphrase-fd", str(secret.fd), "-"]
        return _run_gpg(argv, payload, environ, (secret.fd,)).stdout


def export(environ: Mapping[str, str]) -> bytes:
    """All public keys of the user's keyring."""
    return _run_gpg(["gpg", "--batch", "--no-tty", "--export"], b"", environ).stdout


def user_ids(data: bytes) -> tuple[str, ...]:
    """The names and addresses of the keys in an exported keyring."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="argosy-gpg.") as home:
        argv = ["gpg", "--homedir", home, "--batch", "--no-tty", "--quiet", "--with-colons", "--show-keys"]
        done = process.run(argv, input=data, env=_plain_environment(), check=False, timeout_s=_TIME_S)
    lines = [line.split(":") for line in done.stdout.decode(errors="replace").splitlines()]
    return tuple(line[9].replace("\\x3a", ":") for line in lines if line[0] == "uid" and len(line) > 9)


def _run_gpg(argv: list[str], data: bytes, environ: Mapping[str, str], fds: tuple[int, ...] = ()) -> Completed:
    done = process.run(argv, input=data, env=environ, check=False, timeout_s=600.0, pass_fds=fds)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise ArgosyError(f"gpg failed with exit status {done.returncode}", details=said)
    return done


def _plain_environment() -> dict[str, str]:
    """No home directory whose configuration or keys could take part."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "HOME": "/nonexistent",
        "GNUPGHOME": "/nonexistent",
    }


def _binary(key: bytes) -> bytes:
    """The key's packets: gpgv takes no armor."""
    start = key.find(_ARMOR)
    if start < 0:
        return key
    found = b""
    while start >= 0:
        end = key.find(_ARMOR_END, start)
        lines = [line.strip() for line in key[start:end].splitlines()[1:]]
        if end < 0 or b"" not in lines:
            raise ArgosyError("the armored GPG key is not complete")
        body = [line for line in lines[lines.index(b"") + 1 :] if not line.startswith(b"=")]
        try:
            found += base64.b64decode(b"".join(body), validate=True)
        except (binascii.Error, ValueError) as error:
            raise ArgosyError("the armored GPG key is not base64") from error
        start = key.find(_ARMOR, end)
    return found


class _Memory:
    """A file in memory, which a program can open by its path or inherit; at its start, with `data` in it."""

    def __init__(self, name: str, data: bytes = b"") -> None:
        self.fd = os.memfd_create(name, os.MFD_CLOEXEC)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self.fd, rest) :]
        os.lseek(self.fd, 0, os.SEEK_SET)
        self.path = f"/proc/self/fd/{self.fd}"

    def read(self, limit: int) -> bytes:
        return os.pread(self.fd, limit, 0)

    def __enter__(self) -> _Memory:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self.fd)
