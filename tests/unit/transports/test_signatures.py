"""Signatures as files: in an image directory, and in the lookaside of a directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argosy.errors import ArgosyError, Unsupported
from argosy.oci import digest as digests
from argosy.signatures.blob import Signature, Sigstore, Simple
from argosy.transports.lookaside import Lookaside
from argosy.transports.signatures import DirectorySignatures, NoSignatures

MANIFEST = b"{}"
MAIN = digests.of_bytes(MANIFEST)
OTHER = digests.of_bytes(b"other")
SIGNATURES: list[Signature] = [Simple(b"\x99abc"), Sigstore("m", b"p", {"a": "b"})]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "manifest.json").write_bytes(MANIFEST)
    return tmp_path


def test_an_image_directory(directory: Path) -> None:
    store = DirectorySignatures(str(directory))
    assert store.read(MAIN) == store.read(OTHER) == []
    store.write(MAIN, SIGNATURES)
    store.write(OTHER, SIGNATURES[:1])
    assert store.read(MAIN) == SIGNATURES
    assert store.read(OTHER) == SIGNATURES[:1]
    assert sorted(os.listdir(directory)) == sorted(
        [f"{OTHER.hex}-signature-1", "manifest.json", "signature-1", "signature-2"]
    )


def test_links_in_an_image_directory_are_not_followed(
    directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    secret = tmp_path_factory.mktemp("secret") / "keyring"
    secret.write_bytes(b"\x99secret")
    (directory / "signature-1").symlink_to(secret)
    with pytest.raises(ArgosyError, match="symbolic link"):
        DirectorySignatures(str(directory)).read(MAIN)
    (directory / "signature-1").unlink()
    os.mkfifo(directory / "signature-1")
    with pytest.raises(ArgosyError, match="not a regular file"):
        DirectorySignatures(str(directory)).read(MAIN)


def test_a_lookaside_in_a_directory(tmp_path: Path) -> None:
    store = Lookaside(f"file://{tmp_path}/with%20blank", "me/app", {})
    assert store.read(MAIN) == []
    store.write(MAIN, [b"a", b"b", b"c"])
    assert store.read(MAIN) == [b"a", b"b", b"c"]
    assert (tmp_path / f"with blank/me/app@sha256={MAIN.hex}/signature-1").read_bytes() == b"a"
    store.write(MAIN, [b"d"])
    assert store.read(MAIN) == [b"d"]


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for base in (f"file://{tmp_path}/file", "https://user:secret@example.com/x", "/no/scheme"):
        with pytest.raises(ArgosyError) as error:
            Lookaside(base, "app", {}).write(MAIN, [b"a"])
        assert "secret" not in str(error.value)
    NoSignatures("oci").write(MAIN, [])
    with pytest.raises(Unsupported, match="cannot be kept in oci:"):
        NoSignatures("oci").check(SIGNATURES)
