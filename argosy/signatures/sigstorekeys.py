"""Sigstore's key files: a PEM public key, and a private key encrypted under a passphrase as cosign does it.

The private key is PKCS #8 in a NaCl secretbox, whose key scrypt makes of the passphrase; a JSON object in a PEM block
holds the parameters.
"""

from __future__ import annotations

import base64
import binascii
import os

import nacl.exceptions
import nacl.secret
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid
from argosy.oci.fields import Fields

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

# containers/image reads this type in all versions, the newer "ENCRYPTED SIGSTORE PRIVATE KEY" only in later ones.
_WRITTEN_TYPE = "ENCRYPTED COSIGN PRIVATE KEY"
_TYPES = (_WRITTEN_TYPE, "ENCRYPTED SIGSTORE PRIVATE KEY")
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 32768, 8, 1
_SCRYPT_LIMIT_BYTES = 256 << 20
_SALT_BYTES = 32
_NAME = "nacl/secretbox"
_WHAT = "sigstore private key"


def public(data: bytes, what: str = "public key") -> PublicKey:
    """The public key in PEM (or DER) of `what`.  Raises Invalid for anything else."""
    try:
        key = (
            serialization.load_pem_public_key(data)
            if b"-----BEGIN" in data
            else serialization.load_der_public_key(data)
        )
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Invalid("public key", what, "it is not a PEM block with a public key") from error
    return accepted(key, what)


def accepted(key: object, what: str) -> PublicKey:
    """`key`, if it is of a kind with which signatures are made."""
    if not isinstance(key, PublicKey):
        raise Invalid("public key", what, "it is of a kind with which no image is signed")
    return key


def private(data: bytes, passphrase: bytes) -> PrivateKey:
    """The private key in a file.  Raises Invalid for what is none, ArgosyError for the wrong passphrase."""
    fields = Fields(jsontext.decode(_unarmored(data), _WHAT), _WHAT)
    kdf, cipher = fields.child("kdf"), fields.child("cipher")
    params = kdf.child("params") if kdf else None
    if kdf is None or cipher is None or params is None:
        raise Invalid(_WHAT, "kdf", "kdf with params and cipher are missing")
    if kdf.text("name") != "scrypt" or cipher.text("name") != _NAME:
        raise Invalid(_WHAT, kdf.text("name"), f"only scrypt with {_NAME} is known")
    cost = [params.number(name) for name in ("N", "r", "p")]
    secret = _derived(passphrase, _base64(kdf, "salt"), *cost)
    try:
        plain = nacl.secret.SecretBox(secret).decrypt(_base64(fields, "ciphertext"), _base64(cipher, "nonce"))
    except (nacl.exceptions.CryptoError, ValueError) as error:
        raise ArgosyError("cannot decrypt the sigstore private key: the passphrase is wrong") from error
    try:
        key = serialization.load_der_private_key(plain, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Invalid(_WHAT, "ciphertext", "it is not a key in PKCS #8") from error
    if not isinstance(key, PrivateKey):
        raise Invalid(_WHAT, "ciphertext", "the key is of a kind with which no image is signed")
    return key


def generate(passphrase: bytes) -> tuple[bytes, bytes]:
    """A new key pair: the file of the private key, encrypted, and that of the public key."""
    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8
    plain = key.private_bytes(serialization.Encoding.DER, form, serialization.NoEncryption())
    salt = os.urandom(_SALT_BYTES)
    secret = _derived(passphrase, salt, _SCRYPT_N, _SCRYPT_R, _SCRYPT_P)
    sealed = nacl.secret.SecretBox(secret).encrypt(plain)
    document = {
        "kdf": {
            "name": "scrypt",
            "params": {"N": _SCRYPT_N, "r": _SCRYPT_R, "p": _SCRYPT_P},
            "salt": base64.b64encode(salt).decode(),
        },
        "cipher": {"name": _NAME, "nonce": base64.b64encode(sealed.nonce).decode()},
        "ciphertext": base64.b64encode(sealed.ciphertext).decode(),
    }
    public_form = serialization.PublicFormat.SubjectPublicKeyInfo
    return _armored(jsontext.encode(document)), key.public_key().public_bytes(serialization.Encoding.PEM, public_form)


def _derived(passphrase: bytes, salt: bytes, n: int, r: int, p: int) -> bytes:
    """The secretbox's key.  Refuses parameters that would take the machine's memory."""
    if not (n > 1 and r > 0 and 0 < p <= 16 and 128 * n * r <= _SCRYPT_LIMIT_BYTES):
        raise Invalid(_WHAT, f"N={n} r={r} p={p}", "no such cost of scrypt is accepted")
    try:
        return Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(passphrase)
    except ValueError as error:
        raise Invalid(_WHAT, f"N={n} r={r} p={p}", str(error)) from error


def _base64(fields: Fields, key: str) -> bytes:
    try:
        return base64.b64decode(fields.text(key), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid(_WHAT, fields.at(key), "it is not base64") from error


def _armored(data: bytes) -> bytes:
    text = base64.b64encode(data).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join((f"-----BEGIN {_WRITTEN_TYPE}-----", *lines, f"-----END {_WRITTEN_TYPE}-----", "")).encode()


def _unarmored(data: bytes) -> bytes:
    text = data.decode("ascii", "replace").strip()
    for kind in _TYPES:
        begin, end = f"-----BEGIN {kind}-----", f"-----END {kind}-----"
        if text.startswith(begin) and text.endswith(end):
            try:
                return base64.b64decode("".join(text[len(begin) : -len(end)].split()), validate=True)
            except (binascii.Error, ValueError) as error:
                raise Invalid(_WHAT, kind, "it is not base64") from error
    raise Invalid(_WHAT, text[:40].partition("\n")[0], f"it is not one PEM block of {' or '.join(_TYPES)}")
