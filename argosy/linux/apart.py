"""Working in another directory in a process with several threads, which share theirs: a program that uses Argosy."""

from __future__ import annotations

import os

from argosy.linux import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def in_directory(path: str, call: Callable[[], int]) -> int:
    """The result of `call` in one more thread, with `path` as a working directory of its own."""
    import threading  # heavy on Python 3.13; a program with several threads has it already

    results: list[int] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            syscalls.unshare(syscalls.CLONE_FS)
            os.chdir(path)
            results.append(call())
        except BaseException as error:  # noqa: BLE001 -- raised again in the thread that waits
            errors.append(error)

    thread = threading.Thread(target=run, name="apart")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
