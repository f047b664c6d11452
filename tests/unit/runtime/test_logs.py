"""The reader of conmon's log format: whole and partial lines, the last lines, growing and replaced files, damage."""

from __future__ import annotations

import os
import threading
import time
import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from argosy.runtime import logs
from argosy.runtime.logs import STDERR, STDOUT, Entry, LogReader, Watch

TIME = b"2024-05-06T07:08:09.000000001+00:00"


def record(text: bytes, stream: str = "stdout", tag: str = "F", when: bytes = TIME) -> bytes:
    return b"%s %s %s %s\n" % (when, stream.encode(), tag.encode(), text)


def out(text: bytes) -> bytes:
    return record(text)


def part(text: bytes, stream: str = "stdout") -> bytes:
    return record(text, stream, "P")


def err(text: bytes) -> bytes:
    return record(text, "stderr")


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "ctr.log")


def write(path: str, *records: bytes) -> None:
    with open(path, "ab") as file:
        file.write(b"".join(records))


def texts(entries: Iterable[Entry]) -> list[tuple[int, bytes]]:
    """The lines of each stream, put together from their parts; "~" where one has not ended."""
    found: list[tuple[int, bytes]] = []
    within: dict[int, int] = {}
    for entry in entries:
        assert entry.begins == (entry.stream not in within)
        if entry.begins:
            within[entry.stream] = len(found)
            found.append((entry.stream, b""))
        at = within[entry.stream]
        found[at] = (entry.stream, found[at][1] + entry.data)
        if entry.ends:
            del within[entry.stream]
    for at in within.values():
        found[at] = (found[at][0], found[at][1] + b"~")
    return found


def read(path: str, tail: int | None = None) -> list[tuple[int, bytes]]:
    reader = LogReader(path, tail=tail)
    try:
        return texts(reader.entries())
    finally:
        reader.close()


def test_lines_of_both_streams(path: str) -> None:
    write(path, out(b"one"), err(b"two"), out(b""), out(b"  three  "))
    assert read(path) == [(STDOUT, b"one"), (STDERR, b"two"), (STDOUT, b""), (STDOUT, b"  three  ")]


def test_no_file_is_no_output(path: str) -> None:
    assert read(path) == []
    assert read(path, tail=3) == []


def test_bytes_stay_as_they_are(path: str) -> None:
    data = bytes(set(range(256)) - {10})
    write(path, out(data))
    assert read(path) == [(STDOUT, data)]


def test_parts_are_put_together_by_stream(path: str) -> None:
    write(path, part(b"a"), part(b"x", "stderr"), part(b"b"), err(b"y"), out(b"c"), out(b"d"))
    assert read(path) == [(STDOUT, b"abc"), (STDERR, b"xy"), (STDOUT, b"d")]


def test_last_part_without_an_end(path: str) -> None:
    write(path, out(b"whole"), part(b"$ "))
    assert read(path) == [(STDOUT, b"whole"), (STDOUT, b"$ ~")]


def test_record_that_was_cut_off_is_given_as_far_as_it_goes(path: str) -> None:
    write(path, out(b"whole"), out(b"cut off")[:-4])
    assert read(path) == [(STDOUT, b"whole"), (STDOUT, b"cut ~")]


def test_time_is_the_record_s_own_text(path: str) -> None:
    write(path, record(b"x", when=b"2024-01-01T00:00:00.5+02:00"))
    assert [entry.time for entry in LogReader(path).entries()] == [b"2024-01-01T00:00:00.5+02:00"]


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"nonsense\n",
        TIME + b" stdout F\n",
        TIME + b" stdin F x\n",
        TIME + b" stdout Q x\n",
        b"\0" * 5000 + b"\n",
        TIME + b" stdout F " + b"x" * (3 << 20) + b"\n",
    ],
    ids=["empty", "word", "no text", "stream", "tag", "zeros", "endless"],
)
def test_damage_is_counted_and_hides_nothing(path: str, line: bytes) -> None:
    write(path, out(b"before"), line, out(b"after"))
    reader = LogReader(path)
    assert texts(reader.entries()) == [(STDOUT, b"before"), (STDOUT, b"after")]
    assert reader.damaged == 1
    assert read(path, tail=1) == [(STDOUT, b"after")]
    assert read(path, tail=2) == [(STDOUT, b"before"), (STDOUT, b"after")]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7, 8, 100])
def test_tail(path: str, count: int) -> None:
    lines = [(STDERR if at % 3 == 0 else STDOUT, b"line %d" % at) for at in range(8)]
    write(path, *(err(text) if stream == STDERR else out(text) for stream, text in lines))
    assert read(path, tail=count) == lines[len(lines) - min(count, len(lines)) :]


@pytest.mark.parametrize("size", [1, 100, logs._BLOCK - 47, logs._BLOCK - 46, logs._BLOCK - 45, 200_000])
def test_tail_over_blocks(path: str, size: int) -> None:
    lines = [b"%d" % at * size for at in range(4)]
    write(path, *map(out, lines))
    for count in range(6):
        assert read(path, tail=count) == [(STDOUT, text) for text in lines[len(lines) - min(count, 4) :]]


def test_tail_counts_lines_not_parts(path: str) -> None:
    write(path, out(b"0"), part(b"1"), part(b"1"), out(b"1"), part(b"2"), out(b"2"), part(b"3"))
    assert read(path, tail=1) == [(STDOUT, b"3~")]
    assert read(path, tail=2) == [(STDOUT, b"22"), (STDOUT, b"3~")]
    assert read(path, tail=3) == [(STDOUT, b"111"), (STDOUT, b"22"), (STDOUT, b"3~")]
    assert read(path, tail=9)[0] == (STDOUT, b"0")


def test_tail_takes_the_beginning_of_a_line_from_before_another_stream_s(path: str) -> None:
    write(path, err(b"old"), part(b"a"), err(b"e"), out(b"b"), err(b"f"))
    assert read(path, tail=1) == [(STDERR, b"f")]
    assert read(path, tail=2) == [(STDOUT, b"ab"), (STDERR, b"f")]
    assert read(path, tail=3) == [(STDOUT, b"ab"), (STDERR, b"e"), (STDERR, b"f")]


def test_tail_gives_up_on_a_beginning_that_is_far_away(path: str) -> None:
    write(path, part(b"far away "), *(err(b"x" * 4000) for _ in range(600)), out(b"the end"))
    assert read(path, tail=1) == [(STDOUT, b"the end")]


def test_tail_does_not_count_a_record_that_is_being_written(path: str) -> None:
    write(path, out(b"one"), out(b"two"), out(b"thr")[:-1])
    assert read(path, tail=1) == [(STDOUT, b"two"), (STDOUT, b"thr~")]
    reader = LogReader(path, tail=0)
    assert texts(reader.entries(final=False)) == []
    write(path, b"ee\n")
    assert texts(reader.entries(final=False)) == [(STDOUT, b"three")]
    assert reader.damaged == 0


def test_tail_of_a_long_log_reads_its_end_only(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write(path, *(out(b"x" * 200) for _ in range(50_000)), out(b"end"))
    asked = []
    pread = os.pread

    def counting(fd: int, length: int, offset: int) -> bytes:
        asked.append(length)
        return pread(fd, length, offset)

    monkeypatch.setattr(os, "pread", counting)
    assert read(path, tail=1) == [(STDOUT, b"end")]
    assert sum(asked) < 10 * logs._BLOCK < os.path.getsize(path)


def test_wanted_decides_for_whole_lines(path: str) -> None:
    early, late = b"2024-01-01T00:00:00.000000000+00:00", b"2024-01-02T00:00:00.000000000+00:00"
    write(
        path,
        record(b"a", when=early),
        record(b"b", tag="P", when=early),
        record(b"c", "stderr", when=late),
        record(b"b", when=late),
        record(b"d", when=late),
    )
    reader = LogReader(path, wanted=lambda when: when >= late)
    assert texts(reader.entries()) == [(STDERR, b"c"), (STDOUT, b"d")]


def test_what_is_added_comes_once(path: str) -> None:
    reader = LogReader(path)
    assert texts(reader.entries(final=False)) == []
    write(path, out(b"one"), out(b"two")[:20])
    assert texts(reader.entries(final=False)) == [(STDOUT, b"one")]
    write(path, out(b"two")[20:], part(b"pa"))
    assert [entry.data for entry in reader.entries(final=False)] == [b"two", b"pa"]
    write(path, out(b"rt"))
    (last,) = reader.entries(final=True)
    assert (last.data, last.begins, last.ends) == (b"rt", False, True)


def test_log_that_was_replaced_is_read_on(path: str) -> None:
    write(path, out(b"old"))
    reader = LogReader(path, tail=0)
    assert texts(reader.entries(final=False)) == []
    with open(path, "ab") as old:
        write(f"{path}.tmp", out(b"new"))
        os.rename(f"{path}.tmp", path)
        old.write(out(b"last of old"))
        old.flush()
        assert texts(reader.entries(final=False)) == [(STDOUT, b"last of old"), (STDOUT, b"new")]
    write(path, out(b"newer"))
    assert texts(reader.entries()) == [(STDOUT, b"newer")]


def test_log_that_was_cut_is_read_anew(path: str) -> None:
    write(path, out(b"a long first line"), out(b"second"))
    reader = LogReader(path)
    assert len(list(reader.entries(final=False))) == 2
    os.truncate(path, 0)
    write(path, out(b"anew"))
    assert texts(reader.entries()) == [(STDOUT, b"anew")]


def test_log_that_was_removed_is_read_to_its_end(path: str) -> None:
    write(path, out(b"one"))
    reader = LogReader(path)
    with open(path, "ab") as file:
        os.unlink(path)
        file.write(out(b"two"))
    assert texts(reader.entries(final=False)) == [(STDOUT, b"one"), (STDOUT, b"two")]
    assert texts(reader.entries()) == []


def test_memory_is_bounded(path: str) -> None:
    with open(path, "wb") as file:
        for _ in range(4000):
            file.write(part(b"x" * 8000))
        file.write(b"\0" * (16 << 20) + b"\n")
        file.write(out(b"end"))
    tracemalloc.start()
    try:
        for tail, size in ((None, 4000 * 8000 + 3), (1, 3)):
            reader = LogReader(path, tail=tail)
            assert sum(len(entry.data) for entry in reader.entries()) == size
            reader.close()
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


# Waiting for more.


@pytest.fixture(params=["inotify", "poll"])
def watch(request: pytest.FixtureRequest, path: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    if request.param == "poll":

        def refused() -> int:
            raise OSError(24, "too many open files")

        monkeypatch.setattr("argosy.linux.syscalls.inotify_init1", refused)
    made = Watch((path,), ())
    yield made
    made.close()
    made.close()


def test_wait_ends_when_the_log_grows(watch: Watch, path: str) -> None:
    write(path, out(b"one"))
    watch.wait(limit_s=0)
    timer = threading.Timer(0.05, write, (path, out(b"two")))
    timer.start()
    before = time.monotonic()
    assert watch.wait(limit_s=10)
    assert time.monotonic() - before < 0.9
    timer.join()


def test_wait_ends_when_the_log_appears_or_is_replaced(watch: Watch, path: str) -> None:
    for _ in range(2):
        write(f"{path}.tmp", out(b"one"))
        watch.wait(limit_s=0)
        timer = threading.Timer(0.05, os.rename, (f"{path}.tmp", path))
        timer.start()
        before = time.monotonic()
        assert watch.wait(limit_s=10)
        assert time.monotonic() - before < 0.9
        timer.join()


def test_wait_takes_no_longer_than_the_limit(watch: Watch) -> None:
    watch.wait(limit_s=0)
    before = time.monotonic()
    assert watch.wait(limit_s=0.03)
    assert watch.wait(limit_s=-5)
    assert time.monotonic() - before < 0.09


def test_wait_sees_that_nobody_reads_any_more(watch: Watch) -> None:
    read_end, write_end = os.pipe()
    try:
        assert watch.wait(limit_s=0, reader=write_end)
        os.close(read_end)
        assert not watch.wait(limit_s=10, reader=write_end)
    finally:
        os.close(write_end)
