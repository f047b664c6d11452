"""Which storage driver this host has: found by trial, once, when a store is made."""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Unsupported
from argosy.linux import mounts
from argosy.records.shelf import Scratch
from argosy.storage.drivers.overlay import Overlay
from argosy.values import Value

DRIVERS = ("overlay",)


class Choice(Value):
    """`xattrs` is what overlay's attributes are called in the layers; `program` serves the mounts of fuse-overlayfs."""

    driver: str
    xattrs: str
    program: str = ""


def choose(tmp: str, wanted: str = "") -> Choice:
    """The best driver that works for a store whose temporary directory is `tmp`, or the one that is `wanted`.

    Raises Unsupported when there is none, with the reasons.
    """
    if wanted and wanted not in DRIVERS:
        raise Unsupported(f"storage driver {wanted}", hint=f"there are: {', '.join(DRIVERS)}")
    reasons = []
    for xattrs in ("trusted", "user"):
        reason = try_overlay(tmp, xattrs)
        if not reason:
            return Choice("overlay", xattrs)
        reasons.append(f"overlay with {xattrs}.* attributes: {reason}")
    raise Unsupported(f"no storage driver works for {os.path.dirname(tmp)}", details="\n".join(reasons))


def try_overlay(tmp: str, xattrs: str) -> str:
    """Mount an overlay, delete and replace through it; the reason why that fails, "" when it works."""
    with Scratch(tmp) as scratch:
        for name in ("bottom/kept", "bottom/hidden", "top/hidden", "upper", "work", "merged"):
            os.makedirs(f"{scratch.path}/{name}")
        merged = f"{scratch.path}/merged"
        try:
            with open(f"{scratch.path}/bottom/hidden/file", "wb"):
                pass
            os.setxattr(f"{scratch.path}/top/hidden", f"{xattrs}.overlay.opaque", b"y")
            lowers = [f"{scratch.path}/top", f"{scratch.path}/bottom"]
            Overlay(xattrs).mount(merged, lowers, f"{scratch.path}/upper", f"{scratch.path}/work", volatile=False)
            try:
                return _judge(merged, scratch.path)
            finally:
                mounts.unmount(merged)
        except ArgosyError as error:
            return str(error)
        except OSError as error:
            return error.strerror or str(error)


def _judge(merged: str, scratch: str) -> str:
    if os.listdir(f"{merged}/hidden"):
        return "opaque directories are not honoured"
    os.rmdir(f"{merged}/kept")  # leaves a whiteout
    os.mkdir(f"{merged}/kept")
    return "" if os.path.isdir(f"{scratch}/upper/kept") else "the upper directory does not get the changes"
