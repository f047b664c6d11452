"""The log of events: whole lines whoever writes beside, bounded, never in anybody's way, and read over a change."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from argosy.records.events import Log
from argosy.records.happened import Reader


@pytest.fixture
def path(tmp_path: Path) -> str:
    return f"{tmp_path}/events/log"


@pytest.fixture
def reader(path: str) -> Iterator[Reader]:
    made = Reader(path)
    yield made
    made.close()


def test_what_was_written_is_read(path: str, reader: Reader) -> None:
    Log(path).write("container", "init", "start", ID="1", attributes={"a": "line\nbreak"})
    found = list(reader.past())
    assert [(event["Type"], event["Status"], event.get("ID")) for event in found] == [
        ("system", "refresh", None),
        ("container", "init", "1"),
        ("container", "start", "1"),
    ]
    assert found[1]["Attributes"] == {"a": "line\nbreak"}
    Log(path).write("volume", "create", Name="v")
    assert [event["Name"] for event in reader.more()] == ["v"]


def test_an_event_that_was_cut_hides_none(path: str, reader: Reader) -> None:
    log = Log(path)
    log.write("volume", "create", Name="whole")
    with open(path, "ab") as file:  # as a full disk leaves it
        file.write(b'{"Time":1,"Type":"volume","Status":"create","Na')
    log.write("volume", "create", Name='{"Time":1}')
    with open(path, "ab") as file:
        file.write(b'{"Ti')
    log.write("volume", "create", Name="last")
    names = [event.get("Name") for event in reader.past() if event["Type"] == "volume"]
    assert names == ["whole", '{"Time":1}', "last"]


def test_lines_of_many_writers_stay_whole_and_the_log_bounded(path: str) -> None:
    log = Log(path, 4096)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: log.write("container", "start", ID=str(number)), range(400)))
    there = [Path(name).read_bytes() for name in (path, f"{path}.1") if os.path.exists(name)]  # just begun anew, or not
    assert sum(map(len, there)) < 4 * 4096
    lines = [line for data in there for line in data.splitlines()]
    assert lines
    assert all(line.startswith(b'{"Time":') and line.endswith(b"}") for line in lines)


def test_followers_miss_nothing_when_the_log_is_begun_anew(path: str, reader: Reader) -> None:
    log = Log(path, 1000)
    log.write("container", "start", ID="first")
    assert len(list(reader.past())) == 2  # with the one that says that there is a log now
    numbers = []
    for number in range(40):
        log.write("container", "start", ID=str(number))
        numbers += [event["ID"] for event in reader.more()]
    assert numbers == [str(number) for number in range(40)]
    assert os.path.exists(f"{path}.1")


def test_nobody_fails_because_of_it(tmp_path: Path, path: str, reader: Reader) -> None:
    Log("").write("container", "start", ID="1")
    Log("/proc/nowhere/log").write("container", "start", ID="1")
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    Log(str(fifo)).write("container", "start", ID="1")  # nobody reads it: no waiting
    Log(path).write("container", "start", ID="1", attributes={"a": "x" * 100_000})
    with open(path, "ab") as file:
        file.write(b"no event\n{}\n[1]\n")
    _, event = reader.past()
    assert event["Attributes"] is None


@pytest.mark.parametrize(
    "line",
    [
        '{"Time":"x","Type":"container","Status":"died"}',
        '{"Time":1e400,"Type":"container","Status":"died"}',
        '{"Time":99999999999999999999999999,"Type":"container","Status":"died"}',
        '{"Time":-1,"Type":"container","Status":"died"}',
        '{"Time":true,"Type":"container","Status":"died"}',
        '{"Time":1,"Type":5,"Status":["died"],"ID":{}}',
        '{"Time":1,"Type":"container","Status":"died","Attributes":["a"]}',
        '{"Time":1,"Type":"container","Status":"died","Attributes":{"a":5}}',
        "x" * (3 << 20),
    ],
    ids=lambda line: line[:60],
)
def test_a_line_that_is_no_event_hides_no_other(tmp_path: Path, line: str) -> None:
    path = tmp_path / "log"
    path.write_text(line + "\n")
    Log(str(path)).write("container", "died", ID="a")
    reader = Reader(str(path))
    assert [event["ID"] for event in reader.past()] == ["a"]
    reader.close()


def test_what_is_no_file_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    os.mkfifo(tmp_path / "log.1")
    reader = Reader(str(tmp_path / "log"))
    assert list(reader.past()) == []
    reader.close()
