"""Copying between the caller and a container: the keys that detach, back pressure, ends, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from argosy.errors import Invalid
from argosy.runtime.streams import CLOSED, DETACHED, EOF, Copying, DetachKeys, Signals

CTRL_P, CTRL_Q = b"\x10", b"\x11"


@pytest.mark.parametrize(
    ("typed", "passed", "detached"),
    [
        ([b"abc"], b"abc", False),
        ([CTRL_P + CTRL_Q], b"", True),
        ([b"ab", CTRL_P, CTRL_Q, b"c"], b"ab", True),
        ([CTRL_P, b"x"], CTRL_P + b"x", False),
        ([CTRL_P, CTRL_P, CTRL_Q], CTRL_P, True),
        ([CTRL_P, b"x", CTRL_Q], CTRL_P + b"x" + CTRL_Q, False),
        ([b"x" + CTRL_P + CTRL_Q + b"y"], b"x", True),
    ],
)
def test_the_keys_are_found_wherever_reads_are_cut(typed: list[bytes], passed: bytes, detached: bool) -> None:
    keys = DetachKeys("ctrl-p,ctrl-q")
    got, found = b"", False
    for piece in typed:
        more, found = keys.feed(piece)
        got += more
        if found:
            break
    assert (got, found) == (passed, detached)


def test_keys_that_begin_like_themselves() -> None:
    assert DetachKeys("x,x,y").feed(b"axxxxy") == (b"axx", True)


def test_no_keys_detach_nothing() -> None:
    assert DetachKeys("").feed(CTRL_P + CTRL_Q) == (CTRL_P + CTRL_Q, False)


@pytest.mark.parametrize(
    ("text", "typed"),
    [("a", b"a"), ("ctrl-a,b", b"\x01b"), ("ctrl-@", b"\0"), ("ctrl-[", b"\x1b"), ("ctrl-_", b"\x1f"), ("x,x", b"xx")],
)
def test_the_notation_of_keys(text: str, typed: bytes) -> None:
    assert DetachKeys(text).feed(typed) == (b"", True)


@pytest.mark.parametrize("text", ["ctrl-", "ctrl-P", "ctrl-pp", "ab", "ctrl-p,", "é", "alt-x", "ctrl-1"])
def test_other_keys_are_refused(text: str) -> None:
    with pytest.raises(Invalid, match="detach keys"):
        DetachKeys(text)


class Container:
    """The container's side, made of pipes; the test holds the other ends."""

    def __init__(self, *, takes_input: bool = True) -> None:
        out_read, self.out = os.pipe()
        err_read, self.err = os.pipe()
        self.input, input_write = os.pipe()
        self.ended, ended_write = os.pipe()
        self.died = ended_write
        os.set_blocking(input_write, False)
        self.outputs = (out_read, err_read)
        self.input_fd = input_write if takes_input else -1
        self.ended_fd = self.ended
        self.input_ended = False

    def read(self, fd: int) -> tuple[int, bytes]:
        return 1 + self.outputs.index(fd), os.read(fd, 65536)

    def write(self, data: bytes) -> int:
        return os.write(self.input_fd, data)

    def end_input(self) -> None:
        self.input_ended = True
        os.close(self.input_fd)

    def finish(self) -> None:
        os.close(self.out)
        os.close(self.err)


class Session:
    """One copying, in a thread, between a container and pipes of the test's."""

    def __init__(self, far: Container, *, keys: str = "", stdin: bool = True) -> None:
        self.far = far
        near_in, self.stdin = os.pipe()
        self.stdout, near_out = os.pipe()
        self.stderr, near_err = os.pipe()
        self.near = [near_in, near_out, near_err]
        self.copying = Copying(
            far,
            stdin=near_in if stdin else None,
            stdout=near_out,
            stderr=near_err,
            keys=DetachKeys(keys),
            caught=Signals(passed_on=False),
            on_signal=lambda _number: None,
            on_resize=lambda: None,
        )
        self.how = ""
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        self.how = self.copying.run()

    def end(self) -> str:
        self.thread.join(20)
        assert not self.thread.is_alive()
        return self.how


@pytest.fixture
def session() -> Iterator[Callable[..., Session]]:
    """Makes sessions; closes whatever descriptors they leave."""
    before = set(os.listdir("/proc/self/fd"))
    yield lambda **options: Session(Container(), **options)
    for fd in set(os.listdir("/proc/self/fd")) - before:
        try:
            os.close(int(fd))
        except OSError:
            continue


def test_both_streams_reach_their_places_and_the_end_is_seen(session: Callable[..., Session]) -> None:
    one = session()
    os.write(one.far.out, b"out")
    os.write(one.far.err, b"err")
    assert os.read(one.stdout, 100) == b"out"
    assert os.read(one.stderr, 100) == b"err"
    one.far.finish()
    assert one.end() == EOF


def test_input_goes_in_and_its_end_is_passed_on(session: Callable[..., Session]) -> None:
    one = session()
    os.write(one.stdin, b"hello")
    assert os.read(one.far.input, 100) == b"hello"
    os.close(one.stdin)
    assert os.read(one.far.input, 100) == b""
    one.far.finish()
    assert one.end() == EOF
    assert one.far.input_ended


def test_a_container_that_does_not_read_still_gets_rid_of_its_output(session: Callable[..., Session]) -> None:
    one = session()
    pushed = b"x" * 300_000

    def push() -> None:
        os.write(one.stdin, pushed)
        os.close(one.stdin)

    writer = threading.Thread(target=push)
    writer.start()
    for _ in range(50):
        os.write(one.far.out, b"y" * 1000)
        assert len(os.read(one.stdout, 65536)) == 1000
    got = 0
    while got < len(pushed):
        got += len(os.read(one.far.input, 65536))
    writer.join()
    one.far.finish()
    assert one.end() == EOF


def test_a_container_that_closed_its_input_does_not_end_the_copying(session: Callable[..., Session]) -> None:
    one = session()
    os.close(one.far.input)
    os.write(one.stdin, b"lost")
    os.write(one.far.out, b"still here")
    assert os.read(one.stdout, 100) == b"still here"
    one.far.finish()
    assert one.end() == EOF


def test_the_keys_end_the_copying(session: Callable[..., Session]) -> None:
    one = session(keys="ctrl-p,ctrl-q")
    os.write(one.stdin, b"a" + CTRL_P)
    os.write(one.stdin, CTRL_Q)
    assert one.end() == DETACHED
    assert os.read(one.far.input, 100) == b"a"


def test_when_the_process_is_gone_its_last_words_are_copied(session: Callable[..., Session]) -> None:
    """Somebody else may hold the pipe open: that is not waited for."""
    one = session(stdin=False)
    os.write(one.far.out, b"last words")
    os.close(one.far.died)
    assert one.end() == EOF
    assert os.read(one.stdout, 100) == b"last words"


def test_output_that_nobody_reads_ends_the_copying(session: Callable[..., Session]) -> None:
    one = session()
    os.close(one.stdout)
    os.write(one.far.out, b"x")
    assert one.end() == CLOSED


SCRIPT = """
import os, sys, signal
sys.path.insert(0, {checkout!r})
from argosy.runtime.streams import Signals
signal.signal(signal.SIGUSR2, signal.SIG_IGN)
before = signal.getsignal(signal.SIGTERM)
with Signals(passed_on=True, window=True) as caught:
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGWINCH, signal.SIGRTMIN + 3, signal.SIGINT):
        os.kill(os.getpid(), number)
    os.kill(os.getpid(), signal.SIGUSR2)
    print(sorted(caught.take()))
    print(caught.take())
print(signal.getsignal(signal.SIGTERM) == before, signal.set_wakeup_fd(-1), caught.fd)
"""


def test_signals_are_kept_until_they_are_taken() -> None:
    from tests.rig.program import CHECKOUT

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(checkout=CHECKOUT)], capture_output=True, text=True, check=True
    )
    numbers = sorted((signal.SIGTERM, signal.SIGUSR1, signal.SIGWINCH, signal.SIGRTMIN + 3, signal.SIGINT))
    assert done.stdout.splitlines() == [str([int(n) for n in numbers]), "b''", "True -1 -1"]


def test_outside_the_main_thread_nothing_is_caught() -> None:
    caught: list[int] = []

    def work() -> None:
        with Signals(passed_on=True) as signals:
            caught.append(signals.fd)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert caught == [-1]
