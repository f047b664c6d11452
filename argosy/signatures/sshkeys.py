"""Private keys of SSH: what an agent needs of them (RFC 4253 and 5656, 8332, 8709)."""

from __future__ import annotations

import base64

from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

    Private = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

RSA_SHA2_256, RSA_SHA2_512 = 2, 4  # flags of a request for a signature
_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"


class SshKey:
    """A private key; `blob` is the public one as SSH writes it, `name` what people call it."""

    def __init__(self, key: Private, name: str) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        self._key = key
        self.name = name
        line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        self.blob = base64.b64decode(line.split()[1])

    def sign(self, data: bytes, flags: int) -> bytes:
        """The signature as SSH writes it.  `flags` choose the digest where the key is RSA's."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding

        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return text(b"ssh-ed25519") + text(self._key.sign(data))
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._ecdsa(self._key, data)
        names: dict[int, tuple[bytes, HashAlgorithm]] = {
            RSA_SHA2_512: (b"rsa-sha2-512", hashes.SHA512()),
            RSA_SHA2_256: (b"rsa-sha2-256", hashes.SHA256()),
        }
        chosen = flags & RSA_SHA2_512 or flags & RSA_SHA2_256
        name, digest = names.get(chosen, (b"ssh-rsa", hashes.SHA1()))  # noqa: S303 -- what a plain request means
        return text(name) + text(self._key.sign(data, padding.PKCS1v15(), digest))

    @staticmethod
    def _ecdsa(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, utils

        digests: dict[int, HashAlgorithm] = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
        r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(digests[key.key_size])))
        return text(f"ecdsa-sha2-nistp{key.key_size}".encode()) + text(_number(r) + _number(s))


def text(data: bytes) -> bytes:
    """The type `string` of RFC 4251: a length, then the bytes."""
    return len(data).to_bytes(4, "big") + data


def _number(value: int) -> bytes:
    """The type `mpint`: no sign bit for what is positive."""
    return text(value.to_bytes(value.bit_length() // 8 + 1, "big"))


def load(data: bytes, name: str) -> SshKey:
    """The key in a file of OpenSSH's or in PEM.  Raises ArgosyError, which shows nothing of it."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    read = serialization.load_ssh_private_key if _OPENSSH in data else serialization.load_pem_private_key
    try:
        key = read(data, None)
    except TypeError:
        hint = "hold it in an agent: ssh-add, and --ssh ID alone"
        raise ArgosyError(f"the key {name} is protected by a passphrase", hint=hint) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ArgosyError(f"{name} is neither a private key of SSH nor the socket of an agent") from None
    if not isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ArgosyError(f"the key {name} is neither Ed25519 nor ECDSA nor RSA")
    return SshKey(key, name)
