"""Signatures as files: in an image directory, and in the lookaside of a directory."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from argosy.config.registries import Registries
from argosy.errors import ArgosyError, Unsupported
from argosy.oci import digest as digests
from argosy.oci import reference as references
from argosy.oci.reference import Reference
from argosy.registry.client import RawManifest
from argosy.signatures.blob import PAYLOAD_TYPE, Signature, Sigstore, Simple
from argosy.transports import attachments, docker
from argosy.transports.access import RegistryOptions
from argosy.transports.lookaside import Lookaside
from argosy.transports.signatures import DirectorySignatures, NoSignatures
from tests.rig.registry import Registry

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


def test_signers_at_once_lose_nothing_in_a_directory(tmp_path: Path) -> None:
    signatures = [f"signature {number}".encode() for number in range(12)]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda one: Lookaside(f"file://{tmp_path}", "app", {}).add(MAIN, one), signatures))
    assert sorted(Lookaside(f"file://{tmp_path}", "app", {}).read(MAIN)) == sorted(signatures)


class Attached:
    """The signatures of one image at a real registry, with the means to write them as one user's processes have."""

    def __init__(self, registry: Registry, notes: str) -> None:
        self.reference = references.parse(f"{registry.name}/signed/app{os.urandom(3).hex()}:1")
        self._notes = notes
        self._options = RegistryOptions(tls_verify=False)

    def source(self, reference: Reference) -> docker.DockerSource:
        return docker.open_source(reference, registries=Registries(), environ={}, uid=0, options=self._options)

    def destination(self, reference: Reference) -> docker.DockerDestination:
        return docker.open_destination(
            reference, registries=Registries(), environ={}, uid=0, options=self._options, notes=self._notes
        )

    def write(self, signature: Sigstore) -> None:
        attachments.write(self.reference, MAIN, [signature], self.source, self.destination)

    def read(self) -> list[Sigstore]:
        return sorted(attachments.read(self.reference, MAIN, self.source), key=lambda one: one.payload)


SIGSTORE = [Sigstore(PAYLOAD_TYPE, b'{"n":%d}' % number, {"sig": str(number)}) for number in range(8)]


def test_signers_at_once_lose_nothing_at_a_registry(insecure_registry: Registry, tmp_path: Path) -> None:
    attached = Attached(insecure_registry, str(tmp_path))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(attached.write, SIGSTORE))
    assert attached.read() == SIGSTORE
    attached.write(SIGSTORE[0])  # once more is not once more there
    assert attached.read() == SIGSTORE


def test_a_signature_that_somebody_elsewhere_writes_over(insecure_registry: Registry, tmp_path: Path) -> None:
    """He read before we wrote, and writes after us: ours is written again, and his stays."""
    attached = Attached(insecure_registry, str(tmp_path / "here"))
    elsewhere = Attached(insecure_registry, str(tmp_path / "there"))
    elsewhere.reference = attached.reference
    at = attachments.name(attached.reference, MAIN)
    elsewhere.write(SIGSTORE[1])
    source = elsewhere.source(at)
    his = source.manifest()
    source.close()

    class WrittenOver(docker.DockerDestination):
        writes = 0

        def put_manifest(self, manifest: RawManifest, *, main: bool) -> None:
            super().put_manifest(manifest, main=main)
            WrittenOver.writes += 1
            if WrittenOver.writes == 1:
                super().put_manifest(his, main=True)

    def destination(reference: Reference) -> docker.DockerDestination:
        return WrittenOver(reference, attached.destination(reference).writer, ())

    attachments.write(attached.reference, MAIN, [SIGSTORE[0]], attached.source, destination)
    assert attached.read() == SIGSTORE[:2]
    assert WrittenOver.writes == 2
