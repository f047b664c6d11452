"""`unshare`: a program in the user namespace of the store, to look at its files as their owner."""

from __future__ import annotations

import os

from argosy.cli.flags import Command
from argosy.errors import ArgosyError
from argosy.linux import process, signals
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from argosy.cli.output import Output
    from argosy.engine import Engine

_NOT_EXECUTABLE, _NOT_FOUND = 126, 127


class UnshareOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: UnshareOptions, engine: Engine, out: Output) -> int:
    """Become the program; the engine has entered the namespace already."""
    if not engine.namespace.rootless:
        raise ArgosyError(
            "please use unshare with rootless", hint="This process has every right already: run the program itself."
        )
    argv = options.operands or (os.environ.get("SHELL") or "/bin/sh",)
    out.flush()
    _become(argv, {**os.environ, "CONTAINERS_GRAPHROOT": engine.store.root, "CONTAINERS_RUNROOT": engine.store.run})


def _become(argv: tuple[str, ...], environ: dict[str, str]) -> NoReturn:
    path = process.find_program(argv[0], extra=())
    if path is None:
        if "/" in argv[0] and os.path.exists(argv[0]):
            raise ArgosyError(f"{argv[0]}: permission denied", exit_code=_NOT_EXECUTABLE)
        raise ArgosyError(f"{argv[0]}: no such program", exit_code=_NOT_FOUND)
    _default_signals()
    try:
        os.execve(path, argv, environ)  # noqa: S606 -- no shell is wanted
    except OSError as error:
        raise ArgosyError(f"{path}: {(error.strerror or '').lower()}", exit_code=_NOT_EXECUTABLE) from error


def _default_signals() -> None:
    """Give back the default actions of the signals that the interpreter ignores."""
    import _signal  # type: ignore[import-not-found]  # typeshed has no stub

    for number in (signals.SIGPIPE, signals.SIGXFSZ):
        _signal.signal(number, _signal.SIG_DFL)


COMMAND = Command(
    path="unshare",
    summary="Run a command in the user namespace of the store",
    description=(
        "Runs a command (a shell if none is given) in the user and mount namespace in which this user's containers\n"
        "run: as its root, with the ids that the user may map.  The variables CONTAINERS_GRAPHROOT and\n"
        "CONTAINERS_RUNROOT name the directories of the store."
    ),
    usage="[COMMAND [ARG...]]",
    options=UnshareOptions,
    run=run,
    interspersed=False,
    examples=("argosy unshare id", "argosy unshare cat /proc/self/uid_map"),
)
