"""The manual pages in docs/man are those which the flag tables give."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from types import ModuleType

import pytest

from tests.rig.program import CHECKOUT


@pytest.fixture(scope="module")
def manpages() -> ModuleType:
    spec = importlib.util.spec_from_file_location("manpages", f"{CHECKOUT}/tools/manpages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pages_are_current(manpages: ModuleType) -> None:
    assert manpages.differences() == [], "run `make man`"


def test_pages_of_other_names_point_to_a_page(manpages: ModuleType) -> None:
    pages = manpages.pages()
    links = {text.removeprefix(".so man1/").strip() for text in pages.values() if text.startswith(".so ")}
    assert links
    assert links <= {name for name, text in pages.items() if not text.startswith(".so ")}


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_pages_are_good_roff(manpages: ModuleType) -> None:
    text = "\n".join(text for text in manpages.pages().values() if not text.startswith(".so "))
    done = subprocess.run(
        ["groff", "-man", "-ww", "-z", "-Tutf8"], input=text, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
