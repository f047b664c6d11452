"""Sigstore signatures (cosign's format): made with a private key, verified by a public key or by a certificate."""

from __future__ import annotations

import base64
import binascii

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from argosy.signatures import blob
from argosy.signatures.blob import Sigstore
from argosy.signatures.gpg import BadSignature
from argosy.signatures.sigstorekeys import PrivateKey, PublicKey


def sign(payload: bytes, key: PrivateKey) -> Sigstore:
    """The payload with its signature."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        made = key.sign(payload, ec.ECDSA(hashes.SHA256()))
    elif isinstance(key, rsa.RSAPrivateKey):
        made = key.sign(payload, padding.PKCS1v15(), hashes.SHA256())
    else:
        made = key.sign(payload)
    return Sigstore(blob.PAYLOAD_TYPE, payload, {blob.SIGNATURE: base64.b64encode(made).decode()})


def maker(signature: Sigstore, keys: list[PublicKey]) -> int:
    """Which of `keys` made the signature.  Raises BadSignature when none did."""
    raw = raw_signature(signature)
    for position, key in enumerate(keys):
        if _is_by(key, raw, signature.payload):
            return position
    raise BadSignature("cryptographic signature verification failed: none of the keys that are trusted made it")


def raw_signature(signature: Sigstore) -> bytes:
    """The bytes of the signature itself."""
    text = annotation(signature, blob.SIGNATURE)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadSignature(f"the annotation {blob.SIGNATURE} is not base64") from error


def annotation(signature: Sigstore, name: str) -> str:
    """The annotation, which must be there."""
    text = signature.annotations.get(name, "")
    if not text:
        raise BadSignature(f"the signature lacks the annotation {name}")
    return text


def check(key: PublicKey, signature: bytes, data: bytes, what: str) -> None:
    """Raise BadSignature unless `key` made the raw signature of `data`; `what` is who should have."""
    if not _is_by(key, signature, data):
        raise BadSignature(f"cryptographic signature verification failed: {what} did not make it")


def _is_by(key: PublicKey, signature: bytes, data: bytes) -> bool:
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        else:
            assert isinstance(key, ed25519.Ed25519PublicKey)
            key.verify(signature, data)
    except InvalidSignature:
        return False
    return True
