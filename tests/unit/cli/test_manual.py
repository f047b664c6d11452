"""The manual pages in docs/man are those which the flag tables give."""

from __future__ import annotations

import importlib.util
import os
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


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_pages_are_good_roff(manpages: ModuleType) -> None:
    for name in manpages.pages():
        done = subprocess.run(
            [
                "groff",
                "-man",
                "-ww",
                "-z",
                "-Tutf8",
                "-I",
                os.path.dirname(manpages.DIRECTORY),
                f"{manpages.DIRECTORY}/{name}",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "cannot" in done.stderr or done.stderr == "", name
