"""What a long transfer tells about itself: the protocol that the faces implement.  This class says nothing."""

from __future__ import annotations


class Progress:
    """Receives the steps of a transfer; called from several threads at once.  Derive from it to show them.

    `key` names one piece of work (a blob's digest).  Its life is `start`, any number of `advance`, then `finish`; a
    failed transfer just ends.  `line` is a step that has no duration.
    """

    def start(self, key: str, total: int, label: str) -> None:
        """Work of `total` bytes begins (0: nobody knows how many)."""

    def advance(self, key: str, count: int) -> None:
        """`count` more bytes are done."""

    def finish(self, key: str, label: str) -> None:
        """The work is done; `label` replaces the one that it began with."""

    def line(self, text: str) -> None:
        """Something worth a line was reached."""
