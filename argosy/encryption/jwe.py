"""JSON Web Encryption (RFC 7516) of a small text for the owners of RSA keys, and the files that hold such keys.

Written in the flattened form for one recipient, in the general form for several, as ocicrypt reads it.
"""

from __future__ import annotations

import base64
import os

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid, Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

_ALGORITHM = "RSA-OAEP"
_CONTENT = "A256GCM"
_KEY_LIMIT = 1 << 20
_TAG_BYTES = 16


def recipient(text: str) -> Any:
    """The public key that `PROTOCOL:FILE` names.  Raises Unsupported for another protocol than jwe, Invalid."""
    protocol, colon, path = text.partition(":")
    if not colon or not path:
        raise Invalid("encryption key", text, "it is written PROTOCOL:FILE, as in jwe:/path/to/key.pem")
    if protocol != "jwe":
        raise Unsupported(
            f"argosy does not encrypt layers by {protocol}", hint="use jwe:FILE, with a public RSA key in PEM"
        )
    return _rsa(_loaded(path, _public_readers(), "public"), path)


def private(text: str) -> Any:
    """The private key that `FILE[:PASSPHRASE]` names; the passphrase may be `pass=TEXT` or `file=PATH`."""
    path, colon, passphrase = text.partition(":")
    password = _passphrase(passphrase) if colon else None
    return _rsa(_loaded(path, _private_readers(password), "private"), path)


def _passphrase(text: str) -> bytes:
    kind, equals, rest = text.partition("=")
    if equals and kind == "file":
        return _read(rest).rstrip(b"\n")
    return (rest if equals and kind == "pass" else text).encode()


def _read(path: str) -> bytes:
    from argosy.linux import files

    try:
        return files.read(path, _KEY_LIMIT)
    except OSError as error:
        raise ArgosyError(f"cannot read the key {path}: {str(error.strerror).lower()}") from error


def _public_readers() -> tuple[Any, ...]:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    return (
        serialization.load_pem_public_key,
        serialization.load_der_public_key,
        lambda data: x509.load_pem_x509_certificate(data).public_key(),
        lambda data: serialization.load_pem_private_key(data, None).public_key(),
    )


def _private_readers(password: bytes | None) -> tuple[Any, ...]:
    from cryptography.hazmat.primitives import serialization

    return (
        lambda data: serialization.load_pem_private_key(data, password),
        lambda data: serialization.load_der_private_key(data, password),
    )


def _loaded(path: str, readers: Iterable[Any], kind: str) -> Any:
    data = _read(path)
    reasons = []
    for reader in readers:
        try:
            return reader(data)
        except (ValueError, TypeError) as error:
            reasons.append(error)
    if any(isinstance(reason, TypeError) for reason in reasons):
        raise Invalid(f"{kind} key", path, "it is protected: give its passphrase, as in FILE:PASSPHRASE")
    raise Invalid(f"{kind} key", path, "it is no key in PEM or DER, or the passphrase is wrong")


def _rsa(key: Any, path: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric import rsa

    if not isinstance(key, (rsa.RSAPublicKey, rsa.RSAPrivateKey)):
        raise Unsupported(f"the key {path} is not an RSA key, the only kind that argosy encrypts layers with")
    return key


def _oaep() -> Any:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    digest = hashes.SHA1()  # noqa: S303 -- what RSA-OAEP of RFC 7518 is; its use here does not rest on collisions
    return padding.OAEP(padding.MGF1(digest), digest, None)


def wrap(text: bytes, recipients: Sequence[Any]) -> bytes:
    """`text` for all recipients, as JSON."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key, nonce = os.urandom(32), os.urandom(12)
    header = {"enc": _CONTENT} if len(recipients) > 1 else {"alg": _ALGORITHM, "enc": _CONTENT}
    protected = _encoded(jsontext.encode(header))
    sealed = AESGCM(key).encrypt(nonce, text, protected.encode())
    keys = [_encoded(public.encrypt(key, _oaep())) for public in recipients]
    document: dict[str, Any] = {"protected": protected}
    if len(keys) > 1:
        document["recipients"] = [{"header": {"alg": _ALGORITHM}, "encrypted_key": wrapped} for wrapped in keys]
    else:
        document["encrypted_key"] = keys[0]
    document["iv"] = _encoded(nonce)
    document["ciphertext"] = _encoded(sealed[:-_TAG_BYTES])
    document["tag"] = _encoded(sealed[-_TAG_BYTES:])
    return jsontext.encode(document)


def unwrap(documents: Iterable[dict[str, Any]], keys: Iterable[Any]) -> bytes | None:
    """The text of the first of the documents that one of the private keys opens; None when none does."""
    private_keys = tuple(keys)
    for document in documents:
        recipients = document.get("recipients") or [document]
        for entry in recipients if isinstance(recipients, list) else ():
            for key in private_keys:
                text = _opened(document, entry, key)
                if text is not None:
                    return text
    return None


def _opened(document: dict[str, Any], entry: dict[str, Any], key: Any) -> bytes | None:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        header = {**(jsontext.decode(_decoded(document["protected"])) or {}), **(entry.get("header") or {})}
        if header.get("alg") != _ALGORITHM or header.get("enc") != _CONTENT:
            return None
        content_key = key.decrypt(_decoded(entry["encrypted_key"]), _oaep())
        sealed = _decoded(document["ciphertext"]) + _decoded(document["tag"])
        text: bytes = AESGCM(content_key).decrypt(_decoded(document["iv"]), sealed, document["protected"].encode())
        return text
    except (KeyError, TypeError, ValueError, AttributeError, Invalid, InvalidTag):
        return None  # it was wrapped for another key


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
