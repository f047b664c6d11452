"""Archives between podman and us, both ways: the same images under the same names."""

from __future__ import annotations

import os

import pytest

from tests.interop.peer import Podman, podman
from tests.rig.program import Program
from tests.rig.registry import Registry, image

__all__ = ["podman"]

INSECURE = "--tls-verify=false"


@pytest.mark.parametrize("form", ["docker-archive", "oci-archive"])
def test_archives(argosy: Program, podman: Podman, insecure_registry: Registry, form: str) -> None:
    made = image([{"bin/hello": b"hello"}, {"data": os.urandom(10_000)}])
    reference = insecure_registry.push("archives/podman", "1", made)
    identity = argosy.run("pull", "-q", INSECURE, reference).lines[0]
    ours, theirs = f"{argosy.files}/ours", f"{argosy.files}/theirs"
    argosy.run("save", "-q", "--format", form, "-o", ours, reference)
    assert reference in podman.run("load", "-i", ours).stdout
    assert podman.image_id(reference) == identity
    podman.run("save", "-q", "--format", form, "-o", theirs, reference)
    argosy.run("rmi", reference)
    assert argosy.run("load", "-q", "-i", theirs).lines == [f"Loaded image: {reference}"]
    assert argosy.run("images", "-q", "--no-trunc", reference).lines == [f"sha256:{identity}"]


def test_pushed_images(argosy: Program, podman: Podman, insecure_registry: Registry) -> None:
    """What we compress and convert, podman pulls."""
    local = argosy.busybox()
    for name, flags in (("plain", ()), ("docker", ("--format", "v2s2")), ("zstd", ("--compression-format", "zstd"))):
        target = f"{insecure_registry.name}/pushed/{name}:1"
        argosy.run("push", "-q", INSECURE, *flags, local, target)
        podman.run("pull", "-q", INSECURE, target)
        identity = argosy.run("images", "-q", "--no-trunc", local).lines[0]
        assert f"sha256:{podman.image_id(target)}" == identity
