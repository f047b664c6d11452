"""The question before something is removed."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output

_ANSWER_LIMIT = 1024


def confirmed(out: Output, warning: str) -> bool:
    """Show `warning` and ask on standard output; whether the line on standard input begins with y.  No input is no."""
    out.write(f"{warning}\nAre you sure you want to continue? [y/N] ")
    out.flush()
    answer = b""
    while not answer.endswith(b"\n") and len(answer) < _ANSWER_LIMIT and (byte := os.read(0, 1)):
        answer += byte
    return answer.strip().lower().startswith(b"y")
