"""Exit records, as conmon writes them."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from argosy.runtime import exits
from argosy.runtime.exits import Exit


@pytest.fixture
def run(tmp_path: Path) -> str:
    (tmp_path / "exits").mkdir()
    return str(tmp_path)


def record(run: str, name: str, text: str, at: float | None = None) -> None:
    """Write a record as conmon does: beside, then renamed."""
    path = f"{run}/exits/{name}"
    with open(f"{path}.ABC", "w") as file:
        file.write(text)
    if at is not None:
        os.utime(f"{path}.ABC", (at, at))
    os.rename(f"{path}.ABC", path)


def test_a_record_gives_status_and_time(run: str) -> None:
    record(run, "a", "137", 1234.5)
    assert exits.read(run, "a") == Exit(137, 1234.5)


def test_without_a_record_there_is_none(run: str, tmp_path: Path) -> None:
    assert exits.read(run, "a") is None
    assert exits.read(str(tmp_path / "nowhere"), "a") is None


@pytest.mark.parametrize("text", ["", "x", "1 2"])
def test_a_damaged_record_still_says_that_it_ended(run: str, text: str) -> None:
    record(run, "a", text, 5.0)
    assert exits.read(run, "a") == Exit(-1, 5.0)


def test_waiting_sees_the_record_come(run: str) -> None:
    threading.Timer(0.1, record, (run, "a", "3", 7.0)).start()
    assert exits.wait(run, "a", 10) == Exit(3, 7.0)


def test_waiting_ends_with_its_time(run: str) -> None:
    began = time.monotonic()
    assert exits.wait(run, "a", 0.1) is None
    assert 0.1 <= time.monotonic() - began < 5


def test_waiting_ends_when_conmon_is_gone_without_a_record(run: str) -> None:
    with subprocess.Popen(["sleep", "0.2"]) as conmon:
        assert exits.wait(run, "a", conmon_pid=conmon.pid) is None
    assert exits.wait(run, "a", conmon_pid=2**22 - 1) is None


def test_a_record_that_conmon_wrote_as_it_died_is_found(run: str) -> None:
    script = f"sleep 0.1; printf 9 > {run}/exits/.b; mv {run}/exits/.b {run}/exits/b"
    with subprocess.Popen(["sh", "-c", script]) as conmon:
        found = exits.wait(run, "b", conmon_pid=conmon.pid)
    assert found is not None
    assert found.code == 9


def test_removing_is_idempotent(run: str) -> None:
    record(run, "a", "0")
    exits.remove(run, "a")
    exits.remove(run, "a")
    assert exits.read(run, "a") is None


def test_old_records_go_but_not_those_of_containers_that_are_there(run: str) -> None:
    old = time.time() - 2 * exits.KEEP_S
    for name, at in (("old", old), ("kept", old), ("new", None)):
        record(run, name, "0", at)
    exits.prune(run, {"kept"})
    assert sorted(os.listdir(exits.directory(run))) == ["kept", "new"]
    exits.prune(f"{run}/nowhere")
