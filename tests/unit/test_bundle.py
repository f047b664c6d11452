"""Importing from the bundle: what is in it, when it is passed over."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from argosy import bundle
from tests.rig.program import CHECKOUT

SOURCES = {
    "argosy": ("argosy/__init__.py", True, b"WHERE = 'bundle'\n"),
    "argosy.thing": ("argosy/thing.py", False, b"VALUE = 'bundle'\n"),
    "argosy.below": ("argosy/below/__init__.py", True, b""),
    "argosy.below.deep": ("argosy/below/deep.py", False, b"from argosy.thing import VALUE\n"),
}


@pytest.fixture
def root(tmp_path: str) -> str:
    """A package with a bundle, and behind its back other sources of the same size and time."""
    for file, _, source in SOURCES.values():
        path = f"{tmp_path}/{file}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as target:
            target.write(source)
    bundle.write(str(tmp_path), SOURCES)
    for file, _, source in SOURCES.values():
        path = f"{tmp_path}/{file}"
        times = os.stat(path)
        with open(path, "wb") as target:
            target.write(source.replace(b"'bundle'", b"'source'"))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    return str(tmp_path)


def imported(root: str, code: str) -> str:
    """What a new interpreter prints that uses the bundle of `root`."""
    start = (
        f"import sys; sys.dont_write_bytecode = True; sys.path.insert(0, {CHECKOUT!r})\n"
        "from argosy import bundle\n"
        "for name in [name for name in sys.modules if name.startswith('argosy')]: del sys.modules[name]\n"
        f"sys.path[0] = {root!r}; bundle.use({root!r})\n"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", start + code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_modules_come_from_the_bundle(root: str) -> None:
    assert (
        imported(root, "import argosy, argosy.below.deep as deep; print(deep.VALUE, argosy.WHERE)") == "bundle bundle"
    )


def test_modules_know_where_they_are(root: str) -> None:
    code = "import argosy.below.deep as d, argosy.below as b; print(d.__file__, b.__path__, d.__package__)"
    assert imported(root, code) == f"{root}/argosy/below/deep.py ['{root}/argosy/below'] argosy.below"


def test_a_changed_module_comes_from_its_source(root: str) -> None:
    os.utime(f"{root}/argosy/thing.py")
    assert imported(root, "import argosy, argosy.thing as thing; print(thing.VALUE, argosy.WHERE)") == "source bundle"


def test_a_module_that_is_gone_is_gone(root: str) -> None:
    os.unlink(f"{root}/argosy/thing.py")
    code = "try: import argosy.thing\nexcept ModuleNotFoundError: print('gone')"
    assert imported(root, code) == "gone"


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, b"\x05\0\0\0\0\0\0\0nonsense"])
def test_a_damaged_bundle_is_passed_over(root: str, content: bytes) -> None:
    with open(bundle.path(root), "wb") as file:
        file.write(content)
    assert imported(root, "import argosy.thing as thing; print(thing.VALUE)") == "source"


def test_no_bundle_no_harm(root: str) -> None:
    os.unlink(bundle.path(root))
    assert imported(root, "import argosy.thing as thing; print(thing.VALUE)") == "source"
