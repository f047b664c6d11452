"""Writes the bundle of the checkout's modules (argosy/bundle.py), unless the one that is there is good.

usage: python tools/bundle.py
"""

from __future__ import annotations

import os
import sys

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, CHECKOUT)

from argosy import bundle  # noqa: E402 -- the path comes first


def modules() -> dict[str, tuple[str, bool, bytes]]:
    """Each module's file below the checkout, whether it is a package, and its source."""
    found = {}
    for directory, below, files in os.walk(f"{CHECKOUT}/argosy"):
        below[:] = sorted(name for name in below if name != "__pycache__")
        for file in sorted(name for name in files if name.endswith(".py")):
            path = os.path.relpath(f"{directory}/{file}", CHECKOUT)
            package = file == "__init__.py"
            name = os.path.dirname(path) if package else path.removesuffix(".py")
            with open(f"{CHECKOUT}/{path}", "rb") as source:
                found[name.replace("/", ".")] = (path, package, source.read())
    return found


def current() -> bool:
    """Whether the bundle is newer than every module and directory of modules."""
    try:
        written = os.stat(bundle.path(CHECKOUT)).st_mtime_ns
    except FileNotFoundError:
        return False
    for directory, below, files in os.walk(f"{CHECKOUT}/argosy"):
        below[:] = [name for name in below if name != "__pycache__"]
        places = [directory, *(f"{directory}/{file}" for file in files)]
        if any(os.stat(place).st_mtime_ns > written for place in places):
            return False
    return True


if __name__ == "__main__":
    if not current():
        bundle.write(CHECKOUT, modules())
