"""Logs in the journal, by way of a program that speaks as journalctl does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from argosy.errors import ArgosyError, Unsupported
from argosy.runtime import journal
from argosy.runtime.logs import STDERR, STDOUT

ID = "c" * 64


def entry(cursor: str, message: Any, **fields: str) -> str:
    known = {"__CURSOR": cursor, "__REALTIME_TIMESTAMP": "1700000000123456", "PRIORITY": "6", "MESSAGE": message}
    return json.dumps(known | fields)


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The words that journalctl was called with; it prints the file `out` beside them."""
    program = tmp_path / "journalctl"
    program.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/words\ncat {tmp_path}/out\nexit $(cat {tmp_path}/status)\n')
    program.chmod(0o755)
    (tmp_path / "status").write_text("0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / "words"


def test_entries(words: Path) -> None:
    out = words.with_name("out")
    out.write_text(
        "\n".join(
            (
                entry("1", "one"),
                entry("2", "par", CONTAINER_PARTIAL_MESSAGE="true"),
                entry("3", "oops", PRIORITY="3"),
                entry("4", [116, 255]),
                "no entry",
            )
        )
    )
    reader = journal.JournalReader(ID, tail=9)
    found = [(e.stream, e.data, e.begins, e.ends) for e in reader.entries()]
    assert found == [
        (STDOUT, b"one", True, True),
        (STDOUT, b"par", True, False),
        (STDERR, b"oops", True, True),
        (STDOUT, b"t\xff", False, True),
    ]
    assert reader.damaged == 1
    out.write_text(entry("5", "more"))
    (more,) = reader.entries(final=False)
    assert (more.data, more.time) == (b"more", b"2023-11-14T22:13:20.123456000+00:00")
    first, second = words.read_text().splitlines()
    assert first.endswith(f"--lines=9 CONTAINER_ID_FULL={ID}")
    assert second.endswith(f"--after-cursor=4 CONTAINER_ID_FULL={ID}")


def test_only_what_is_wanted(words: Path) -> None:
    words.with_name("out").write_text(entry("1", "one"))
    reader = journal.JournalReader(ID, wanted=lambda moment: moment > b"2024")
    assert list(reader.entries()) == []


def test_a_journal_that_cannot_be_read(words: Path) -> None:
    words.with_name("out").write_text("")
    words.with_name("status").write_text("1")
    with pytest.raises(ArgosyError, match="cannot read the journal"):
        list(journal.JournalReader(ID).entries())


def test_no_journal(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="failed to initialize journal"):
        journal.check(str(tmp_path / "socket"))
