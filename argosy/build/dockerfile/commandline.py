"""The two forms of a command: `["program", "argument"]`, and a line for the shell."""

from __future__ import annotations

from argosy.build.dockerfile import words
from argosy.build.dockerfile.instructions import CommandLine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.build.dockerfile.lexer import Statement


def command_line(statement: Statement) -> CommandLine:
    """What stands behind keyword and flags; what looks like an array and is no JSON is a shell's line."""
    array = words.json_array(statement.rest)
    if array is not None:
        return CommandLine(array, shell_form=False)
    return CommandLine((statement.rest,) if statement.rest else (), shell_form=True, heredocs=statement.heredocs)
