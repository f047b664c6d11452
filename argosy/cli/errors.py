"""Errors as text and exit status: the one place where an exception becomes words on standard error."""

from __future__ import annotations

import errno
import os

from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output

_INTERNAL_STATUS = 125
_SKOPEO_STATUS = 1  # of every error


def report(error: BaseException, out: Output, *, traceback: bool = False) -> int:
    """Say what `error` means and give the exit status that goes with it.  Commands use it for one object of several.

    `traceback` adds the stack for errors that nobody foresaw.
    """
    if isinstance(error, ArgosyError):
        text, status = _told(error, out)
        out.error(text)
        for note in getattr(error, "__notes__", ()):
            out.error(note)
        return status
    if isinstance(error, OSError):
        out.error(f"Error: {_os_error(error)}")
    else:
        out.error(f"Error: internal error: {_where(error)}\nThis is a defect; `--log-level debug` shows the stack.")
    if traceback:
        import traceback as stack

        out.error("".join(stack.format_exception(error)).rstrip())
    return _INTERNAL_STATUS


def _told(error: ArgosyError, out: Output) -> tuple[str, int]:
    if out.program == "docker":
        from argosy.cli.docker import errors as docker

        return docker.told(error, out.command_line)
    text = f"Error: {error}" + (f"\n{error.hint}" if error.hint else "")
    skopeo = out.program == "skopeo" and error.exit_code == _INTERNAL_STATUS
    return text, _SKOPEO_STATUS if skopeo else error.exit_code


def _os_error(error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    if error.filename is None:
        return reason
    name = error.filename.decode(errors="replace") if isinstance(error.filename, bytes) else str(error.filename)
    root = _store_above(name) if error.errno == errno.EROFS else ""
    if root:
        return (
            f"the store at {root} is on a read-only file system\n"
            f"Use its images from a store of your own: --storage-opt additionalimagestore={root}"
        )
    return f"{name}: {reason}"


def _store_above(path: str) -> str:
    """The root of the store that `path` is in; "" when it is in none."""
    while path not in ("", "/"):
        path = os.path.dirname(path)
        if os.path.exists(f"{path}/store.json"):
            return path
    return ""


def _where(error: BaseException) -> str:
    place = ""
    frame = error.__traceback__
    while frame is not None:
        place = f" at {frame.tb_frame.f_code.co_filename.rpartition('/')[2]}:{frame.tb_lineno}"
        frame = frame.tb_next
    return f"{type(error).__name__}: {error}{place}"
