"""The modules of `oci` are on the path of `run`: they import nothing heavy, and do no I/O."""

from __future__ import annotations

import subprocess
import sys

import argosy

HEAVY = ("re", "enum", "json", "typing", "dataclasses", "hashlib", "socket", "subprocess", "urllib", "collections")


def test_light_imports() -> None:
    root = argosy.__path__[0].rpartition("/")[0]
    program = (
        f"import sys; sys.path.insert(0, {root!r})\n"
        "from argosy.oci import descriptor, digest, imageconfig, manifest, platform, reference\n"
        "digest.of_bytes(b''); reference.parse('a'); platform.host()\n"
        "imageconfig.parse(b'{}'); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-IS", "-c", program], check=True, capture_output=True, text=True)
    assert not set(HEAVY) & set(done.stdout.split())
