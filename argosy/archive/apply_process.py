"""The process that applies a layer: `argosy __apply-layer DIRECTORY FLAVOUR [OPTION...]`.

Several layers are applied at once, on several cores, and what a hostile layer does to a process it does to this one.
The uncompressed archive comes on descriptor 0, until its end of file; one JSON object goes to descriptor 1:
`{"applied": {...}}` (see `apply.Applied`) with exit status 0, or `{"error": {...}}` with 1.  When the parent dies the
archive is cut off, which is an error, and nobody takes the directory for a layer.  Runs with umask 0, no core files
and bounded memory.
"""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from argosy.archive.apply import Applied

COMMAND = "__apply-layer"
SINGLE_ID = "--single-id"
LENIENT_OWNERS = "--lenient-owners"
NO_MARKER = "--no-end-marker"
PIPE_BYTES = 1 << 20

_MEMORY_BYTES = 512 << 20  # of address space, libraries included: what is in use stays below 60 MiB
_MAX_RESULT = 64 << 20


class LayerFailed(ArgosyError):
    """The error that the helper process met, or its own end."""


def spawn_apply(
    directory: str,
    flavour: str,
    *,
    id_map_single: bool = False,
    lenient_owners: bool = False,
    marker_required: bool = True,
) -> tuple[int, int, int]:
    """Start a process that applies an archive to `directory`: its pid, where to write, where the result comes.

    Write the uncompressed archive to the second, close it, and call `collect` with the others.  A BrokenPipeError
    while writing means that the process gave up: `collect` says why.  The arguments are those of `apply.apply`.
    """
    from argosy.linux import process

    argv = [*process.self_argv(), COMMAND, directory, flavour]
    if id_map_single:
        argv.append(SINGLE_ID)
    if lenient_owners:
        argv.append(LENIENT_OWNERS)
    if not marker_required:
        argv.append(NO_MARKER)
    archive_read, archive_write = os.pipe()
    result_read, result_write = os.pipe()
    try:
        _widen(archive_write)
        pid = process.spawn(argv, fds={0: archive_read, 1: result_write})
    except BaseException:
        os.close(archive_write)
        os.close(result_read)
        raise
    finally:
        os.close(archive_read)
        os.close(result_write)
    return pid, archive_write, result_read


def _widen(pipe: int) -> None:
    """Let the pipe hold more, which saves a switch between the processes for each 64 KiB."""
    import fcntl

    try:
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        pass  # the user's pipes have all that they may have


def collect(pid: int, result_fd: int) -> Applied:
    """The result of the process, which is reaped and whose descriptor is closed.  Raises LayerFailed."""
    from argosy.archive.apply import Applied
    from argosy.linux import process

    data = bytearray()
    try:
        while chunk := os.read(result_fd, 1 << 16):
            data += chunk
            if len(data) > _MAX_RESULT:
                break
    finally:
        os.close(result_fd)
        status = process.wait(pid)
    try:
        result = jsontext.decode(data.decode("utf-8", "surrogatepass"), "result of the layer's process")
    except (ArgosyError, ValueError):
        result = {}
    if status == 0 and "applied" in result:
        return Applied.from_json(result["applied"])
    error = result.get("error")
    if error:
        raise LayerFailed(error["brief"], details=error["details"], hint=error["hint"])
    reason = f"signal {status - 128}" if status > 128 else f"status {status}"
    raise LayerFailed(f"the process that applies a layer ended with {reason}")


def main(argv: Sequence[str]) -> int:
    """The helper process.  `argv`: directory, flavour, options."""
    directory, flavour, *options = argv
    try:
        _confine()
        from argosy.archive.apply import apply

        applied = apply(
            0,
            directory,
            flavour=flavour,
            id_map_single=SINGLE_ID in options,
            lenient_owners=LENIENT_OWNERS in options,
            marker_required=NO_MARKER not in options,
        )
    except ArgosyError as error:
        return _answer({"error": {"brief": error.brief, "details": error.details, "hint": error.hint}})
    except MemoryError:
        return _answer({"error": {"brief": "the layer needs more memory than a layer may", "details": "", "hint": ""}})
    except OSError as error:
        return _answer({"error": {"brief": f"cannot apply the layer: {error}", "details": "", "hint": ""}})
    return _answer({"applied": applied.to_json()})


def _confine() -> None:
    import resource

    os.umask(0)
    for limit, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_AS, _MEMORY_BYTES)):
        hard = resource.getrlimit(limit)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (most, most))


def _answer(result: dict[str, object]) -> int:
    rest = memoryview(jsontext.encode(result))
    try:
        while rest:
            rest = rest[os.write(1, rest) :]
    except BrokenPipeError:
        return 1
    return 1 if "error" in result else 0
