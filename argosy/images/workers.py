"""Pieces of work in several threads: the first error ends all of them, and so does an interrupt."""

from __future__ import annotations

import threading
import time

from argosy.images.progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Piece = TypeVar("Piece")

_PATIENCE_S = 5.0


class Cancelled(Exception):
    """Another piece failed, or the user gave up."""


class Watched(Progress):
    """Progress of one of several pieces of work: raises Cancelled once the others were told to end."""

    def __init__(self, shown: Progress, cancelled: threading.Event) -> None:
        self._shown = shown
        self._cancelled = cancelled

    def start(self, key: str, total: int, label: str) -> None:
        self._check()
        self._shown.start(key, total, label)

    def advance(self, key: str, count: int) -> None:
        self._check()
        self._shown.advance(key, count)

    def finish(self, key: str, label: str) -> None:
        self._shown.finish(key, label)

    def line(self, text: str) -> None:
        self._check()
        self._shown.line(text)

    def _check(self) -> None:
        if self._cancelled.is_set():
            raise Cancelled


def run(pending: list[Piece], work: Callable[[Piece], None], at_once: int, cancelled: threading.Event) -> None:
    """Do `work` for all pieces of `pending`, the last one first, in at most `at_once` threads.

    Raises the first error, when no thread is left but those that wait for a silent network: they end at its time-out.
    `cancelled` is set then, and at the end: `work` looks at it now and then, and raises Cancelled.
    """
    errors: list[BaseException] = []

    def take() -> None:
        while pending and not cancelled.is_set():
            try:
                work(pending.pop())
            except Cancelled:
                return
            except IndexError:
                return  # another thread took the last one
            except BaseException as error:  # noqa: BLE001 -- raised again in the thread that waits
                errors.append(error)
                cancelled.set()

    _run_threads(take, min(len(pending), at_once), cancelled)
    if errors:
        raise errors[0]


def _run_threads(work: Callable[[], None], count: int, cancelled: threading.Event) -> None:
    """Run `work` in so many threads and wait for them, also when the user interrupts."""
    ended = threading.Semaphore(0)

    def run() -> None:
        try:
            work()
        finally:
            ended.release()

    running = 0
    try:
        for _ in range(count):
            threading.Thread(target=run, name="layer", daemon=True).start()
            running += 1
        while running and not cancelled.is_set():
            ended.acquire()  # not Thread.join: once interrupted, that believes that the thread has ended (bpo-45274)
            running -= 1
    finally:
        cancelled.set()
        _wait(ended, running)


def _wait(ended: threading.Semaphore, running: int) -> None:
    """Wait for threads that were told to stop, but not long for one that waits for the network itself."""
    deadline = time.monotonic() + _PATIENCE_S
    for _ in range(running):
        if not ended.acquire(timeout=max(deadline - time.monotonic(), 0)):
            return
