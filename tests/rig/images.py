"""Root file systems for tests, made from the host's own packages and kept in `build/` between runs."""

from __future__ import annotations

import os
import subprocess

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def busybox_archive() -> str:
    """A tar archive with busybox and its applets: small, and enough for most tests."""
    return _made("busybox-rootfs")


def debian_archive() -> str:
    """A tar archive of a minimal Debian: real owners, set-uid files, hard links.  Made at first use, takes a minute."""
    return _made("debian-rootfs")


def _made(tool: str) -> str:
    done = subprocess.run([f"{CHECKOUT}/tools/{tool}"], check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"tools/{tool} failed:\n{done.stderr[-4000:]}")
    return done.stdout.strip()
