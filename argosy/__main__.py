"""The program: make the process tidy, run the command line, end.

Nothing heavy is imported here, and there is one thread: the engine enters the user namespace (`engine.open_engine`)
after the command line has been read and before anything else is done.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # no stubs; signal costs a millisecond
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn

_INTERNAL = 125
_DESCRIPTORS = 64
# The hidden words under which we start ourselves as a helper process.
APPLY_LAYER = "__apply-layer"
LIBRARY = "__library"
EXIT = "__exit"
CHROOT = "__chroot"


def main(argv: Sequence[str]) -> NoReturn:
    """Run the command line `argv` and end the process with its exit status, without the interpreter's own teardown."""
    status = _INTERNAL
    try:
        _open_standard_streams()
        _expect_children()
        status = _helper(argv) if len(argv) > 1 and argv[1].startswith("__") else _command(argv)
    except BaseException as error:  # noqa: BLE001 -- the last door
        sys.stderr.write(f"Error: internal error: {type(error).__name__}: {error}\n")
    finally:
        os._exit(status)


def _command(argv: Sequence[str]) -> int:
    from argosy.cli import main as cli

    return cli.run(argv, _open_engine, _serve)


def _open_engine(**settings: object) -> object:
    from argosy.engine import open_engine
    from argosy.linux import process

    process.protect_descriptors()
    process.expect_descriptors(_DESCRIPTORS)
    return open_engine(**settings)  # type: ignore[arg-type]  # the settings are those of the global flags


def _serve(service: str, engine: object, say: Callable[[str], None], **options: object) -> int:
    if service == "ui":
        from argosy import ui

        return ui.start(engine, **options)  # type: ignore[arg-type]  # what `cli.podman.ui` gives
    from argosy import services

    return services.start(service, engine, say, **options)


def _helper(argv: Sequence[str]) -> int:
    if argv[1] == APPLY_LAYER:
        from argosy.archive import apply_process

        return apply_process.main(argv[2:])
    if argv[1] == LIBRARY:
        from argosy.library import helper

        return helper.main()
    if argv[1] == EXIT:
        from argosy.runtime import exit_command

        return 0 if exit_command.is_done(int(argv[2]), argv[3]) else _command((argv[0], *argv[4:]))
    if argv[1] == CHROOT:
        from argosy.runtime import chroot

        return chroot.main(argv[2:])
    return _command(argv)


def _open_standard_streams() -> None:
    """Put /dev/null where a standard stream is closed, or the next file that is opened would become that stream."""
    for stream in (0, 1, 2):
        try:
            os.fstat(stream)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _expect_children() -> None:
    """Let the kernel keep the status of our children, though whoever started us may not care for that of his."""
    if _signal.getsignal(_signal.SIGCHLD) == _signal.SIG_IGN:
        _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)


if __name__ == "__main__":
    main(sys.argv)
