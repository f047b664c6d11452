"""Output: buffering, tables as Go's tabwriter aligns them, and writes that fail."""

from __future__ import annotations

import os

import pytest

from argosy.cli.output import Output, OutputClosed, OutputFailed, aligned


class Pipe:
    """An Output that writes into a pipe, and what came out of it."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        self.out = Output(fd=self.writer, error_fd=self.writer)

    def read(self) -> bytes:
        os.set_blocking(self.reader, False)
        try:
            return os.read(self.reader, 1 << 20)
        except BlockingIOError:
            return b""


@pytest.fixture
def pipe() -> Pipe:
    return Pipe()


def test_output_waits_for_the_flush(pipe: Pipe) -> None:
    pipe.out.line("a")
    assert pipe.read() == b""
    pipe.out.flush()
    assert pipe.read() == b"a\n"


def test_errors_stand_behind_the_output_before_them(pipe: Pipe) -> None:
    pipe.out.line("a")
    pipe.out.error("b")
    assert pipe.read() == b"a\nb\n"


def test_names_that_are_not_utf8_come_out_as_they_went_in(pipe: Pipe) -> None:
    pipe.out.line(os.fsdecode(b"\xff\xfe"))
    pipe.out.flush()
    assert pipe.read() == b"\xff\xfe\n"


HOSTILE = "a\x1b[2Jb\x9bc\x07d\u202ee\udcff"
TAME = rb"a\x1b[2Jb\x9bc\x07d\u202ee\udcff"


def test_messages_cannot_steer_a_terminal(pipe: Pipe) -> None:
    pipe.out.error(f"one {HOSTILE}\n\ttwo")
    assert pipe.read() == b"one " + TAME + b"\n\ttwo\n"


def test_tables_keep_their_lines(pipe: Pipe) -> None:
    pipe.out.table(("NAME", "TEXT"), [(HOSTILE, "x\ny\r"), ("b", "z")])
    pipe.out.flush()
    assert pipe.read().splitlines()[1:] == [TAME + rb"  x\ny\r", b"b".ljust(len(TAME) + 2) + b"z"]


def test_text_for_a_terminal_cannot_steer_it() -> None:
    import pty

    master, terminal = pty.openpty()
    out = Output(fd=terminal, error_fd=terminal)
    out.line(f"{HOSTILE}\tend")
    assert _read(master, len(TAME) + 6) == TAME + b"\tend\r\n"
    out.write_bytes(b"\x1b[1m")  # a container's own output is its own
    out.flush()
    assert _read(master, 4) == b"\x1b[1m"
    os.close(terminal)
    os.close(master)


def _read(master: int, size: int) -> bytes:
    """So many bytes: a terminal gives what is there, which may be a part."""
    data = b""
    while len(data) < size:
        data += os.read(master, size - len(data))
    return data


def test_large_output_is_written_without_a_flush(pipe: Pipe) -> None:
    pipe.out.write("x" * 65536)
    assert len(pipe.read()) == 65536


def test_notices_can_be_turned_off(pipe: Pipe) -> None:
    pipe.out.notice("one")
    pipe.out.notices = False
    pipe.out.notice("two")
    assert pipe.read() == b"Note: one\n"


def test_a_closed_pipe_is_told_apart(pipe: Pipe) -> None:
    os.close(pipe.reader)
    pipe.out.line("a")
    with pytest.raises(OutputClosed):
        pipe.out.flush()
    pipe.out.flush()  # what could not be written is not tried again


def test_a_full_disk_is_an_error() -> None:
    fd = os.open("/dev/full", os.O_WRONLY)
    out = Output(fd=fd)
    out.line("a")
    with pytest.raises(OutputFailed, match="cannot write standard output: No space left on device"):
        out.flush()
    os.close(fd)


def test_closed_standard_error_is_no_failure() -> None:
    fd = os.open("/dev/full", os.O_WRONLY)
    Output(error_fd=fd).error("a")
    os.close(fd)


def test_columns_are_at_least_twelve_wide_and_two_apart() -> None:
    lines = [["REPOSITORY", "TAG", "SIZE"], ["localhost/busybox", "latest", "2 MB"]]
    assert aligned(lines) == [
        "REPOSITORY         TAG         SIZE",
        "localhost/busybox  latest      2 MB",
    ]


def test_the_last_cell_is_not_padded_and_columns_end_with_their_lines() -> None:
    assert aligned([["a"], ["bb", "c"], ["d"], ["eeeeeeeeeeeeee", "f"]]) == [
        "a",
        "bb          c",
        "d",
        "eeeeeeeeeeeeee  f",
    ]


def test_no_lines_no_table(pipe: Pipe) -> None:
    pipe.out.table((), ())
    pipe.out.table(("A", "B"), ())
    pipe.out.flush()
    assert pipe.read() == b"A           B\n"
