"""Key files and signature blobs, written and read again; and what they must not be."""

from __future__ import annotations

import base64
import json

import pytest

from argosy.errors import ArgosyError, Invalid
from argosy.signatures import blob, payload, sigstore, sigstorekeys
from argosy.signatures.blob import Sigstore, Simple


def test_a_key_pair_signs_and_verifies() -> None:
    private, public = sigstorekeys.generate(b"secret")
    key = sigstorekeys.private(private, b"secret")
    signed = sigstore.sign(b"payload", key)
    assert sigstore.maker(signed, [sigstorekeys.public(public)]) == 0
    with pytest.raises(ArgosyError, match="passphrase is wrong"):
        sigstorekeys.private(private, b"")


def _changed(private: bytes, **changes: object) -> bytes:
    body = b"".join(private.splitlines()[1:-1])
    document = json.loads(base64.b64decode(body))
    document.update(changes)
    name = b"ENCRYPTED COSIGN PRIVATE KEY-----\n"
    return b"-----BEGIN " + name + base64.b64encode(json.dumps(document).encode()) + b"\n-----END " + name


@pytest.mark.parametrize("cost", [{"N": 1 << 40, "r": 8, "p": 1}, {"N": 0, "r": 8, "p": 1}, {"N": 4, "r": 8, "p": 99}])
def test_the_cost_of_a_foreign_key_is_bounded(cost: dict[str, int]) -> None:
    private, _ = sigstorekeys.generate(b"")
    kdf = {"name": "scrypt", "params": cost, "salt": "AAAA"}
    with pytest.raises(Invalid, match="cost of scrypt"):
        sigstorekeys.private(_changed(private, kdf=kdf), b"")


def test_what_is_no_key_is_refused() -> None:
    private, public = sigstorekeys.generate(b"")
    for data in (b"", b"x", public, b"-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\n%\n", _changed(private, kdf=None)):
        with pytest.raises(Invalid):
            sigstorekeys.private(data, b"")
    for data in (b"", b"x", private, b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"):
        with pytest.raises(Invalid):
            sigstorekeys.public(data)


def test_blobs_survive() -> None:
    for signature in (Simple(b"\x99abc"), Sigstore("m", b"p\0", {"a": "b"})):
        assert blob.decode(blob.encode(signature)) == signature
    assert blob.decode(b"\0simple-signing\n\x99") == Simple(b"\x99")


@pytest.mark.parametrize("data", [b"", b"{}", b"\0", b"\0sigstore-json\n", b"\0sigstore-json\n[]", b"\0other\nx"])
def test_other_blobs_are_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        blob.decode(data)


def test_a_claim_is_read_as_it_was_made() -> None:
    digest = "sha256:" + "a" * 64
    claim = payload.read(payload.SIMPLE, payload.make(payload.SIMPLE, digest, "quay.io/a:1", 5))
    assert (claim.digest, str(claim.reference)) == (digest, "quay.io/a:1")
    with pytest.raises(Invalid, match="its type is not"):
        payload.read(payload.SIGSTORE, payload.make(payload.SIMPLE, digest, "quay.io/a:1", 5))
