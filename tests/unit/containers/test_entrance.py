"""The directory in /tmp that a container's root enters, whose name may have become somebody else's."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from argosy.containers import entrance

NEEDS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="needs root")


def linked(path: Path, victim: Path) -> None:
    path.symlink_to(victim)


def a_file(path: Path, victim: Path) -> None:
    path.touch()


def of_somebody_else(path: Path, victim: Path) -> None:
    (path / "root").mkdir(parents=True)
    os.chown(path, 12345, 12345)


@pytest.mark.parametrize("change", [linked, a_file, pytest.param(of_somebody_else, marks=NEEDS_ROOT)])
def test_leaving_what_is_not_ours(tmp_path: Path, change: Callable[[Path, Path], None]) -> None:
    victim, path = tmp_path / "victim", tmp_path / "entrance"
    (victim / "root").mkdir(parents=True)
    change(path, victim)
    entrance.leave(f"{tmp_path}/run", f"{path}")
    assert os.listdir(victim) == ["root"]
    assert path.exists()


def test_leaving_twice(tmp_path: Path) -> None:
    (tmp_path / "entrance" / "root").mkdir(parents=True)
    for _ in range(2):
        entrance.leave(f"{tmp_path}/run", f"{tmp_path}/entrance")
    assert not os.listdir(tmp_path)
