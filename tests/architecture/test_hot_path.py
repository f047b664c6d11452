"""What the commands that must be fast import: the list in hot_path.json, and nothing heavy (design.md section 8).

A module that is new here costs every `run` about a quarter of a millisecond: import it where it is needed, or have it
on the list on purpose (`.venv/bin/python -m tests.architecture.hot_path` writes the list anew).
"""

from __future__ import annotations

import os

import pytest

from tests.architecture import hot_path
from tests.architecture.hot_path import COMMANDS, imported, listed, words
from tests.rig.program import CHECKOUT, Program

# What each of these costs stands in design.md section 9.
_HEAVY_TEXT = """
argparse asyncio collections contextlib ctypes dataclasses datetime enum functools hashlib http importlib inspect json
logging pathlib random re shutil signal socket ssl subprocess tempfile threading tomllib traceback typing urllib urllib3
uuid yaml
"""
HEAVY = frozenset(_HEAVY_TEXT.split())
FOR_NEWER_CRUN = {"argosy.spec.seccomp"}  # from 1.9 on it is given the profile, which it compiles and keeps itself


@pytest.fixture
def prepared(argosy: Program, busybox: str) -> Program:
    """A store with an image, a container that runs and one that has ended."""
    hot_path.prepare(argosy)
    return argosy


def test_only_what_is_listed(prepared: Program) -> None:
    extra = {}
    for command in COMMANDS:
        imported(prepared, *words(command))  # writes the caches of the run directory
        own = {name for name in imported(prepared, *words(command)) if name.split(".")[0] == "argosy"}
        extra[command] = sorted(own - set(listed()[command]) - FOR_NEWER_CRUN)
    assert extra == {command: [] for command in COMMANDS}


def test_nothing_heavy(prepared: Program) -> None:
    heavy = {}
    for command in COMMANDS:
        imported(prepared, *words(command))
        heavy[command] = sorted(HEAVY & set(imported(prepared, *words(command))))
    assert heavy == {command: [] for command in COMMANDS}


def test_version_and_help_import_the_command_line_alone(argosy: Program) -> None:
    for args in (("--version",), ("--help",), ("run", "--help")):
        own = [name for name in imported(argosy, *args) if name.split(".")[0] == "argosy"]
        allowed = ("argosy.cli", "argosy.spec", "argosy.oci")  # flag tables name the values that they parse into
        base = ("argosy", "argosy.__main__", "argosy.bundle", "argosy.version", "argosy.errors", "argosy.values")
        assert [name for name in own if not name.startswith(allowed) and name not in base] == []
    assert len([name for name in imported(argosy, "--version") if name.startswith("argosy")]) <= 12


def test_the_list_names_modules_that_exist() -> None:
    for names in listed().values():
        for name in names:
            path = f"{CHECKOUT}/{name.replace('.', '/')}"
            assert os.path.exists(f"{path}.py") or os.path.exists(f"{path}/__init__.py"), name
