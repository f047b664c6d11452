"""Errors in docker's words and with its statuses, on which scripts match.

docker's client says a wrong command line itself (status 125 for a flag, 1 for the operands) and passes on what its
daemon says behind `Error response from daemon:`.  The status is 1; of `run`, 125, to tell it from the container's.
"""

from __future__ import annotations

from argosy.cli import names, usage
from argosy.cli.docker import ABSENT
from argosy.cli.flags import OperandsError, UsageError
from argosy.errors import ArgosyError, Exists, NotFound, Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_PROGRAM = "docker"
_STATUS, _USAGE_STATUS = 1, 125
_OF_THE_COMMAND = (126, 127)  # which could not be executed, or was not found
_RUN = ("run", "container run")
_DAEMON = "Error response from daemon: "
_MISSING = {
    "container": _DAEMON + "No such container: {}",
    "image": _DAEMON + "No such image: {}",
    "network": _DAEMON + "network {} not found",
    "object": "Error: No such object: {}",
    "volume": _DAEMON + "get {}: no such volume",
}
# What docker's client adds when a container is missing.
_MORE = {
    "rename": "\nError: failed to rename container named {}",
    "start": "\nError: failed to start containers: {}",
}
# How podman's words for a state begin, and go on behind the name, and docker's: of the name, and of what follows.
_REWORDED = (
    ('"', "\" is not paused, can't unpause", "Container {} is not paused"),
    ("can only kill running containers. ", " is in state ", "Cannot kill container: {0}: Container {0} is not running"),
    (
        "cannot remove container ",
        " as it is running",
        "You cannot remove a running container {}. Stop the container before attempting removal or force remove",
    ),
    ("volume ", " is being used by the following container(s): ", "remove {}: volume is in use - [{}]"),
    ('"', '" could not be found on container ', "Could not find the file {} in container {}"),
)
_TAKEN = {
    "container": (
        'Conflict. The container name "/{name}" is already in use by container "{holder}". You have to remove '
        "(or rename) that container to be able to reuse that name."
    ),
    "network": "network with name {name} already exists",
}


def unknown_command(path: str, word: str) -> ArgosyError:
    """What to raise for a command that docker has not, or that Argosy has not."""
    if not path and word in ABSENT:
        why, hint = ABSENT[word]
        return Unsupported(why, hint=hint)
    shown = f"{_PROGRAM} {path}".rstrip()
    line = f"Usage:  {shown}\n\n" if path else ""
    return UsageError(
        f"{_PROGRAM}: unknown command: {shown} {word}",
        hint=f"\n{line}Run '{shown} --help' for more information",
        exit_code=_STATUS,
    )


def told(error: ArgosyError, command_line: Sequence[str]) -> tuple[str, int]:
    """The text for standard error, and the status."""
    path = _command_path(command_line)
    if isinstance(error, OperandsError):
        see = "Run" if error.low == error.high or not error.low else "See"
        return f"{_PROGRAM}: '{_PROGRAM} {path}' {_operands(error)}\n\n{_usage(path, see)}", _STATUS
    if isinstance(error, UsageError):
        if error.exit_code == _STATUS:  # said in full
            return str(error) + (f"\n{error.hint}" if error.hint else ""), _STATUS
        return f"{error}\n\n{_usage(path)}", _USAGE_STATUS
    text = _of_daemon(error, path)
    if path not in _RUN:
        return text, error.exit_code if error.exit_code in _OF_THE_COMMAND else _STATUS
    status = error.exit_code if error.exit_code in _OF_THE_COMMAND else _USAGE_STATUS
    return f"{_PROGRAM}: {text}\n\nRun '{_PROGRAM} {path} --help' for more information", status


def _of_daemon(error: ArgosyError, path: str) -> str:
    if path.removeprefix("image ") == "push" and isinstance(error, NotFound) and error.kind == "image":
        return f"An image does not exist locally with the tag: {error.name}"
    start, mark, rest = str(error).partition("executable file `")
    if mark and "not found in $PATH" in rest:  # crun's words
        what = "exec" if path.endswith("exec") else "create"
        program = rest.partition("`")[0]
        return (
            f"{'' if what == 'exec' else _DAEMON}OCI runtime {what} failed: {start}unable to start container process: "
            f'exec: "{program}": executable file not found in $PATH: unknown'
        )
    if isinstance(error, NotFound) and error.kind in _MISSING and not error.details:
        more = _MORE.get(path.removeprefix("container "), "") if error.kind == "container" else ""
        text = _MISSING[error.kind] + more
        return text.replace("{}", _tagged(error.name) if error.kind == "image" else error.name)
    for start, end, text in _REWORDED:
        if error.brief.startswith(start) and end in error.brief[len(start) :]:
            name, _, rest = error.brief[len(start) :].partition(end)
            return _DAEMON + text.format(name, rest.partition(": ")[0])
    if isinstance(error, Exists) and error.kind in _TAKEN:
        return _DAEMON + _TAKEN[error.kind].format(name=error.name, holder=error.holder)
    if path.startswith("context") or error.brief.startswith('error opening "'):
        start = ""  # docker's client says it, not its daemon
    else:
        start = "Error: " if isinstance(error, Unsupported) else _DAEMON
    return f"{start}{error}" + (f"\n{error.hint}" if error.hint else "")


def _tagged(name: str) -> str:
    """An image's name as docker completes it."""
    return name if "@" in name or ":" in name.rpartition("/")[2] else f"{name}:latest"


def _operands(error: OperandsError) -> str:
    if error.high == 0:
        return "accepts no arguments"
    most = error.high is not None and error.low == 0
    number = error.high if most else error.low
    exact = error.low == error.high
    rule = "requires" if exact else "requires at most" if most else "requires at least"
    return f"{rule} {number} argument{'' if number == 1 else 's'}"


def _usage(path: str, see: str = "Run") -> str:
    """How the command is called, and where to read more."""
    index = names.index(_PROGRAM)
    if path in index.COMMANDS:
        line = usage.usage_line(names.load_command(_PROGRAM, index.COMMANDS[path][0]), _PROGRAM, path)
    else:
        line = f"{_PROGRAM} {path} COMMAND" if path else f"{_PROGRAM} [OPTIONS] COMMAND [ARG...]"
    shown = f"{_PROGRAM} {path}".rstrip()
    line = line.replace("[options]", "[OPTIONS]").replace("[COMMAND [ARG...]]", "[COMMAND] [ARG...]")
    return f"Usage:  {line}\n\n{see} '{shown} --help' for more information"


def _command_path(command_line: Sequence[str]) -> str:
    """The words of the command, or of the group, that is called, by `argosy docker` as well."""
    from argosy.cli.podman import complete

    program, *words = command_line
    if program == "argosy" and _PROGRAM in words:
        del words[: words.index(_PROGRAM) + 1]
    return complete.command_path(_PROGRAM, [*words, ""])[0]
