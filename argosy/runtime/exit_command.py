"""The exit command of a container made with --rm whose foreground command takes it away itself.

conmon runs it as that container ends, when the foreground command has begun the same work with everything loaded.  So
this looks on before it becomes `container cleanup`: where the foreground was killed, that does all of it.  Nothing of
ours is imported here: waiting costs the start of the interpreter.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

COMMAND = "__exit"
_PATIENCE_MS = 1000  # a foreground may be kept up, by output that nobody reads
_LOOK_MS = 10


def argv(again: Sequence[str], own_words: int, foreground: int, container_id: str, directory: str) -> tuple[str, ...]:
    """The argument vector, of which the first `own_words` words of `again` start this program.

    `foreground` is the pid of the command that takes the container away, `directory` the container's in the store.
    """
    inserted = (COMMAND, str(foreground), directory)
    return (*again[:own_words], *inserted, *again[own_words:], "container", "cleanup", container_id)


def is_done(foreground: int, directory: str) -> bool:
    """Wait for the foreground command: whether it took the container away.

    False as soon as it has ended without, and after a second in any case: both may then do the same work, as any two
    cleaners.  Should its pid have become another process's, that costs this second.
    """
    import select

    try:
        pidfd = os.pidfd_open(foreground)
    except OSError:
        return not os.path.lexists(directory)
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    for _ in range(_PATIENCE_MS // _LOOK_MS):
        if not os.path.lexists(directory):
            return True
        if poll.poll(_LOOK_MS):
            break
    return not os.path.lexists(directory)
