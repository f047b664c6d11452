"""Reading a container's log: conmon's k8s-file format, one record to a line, in the order in which it was written.

    2006-01-02T15:04:05.000000000+00:00 stdout F a whole line, or the end of one
    2006-01-02T15:04:05.000000000+00:00 stderr P a part of a line: the rest is in the stream's next record

conmon writes P where its buffer was full or the program wrote no newline; the last P may stay without its F.  Parts are
handed on as they come, and what is held is never more than a block and a record, however long lines and file are.
When the log reaches its largest size conmon starts a new file and renames it over the old one.
"""

from __future__ import annotations

import os
import stat

from argosy.errors import ArgosyError
from argosy.linux import paths, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STDOUT, STDERR = 1, 2

_STREAMS = {b"stdout": STDOUT, b"stderr": STDERR}
_BLOCK = 1 << 16
_LONGEST_RECORD = 1 << 20  # conmon's are a few KiB; what is longer is damage
_NO_RECORD = b"\0"  # stands for a line that is too long
_LOOK_BACK = 1 << 20  # how far before the last lines the beginning of a line in parts is looked for
_POLL_S = 0.1
_WATCHED_POLL_S = 1.0
_IN_FILE = 0x2 | 0x4 | 0x800  # IN_MODIFY, IN_ATTRIB (unlinked), IN_MOVE_SELF
_IN_DIRECTORY = 0x8 | 0x80 | 0x100  # IN_CLOSE_WRITE, IN_MOVED_TO, IN_CREATE


class Entry:
    """A line of output, or a part of one: `begins` and `ends` say which.  `time` is the record's own text."""

    __slots__ = ("begins", "data", "ends", "stream", "time")

    def __init__(self, time: bytes, stream: int, data: bytes, *, begins: bool, ends: bool) -> None:
        self.time = time
        self.stream = stream
        self.data = data
        self.begins = begins
        self.ends = ends


class LogReader:
    """One log, read forward.  The file may not be there yet, may be replaced by a new one, and may be cut.

    `tail` gives the last so many lines only (none: all of them).  `wanted` decides by the time of its first record
    whether a line is shown.  Close it when done.  `damaged` counts the lines of the file that are no records; the
    other ones are given all the same.
    """

    def __init__(self, path: str, *, tail: int | None = None, wanted: Callable[[bytes], bool] | None = None) -> None:
        self.path = path
        self.damaged = 0
        self._wanted = wanted
        self._fd = -1
        self._offset = 0  # of the next read
        self._rest = b""  # what was read of a record that has not ended
        self._begun = {STDOUT: False, STDERR: False}  # whether the stream is within a line
        self._shown = {STDOUT: True, STDERR: True}  # whether that line is wanted
        self._starts = {STDOUT: 0, STDERR: 0}
        if self._open() and tail is not None:
            self._starts = tail_starts(self._fd, tail)
            self._offset = min(self._starts.values())

    def close(self) -> None:
        """Give the file back.  Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def entries(self, *, final: bool = True) -> Iterator[Entry]:
        """What the log holds now and has not been given yet.

        With `final` this is the end: a record that was cut off is given as far as it goes.
        """
        while self._fd >= 0 or self._open():
            data = os.pread(self._fd, _BLOCK, self._offset)
            if data:
                yield from self._of_block(data)
            elif not self._turn_over():
                break
        if final and self._rest:
            line, self._rest = self._rest, b""
            entry = self._entry(line, cut=True)
            if entry is not None:
                yield entry

    def _open(self) -> bool:
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO would not let us go
        except FileNotFoundError:
            return False
        mode = os.fstat(fd).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISCHR(mode)):
            os.close(fd)
            raise ArgosyError(f"{self.path} is no log: it is {paths.kind(mode)}")
        self._fd = fd
        return True

    def _turn_over(self) -> bool:
        """At the end of the file: whether there is more, in this file after all, cut to begin anew, or in a new one."""
        mine = os.fstat(self._fd)
        if mine.st_size < self._offset:
            self._restart()
            return True
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            return False  # removed with its container; what was written is still ours to read
        if os.path.samestat(mine, there):
            return False
        if os.fstat(self._fd).st_size > self._offset:
            return True  # written between our last read and the renaming
        self.close()
        self._restart()
        return self._open()

    def _restart(self) -> None:
        self._offset = 0
        self._rest = b""
        self._starts = {STDOUT: 0, STDERR: 0}

    def _of_block(self, data: bytes) -> Iterator[Entry]:
        self._offset += len(data)
        lines = (self._rest + data).split(b"\n")
        rest = lines.pop()
        if self._offset - len(data) < max(self._starts.values()):
            lines = self._behind_starts(lines, self._offset - len(rest))
        self._rest = rest if len(rest) <= _LONGEST_RECORD else _NO_RECORD
        for line in lines:
            entry = self._entry(line)
            if entry is not None:
                yield entry

    def _behind_starts(self, lines: list[bytes], end: int) -> list[bytes]:
        """The records that are not before the place where the wanted lines of their stream begin."""
        kept = []
        for line in reversed(lines):
            end -= len(line) + 1
            fields = _fields(line)
            if not fields or end >= self._starts[_STREAMS[fields[1]]]:
                kept.append(line)
        return kept[::-1]

    def _entry(self, line: bytes, *, cut: bool = False) -> Entry | None:
        fields = _fields(line)
        if not fields:
            self.damaged += 1
            return None
        stream = _STREAMS[fields[1]]
        begins = not self._begun[stream]
        ends = fields[2] == b"F" and not cut
        self._begun[stream] = not ends
        if begins and self._wanted is not None:
            self._shown[stream] = self._wanted(fields[0])
        if not self._shown[stream]:
            return None
        return Entry(fields[0], stream, fields[3], begins=begins, ends=ends)


def _fields(line: bytes) -> list[bytes]:
    """Time, stream, tag and text of a record, nothing where the line is none."""
    fields = line.split(b" ", 3)
    return fields if len(fields) == 4 and fields[1] in _STREAMS and fields[2] in (b"F", b"P") else []


def tail_starts(fd: int, count: int) -> dict[int, int]:
    """The offsets from which on the records of each stream make up the last `count` lines of both.

    Read in blocks from the end.  A line in parts that begins more than a MiB before the others is shown from there on.
    """
    end = os.fstat(fd).st_size
    starts: dict[int, int] = {}
    within: set[int] = set()  # streams of which a wanted line may go on to the left
    lines, limit, seen = 0, 0, end
    for offset, line, after in _backwards(fd, end):
        if after == end:  # no newline yet: not a record, and not counted
            end = seen = offset
            continue
        if lines == count and (not within or offset < limit):
            break
        seen = offset
        fields = _fields(line)
        if not fields:
            continue
        stream = _STREAMS[fields[1]]
        if stream in starts or (stream in within and fields[2] == b"P"):
            continue
        if lines < count:
            lines += 1
            limit = offset - _LOOK_BACK
            within.add(stream)
        else:
            starts[stream] = after + 1
            within.discard(stream)
    for stream in (STDOUT, STDERR):
        starts.setdefault(stream, seen if stream in within else end)
    return starts


def _backwards(fd: int, end: int) -> Iterator[tuple[int, bytes, int]]:
    """Each line before `end`, the last one first: its offset, its text, and the offset behind it."""
    carry, too_long = b"", False
    after = position = end
    while position > 0:
        length = min(_BLOCK, position)
        position -= length
        block = os.pread(fd, length, position)
        cut = len(block)
        while (newline := block.rfind(b"\n", 0, cut)) >= 0:
            yield position + newline + 1, _NO_RECORD if too_long else block[newline + 1 : cut] + carry, after
            carry, too_long = b"", False
            after = position + newline
            cut = newline
        carry = block[:cut] + carry
        if len(carry) > _LONGEST_RECORD:
            carry, too_long = b"", True
    yield 0, _NO_RECORD if too_long else carry, after


class Watch:
    """Waits until one of several logs may have more, or an exit record appeared.  Close it when done.

    By inotify where the kernel gives one, else by looking every tenth of a second.
    """

    def __init__(self, logs: tuple[str, ...], directories: tuple[str, ...]) -> None:
        self._logs = logs
        self._fd = -1
        try:
            self._fd = syscalls.inotify_init1()
        except OSError:
            return  # no instance left for this user
        for directory in (*directories, *{os.path.dirname(path) for path in logs}):
            self._watch(directory, _IN_DIRECTORY)

    def _watch(self, path: str, mask: int) -> None:
        try:
            syscalls.inotify_add_watch(self._fd, path, mask)
        except OSError:
            pass  # not there (any more): the poll's time-out looks after it

    def wait(self, *, limit_s: float | None = None, reader: int = -1) -> bool:
        """Wait for a change, at most `limit_s`.  False when the reader at the other end of `reader` has gone away."""
        import select

        poll = select.poll()
        if reader >= 0:
            poll.register(reader, 0)
        pause_s = _POLL_S
        if self._fd >= 0:
            for path in self._logs:  # again each time: a log may have been replaced, and adding twice is no harm
                self._watch(path, _IN_FILE)
            poll.register(self._fd, select.POLLIN)
            pause_s = _WATCHED_POLL_S
        if limit_s is not None:
            pause_s = max(0.0, min(pause_s, limit_s))
        found = poll.poll(pause_s * 1000)
        if self._fd >= 0 and any(fd == self._fd for fd, _ in found):
            os.read(self._fd, _BLOCK)
        return not any(fd == reader and event & (select.POLLERR | select.POLLNVAL) for fd, event in found)

    def close(self) -> None:
        """Give the inotify instance back.  Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
