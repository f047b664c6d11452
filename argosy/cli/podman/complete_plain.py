"""`__completeNoDesc WORD...`: as `__complete`, without descriptions."""

from __future__ import annotations

from argosy.cli.podman import complete

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


def run(options: complete.CompleteOptions, opener: Opener, out: Output) -> int:
    """Print the candidates."""
    found, directive = complete.candidates(out.program, options.operands or ("",), opener)
    for text, _ in found:
        out.line(text)
    out.line(f":{directive}")
    return 0


COMMAND = complete.COMMAND.replace(path="__completeNoDesc", run=run)
