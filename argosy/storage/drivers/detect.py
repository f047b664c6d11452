"""Which storage driver this host has: found by trial, once, when a store is made."""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Unsupported
from argosy.linux import mounts, process
from argosy.records.scratch import Scratch
from argosy.storage.drivers import ground
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from argosy.storage.drivers import Driver

# Best first.
DRIVERS = ("overlay", "fuse_overlay", "vfs")


class Choice(Value):
    """`xattrs` is what overlay's attributes are called in the layers; `program` serves the mounts of fuse-overlayfs."""

    driver: str
    xattrs: str
    program: str = ""
    passed_over: tuple[str, ...] = ()


def choose(tmp: str, wanted: Sequence[str] = (), program: str = "") -> Choice:
    """The first of the drivers `wanted` that works for a store whose temporary directory is `tmp`; of all, best first.

    `program` is the path of fuse-overlayfs, "" for the one that is found.  Raises Unsupported when there is none, with
    the reasons.  The choice has those why the ones before it do not work.
    """
    for name in wanted:
        if name not in DRIVERS:
            hint = f"use one of {', '.join(DRIVERS)}"
            raise Unsupported(f"storage driver {name}: argosy has no such driver", hint=hint)
    reasons: list[str] = []
    for choice in _candidates(_attributes(tmp), wanted or DRIVERS, program):
        reason = _try(tmp, choice)
        if not reason:
            return choice.replace(passed_over=tuple(reasons))
        reasons.append(f"{choice.driver} with {choice.xattrs}.* attributes: {reason}")
    named = " nor ".join(wanted)
    what = f"the storage driver {named} does not work" if wanted else "no storage driver works"
    missing = () if process.find_program(program or "fuse-overlayfs") else ("fuse-overlayfs is not installed",)
    raise ground.unsuitable(os.path.dirname(tmp), [what, *reasons, *missing])


def _attributes(tmp: str) -> tuple[str, ...]:
    """The name spaces that overlay's attributes can be in.  Raises Unsupported when there is none."""
    found, reasons = [], []
    with Scratch(tmp) as scratch:
        for xattrs in ("trusted", "user"):
            try:
                os.setxattr(scratch.path, f"{xattrs}.overlay.opaque", b"y")
            except OSError as error:
                reasons.append(f"extended attributes {xattrs}.* do not work: {error.strerror}")
            else:
                found.append(xattrs)
    if not found:
        raise ground.unsuitable(os.path.dirname(tmp), reasons)
    return tuple(found)


def _candidates(attributes: Sequence[str], drivers: Sequence[str], program: str) -> Iterator[Choice]:
    program = program or process.find_program("fuse-overlayfs") or ""
    for driver in drivers:
        for xattrs in attributes:
            if driver != "fuse_overlay" or program:
                yield Choice(driver, xattrs, program if driver == "fuse_overlay" else "")


def _driver(choice: Choice) -> Driver:
    if choice.driver == "overlay":
        from argosy.storage.drivers.overlay import Overlay

        return Overlay(choice.xattrs)
    if choice.driver == "fuse_overlay":
        from argosy.storage.drivers.fuse_overlay import FuseOverlay

        return FuseOverlay(choice.program)
    from argosy.storage.drivers.vfs import Vfs

    return Vfs(choice.xattrs)


def _try(tmp: str, choice: Choice) -> str:
    """Mount two layers, delete and replace through the mount; the reason why that fails, "" when it works."""
    with Scratch(tmp) as scratch:
        for name in ("bottom/kept", "bottom/hidden", "top/hidden", "upper", "work", "merged"):
            os.makedirs(f"{scratch.path}/{name}")
        merged = f"{scratch.path}/merged"
        try:
            with open(f"{scratch.path}/bottom/hidden/file", "wb"):
                pass
            os.setxattr(f"{scratch.path}/top/hidden", f"{choice.xattrs}.overlay.opaque", b"y")
            lowers = [f"{scratch.path}/top", f"{scratch.path}/bottom"]
            upper, work = f"{scratch.path}/upper", f"{scratch.path}/work"
            _driver(choice).mount(merged, lowers, upper, work, volatile=False)
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
