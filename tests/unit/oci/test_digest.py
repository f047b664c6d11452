"""Digests."""

from __future__ import annotations

import hashlib

import pytest

from argosy.errors import Invalid
from argosy.oci import digest

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_parts() -> None:
    parsed = digest.parse(EMPTY)
    assert parsed == EMPTY
    assert parsed.algorithm == "sha256"
    assert parsed.hex == EMPTY[7:]
    assert digest.parse(parsed) is parsed
    assert digest.parse("sha512:" + "0" * 128).algorithm == "sha512"


def test_of_bytes() -> None:
    assert digest.of_bytes(b"") == EMPTY
    data = bytes(range(256)) * 1000
    assert digest.of_bytes(data).hex == hashlib.sha256(data).hexdigest()
    hasher = digest.hasher("sha512")
    hasher.update(data)
    assert hasher.hexdigest() == hashlib.sha512(data).hexdigest()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        EMPTY[7:],
        EMPTY[:-1],
        EMPTY + "0",
        EMPTY.upper(),
        EMPTY.replace("e3", "E3"),
        EMPTY.replace("e3", "g3"),
        EMPTY.replace("e3", "/."),
        EMPTY + "\n",
        " " + EMPTY[:-1],
        "md5:" + "0" * 32,
        "sha1:" + "0" * 40,
        "sha384:" + "0" * 96,
        "sha256:../../../../etc/passwd",
        "sha512:" + EMPTY[7:],
        "sha256:" + "\uff10" * 64,
    ],
)
def test_what_is_no_digest(text: str) -> None:
    with pytest.raises(Invalid, match="invalid layer"):
        digest.parse(text, "layer")


def test_is_hex() -> None:
    assert digest.is_hex("0af")
    assert not digest.is_hex("")
    assert not digest.is_hex("0AF")
