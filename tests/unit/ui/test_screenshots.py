"""The pictures in the documentation are what the view looks like."""

from __future__ import annotations

import subprocess

import pytest
import textual

from tests.rig.program import CHECKOUT

PINNED = "textual==" + textual.__version__


def test_pictures_are_current() -> None:
    with open(f"{CHECKOUT}/tools/requirements-ui.txt", encoding="utf-8") as file:
        if PINNED not in file.read().splitlines():
            pytest.skip(f"drawn with another version than {PINNED}")
    argv = [f"{CHECKOUT}/.venv/bin/python", f"{CHECKOUT}/tools/screenshots.py", "--check"]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
