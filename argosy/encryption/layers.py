"""Encrypted layers, as ocicrypt writes them (containers/ocicrypt; OCI image encryption, draft).

A layer is encrypted by AES-256 in counter mode under a key of its own, and authenticated by HMAC-SHA256 over what that
gives.  The key and the layer's digest, as JSON, are wrapped for each recipient by JWE (RFC 7516; RSA-OAEP, A256GCM) and
go into the layer's annotations, with the authentication code beside them.
"""

from __future__ import annotations

import base64
import binascii
import os

from argosy import jsontext
from argosy.encryption import jwe
from argosy.errors import ArgosyError, Invalid, Unsupported
from argosy.oci import digest as digests
from argosy.oci import mediatypes
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from argosy.oci.descriptor import Descriptor

_PREFIX = "org.opencontainers.image.enc."
_WRAPPED = f"{_PREFIX}keys.jwe"
_PUBLIC = f"{_PREFIX}pubopts"
_CIPHER = "AES_256_CTR_HMAC_SHA256"
_KEY_BYTES = 32
_NONCE_BYTES = 16


class Keys(Value):
    """The recipients to encrypt for, and the keys to decrypt with.

    `layers` are the positions of the layers to encrypt, from 0 up, or from -1 down; none means all.
    """

    recipients: tuple[Any, ...] = ()
    private: tuple[Any, ...] = ()
    layers: tuple[int, ...] = ()

    @property
    def encrypts(self) -> bool:
        """Whether layers are to be encrypted."""
        return bool(self.recipients)

    @property
    def decrypts(self) -> bool:
        """Whether encrypted layers are to be decrypted."""
        return bool(self.private)

    def indices(self, count: int) -> frozenset[int]:
        """The positions to encrypt of `count` layers.  Raises Invalid for one that does not exist."""
        if not self.encrypts:
            return frozenset()
        for position in self.layers:
            if not -count <= position < count:
                raise Invalid("layer to encrypt", str(position), f"the image has {count} layers")
        return frozenset(position % count for position in self.layers) if self.layers else frozenset(range(count))

    def is_encrypted(self, layer: Descriptor) -> bool:
        """Whether it must be decrypted before it can be looked into."""
        return self.decrypts and layer.media_type.endswith(mediatypes.ENCRYPTED)

    def decrypted(self, layer: Descriptor, blocks: Iterator[bytes]) -> tuple[Iterator[bytes], dict[str, str]]:
        """What `blocks`, the encrypted layer's, stand for, and its annotations without those of the encryption.

        Raises ArgosyError when no key fits; the blocks raise it at their end when they were changed.
        """
        try:
            public = _decoded(layer.annotations[_PUBLIC])
            wrapped = [_decoded(text) for text in layer.annotations[_WRAPPED].split(",")]
            hmac = base64.b64decode(public["hmac"], validate=True)
        except (KeyError, TypeError, ValueError) as error:
            raise Invalid("layer", str(layer.digest), "it is encrypted in a way that argosy does not know") from error
        if public.get("cipher") != _CIPHER:
            raise Unsupported(f"layer {layer.digest} is encrypted by the cipher {public.get('cipher')}")
        private = jwe.unwrap(wrapped, self.private)
        if private is None:
            raise ArgosyError(
                f"layer {layer.digest} cannot be decrypted",
                details="none of the keys is one that it was encrypted for",
                hint="give the private key with --decryption-key",
            )
        rest = {name: text for name, text in layer.annotations.items() if not name.startswith(_PREFIX)}
        return _open(layer, blocks, jsontext.decode(private, "the layer's key"), hmac), rest

    def encrypted(self, blocks: Iterator[bytes]) -> Sealed:
        """The encryption of a layer for all recipients."""
        return Sealed(self.recipients, blocks)


def _decoded(text: str) -> Any:
    value = jsontext.decode(base64.b64decode(text, validate=True), "annotation")
    if not isinstance(value, dict):
        raise TypeError("not a JSON object")
    return value


def _cipher(key: bytes, nonce: bytes) -> tuple[Any, Any]:
    """The counter mode and the authentication code under a key."""
    from cryptography.hazmat.primitives import hashes, hmac
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    return Cipher(algorithms.AES(key), modes.CTR(nonce)), hmac.HMAC(key, hashes.SHA256())


def _open(layer: Descriptor, blocks: Iterator[bytes], private: Any, expected: bytes) -> Iterator[bytes]:
    try:
        key = base64.b64decode(private["symkey"], validate=True)
        nonce = base64.b64decode(private["cipheroptions"]["nonce"], validate=True)
        digest = digests.parse(private["digest"], "digest of a decrypted layer")
        cipher, code = _cipher(key, nonce)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise Invalid("layer", str(layer.digest), "its key is not one that ocicrypt writes") from error
    decryptor = cipher.decryptor()
    hasher = digests.hasher(digest.algorithm)
    for block in blocks:
        code.update(block)
        data = decryptor.update(block)
        hasher.update(data)
        yield data
    if code.finalize() != expected or hasher.hexdigest() != digest.hex:
        raise Invalid("layer", str(layer.digest), "it was changed after it was encrypted")


class Sealed:
    """A layer that is being encrypted: take all of `blocks`, then the `annotations` that go with them."""

    def __init__(self, recipients: tuple[Any, ...], blocks: Iterator[bytes]) -> None:
        self._recipients = recipients
        self._plain = blocks
        self._key = os.urandom(_KEY_BYTES)
        self._nonce = os.urandom(_NONCE_BYTES)
        self._digest = ""
        self._code = b""

    def blocks(self) -> Iterator[bytes]:
        """The encrypted bytes."""
        cipher, code = _cipher(self._key, self._nonce)
        encryptor = cipher.encryptor()
        hasher = digests.hasher()
        for block in self._plain:
            hasher.update(block)
            data = encryptor.update(block)
            code.update(data)
            yield data
        self._digest, self._code = f"sha256:{hasher.hexdigest()}", code.finalize()

    def annotations(self) -> dict[str, str]:
        """The wrapped key and the authentication code, as ocicrypt looks for them."""
        private = {
            "symkey": _text(self._key),
            "digest": self._digest,
            "cipheroptions": {"nonce": _text(self._nonce)},
        }
        public = {"cipher": _CIPHER, "hmac": _text(self._code), "cipheroptions": {}}
        return {
            _WRAPPED: _text(jwe.wrap(jsontext.encode(private), self._recipients)),
            _PUBLIC: _text(jsontext.encode(public)),
        }


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
