"""What the policy knows images by: scopes and names of every transport, and signatures read at most once."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from argosy.config.policy import ACCEPT_ALL, Policy, Requirement
from argosy.errors import ArgosyError
from argosy.images import trust
from argosy.images.guard import Guard
from argosy.images.trust import Trust
from argosy.oci import digest as digests
from argosy.oci import reference
from argosy.registry.client import RawManifest
from argosy.signatures.blob import Signature, Simple
from argosy.signatures.evaluate import Rejected

DIGEST = "sha256:" + "a" * 64


def raw(data: bytes = b"{}") -> RawManifest:
    return RawManifest(data, "", digests.of_bytes(data))


class Kept:
    """A `SignatureStore` in memory."""

    def __init__(self, *signatures: Signature, fails: bool = False) -> None:
        self.signatures = signatures
        self.fails = fails
        self.reads = 0
        self.written: list[tuple[str, tuple[Signature, ...]]] = []

    def read(self, _digest: str) -> list[Signature]:
        self.reads += 1
        if self.fails:
            raise ArgosyError("no connection")
        return list(self.signatures)

    def check(self, signatures: Any) -> None:
        if self.fails and signatures:
            raise ArgosyError("no room")

    def write(self, digest: str, signatures: Any) -> None:
        self.written.append((digest, tuple(signatures)))


def test_scopes_of_each_transport(tmp_path: Path) -> None:
    origin = trust.at_registry(reference.parse(f"quay.io/a/b:1@{DIGEST}"))
    assert origin.scopes == (f"quay.io/a/b@{DIGEST}", "quay.io/a/b", "quay.io/a", "quay.io", "*.io")
    assert origin.label == f"docker://quay.io/a/b@{DIGEST}"
    real = str(tmp_path.resolve())
    (tmp_path / "link").symlink_to(tmp_path)
    above = tuple(str(path) for path in [tmp_path, *tmp_path.parents][:-1])
    assert trust.at_path("dir", f"{real}/link").scopes == above
    assert trust.at_path("oci", real, "x:1").scopes == (f"{real}:x:1", *above)
    assert trust.at_path("oci-archive", "standard input").scopes == ()
    assert trust.at_path("docker-archive", real, "busybox:1") == trust.Origin(
        f"docker-archive:{real}:busybox:1", "docker-archive", (), reference.parse("busybox:1")
    )
    assert trust.in_daemon("busybox").scopes[0] == "docker.io/library/busybox:latest"
    assert trust.in_daemon(DIGEST).scopes == (DIGEST,)
    store = cast(Any, SimpleNamespace(root="/r", driver="overlay"))
    assert trust.in_store(store, reference.parse("quay.io/a:1"), DIGEST).scopes == (
        "[overlay@/r]quay.io/a:1",
        "[overlay@/r]quay.io/a",
        "[overlay@/r]quay.io",
        "[overlay@/r]",
        "[/r]",
    )


def test_signatures_are_read_once_and_given_on() -> None:
    kept = Kept(Simple(b"\x99"))
    origin = trust.at_registry(reference.parse("quay.io/a:1"))
    assert Trust(ACCEPT_ALL).admit(origin, raw(), kept) == (Simple(b"\x99"),)
    assert kept.reads == 1
    policy = Policy("/p", (Requirement("signedBy", "default[0]", "GPGKeys"),))
    kept = Kept()
    with pytest.raises(Rejected, match="no signature exists"):
        Trust(policy).admit(origin, raw(), kept)
    assert kept.reads == 1
    with pytest.raises(ArgosyError, match=r"cannot read the signatures of docker://quay\.io/a:1: no connection"):
        Trust(ACCEPT_ALL).admit(origin, raw(), Kept(fails=True))


def guard(source: Kept, target: Kept, *, keep: bool = True) -> Guard:
    origin = trust.at_registry(reference.parse("quay.io/a:1"))
    admit = Trust(ACCEPT_ALL).door(origin, source)
    return Guard(admit, source, target, [lambda made: Simple(b"\x80" + made.data)], keep=keep)


def test_a_guard_writes_old_and_new_signatures_at_the_end() -> None:
    source, target = Kept(Simple(b"\x99")), Kept()
    work = guard(source, target)
    assert work.seal(raw(), raw(), work.admit(raw())) == (Simple(b"\x99"), Simple(b"\x80{}"))
    assert target.written == []
    work.finish()
    assert target.written == [(raw().digest, (Simple(b"\x99"), Simple(b"\x80{}")))]


def test_old_signatures_do_not_survive_a_change() -> None:
    work = guard(Kept(Simple(b"\x99")), Kept())
    with pytest.raises(ArgosyError, match="another digest"):
        work.seal(raw(), raw(b"[]"), work.admit(raw()))
    work = guard(Kept(Simple(b"\x99")), Kept(), keep=False)
    assert work.admit(raw()) == work.gather(raw()) == ()
    assert work.seal(raw(), raw(b"[]"), ()) == (Simple(b"\x80[]"),)


def test_a_destination_without_room_is_told_before_anything_is_written() -> None:
    work = guard(Kept(), Kept(fails=True))
    with pytest.raises(ArgosyError, match="no room"):
        work.seal(raw(), raw(), ())
