"""Control groups of containers: what is begun early for them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argosy.containers import groups
from argosy.linux import cgroup, process


def _host(manager: str, own: str, *, writable: bool = True) -> cgroup.Cgroups:
    hierarchy = cgroup.Hierarchy(2, own, own, (), writable)
    return cgroup.Cgroups(mode="v2", hierarchies=(hierarchy,), controllers=(), manager=manager, delegated=False)


def test_hasten_writes_itself_into_the_group_it_is_in(tmp_path: Path) -> None:
    members = tmp_path / "cgroup.procs"
    members.touch()
    assert process.wait(groups.hasten(_host("cgroupfs", str(tmp_path)))) == 0
    assert members.read_text() == "0\n"


@pytest.mark.parametrize(("manager", "writable"), [("none", True), ("cgroupfs", False)])
def test_nothing_is_hastened_where_nothing_will_be_moved(tmp_path: Path, manager: str, writable: bool) -> None:
    (tmp_path / "cgroup.procs").touch()
    assert groups.hasten(_host(manager, str(tmp_path), writable=writable)) == 0
    assert (tmp_path / "cgroup.procs").read_text() == ""


def test_a_group_that_cannot_be_written_hastens_nothing(tmp_path: Path) -> None:
    assert groups.hasten(_host("cgroupfs", str(tmp_path / "gone"))) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may write to the groups of this host")
def test_on_this_host_nobody_is_moved() -> None:
    with open("/proc/self/cgroup", encoding="ascii") as file:
        before = file.read()
    pid = groups.hasten(cgroup.detect())
    if pid:
        process.wait(pid)
    with open("/proc/self/cgroup", encoding="ascii") as file:
        assert file.read() == before
