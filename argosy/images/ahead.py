"""Blocks that a thread makes while those before are used: one core inflates a layer, another hashes and writes it."""

from __future__ import annotations

import queue
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_QUEUED_BLOCKS = 4
_BLOCK_BYTES = 1 << 20


def ahead(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, in blocks of about a megabyte, a few of which are made before they are asked for.

    What `blocks` raises is raised here, behind the bytes that came before it.  `blocks` has ended when this has.
    """
    made: queue.Queue[bytes | None] = queue.Queue(_QUEUED_BLOCKS)
    errors: list[BaseException] = []
    abandoned = threading.Event()

    def make() -> None:
        try:
            for block in _gathered(blocks):
                made.put(block)
                if abandoned.is_set():
                    break
        except BaseException as error:  # noqa: BLE001 -- raised again where the blocks are used
            errors.append(error)
        finally:
            made.put(None)

    threading.Thread(target=make, name="ahead", daemon=True).start()
    ended = False
    try:
        while (block := made.get()) is not None:
            yield block
        ended = True
    finally:
        abandoned.set()
        while not ended:
            ended = made.get() is None
    if errors:
        raise errors[0]


def _gathered(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Small blocks put together: each that changes hands costs a change of threads."""
    gathered: list[bytes] = []
    size = 0
    for block in blocks:
        gathered.append(block)
        size += len(block)
        if size >= _BLOCK_BYTES:
            yield b"".join(gathered)
            gathered, size = [], 0
    if gathered:
        yield b"".join(gathered)
