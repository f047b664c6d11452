"""`unshare`: a program in the user namespace of the store, to look at its files as their owner."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
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
    rootless_netns: bool = False


def run(options: UnshareOptions, engine: Engine, out: Output) -> int:
    """Become the program; the engine has entered the namespace already."""
    if not engine.namespace.rootless:
        raise ArgosyError(
            "please use unshare with rootless", hint="This process has every right already: run the program itself."
        )
    if options.rootless_netns:
        _join_uplink(engine)
    argv = options.operands or (os.environ.get("SHELL") or "/bin/sh",)
    out.flush()
    become(argv, {**os.environ, "CONTAINERS_GRAPHROOT": engine.store.root, "CONTAINERS_RUNROOT": engine.store.run})


def _join_uplink(engine: Engine) -> None:
    """Enter the network namespace of this user's bridges.  It stays behind, with whatever is set up in it."""
    from argosy.containers import connection
    from argosy.linux import syscalls

    fd = os.open(connection.user_bridges(engine.site), os.O_RDONLY | os.O_CLOEXEC)
    syscalls.setns(fd, syscalls.CLONE_NEWNET)
    os.close(fd)


def become(argv: tuple[str, ...], environ: dict[str, str]) -> NoReturn:
    """Replace this process by the program.  Raises ArgosyError when it cannot be found or executed."""
    path = program(argv[0])
    _default_signals()
    try:
        os.execve(path, argv, environ)  # noqa: S606 -- no shell is wanted
    except OSError as error:
        raise ArgosyError(f"{path}: {(error.strerror or '').lower()}", exit_code=_NOT_EXECUTABLE) from error


def program(name: str) -> str:
    """The path of the program.  Raises ArgosyError."""
    path = process.find_program(name, extra=())
    if path is None:
        if "/" in name and os.path.exists(name):
            raise ArgosyError(f"{name}: permission denied", exit_code=_NOT_EXECUTABLE)
        raise ArgosyError(f"{name}: no such program", exit_code=_NOT_FOUND)
    return path


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
        "CONTAINERS_RUNROOT name the directories of the store.\n"
        "With --rootless-netns the command is in the network namespace of this user's bridges too, from where each\n"
        "container on them can be reached by its address.  The namespace is made where it is missing, and goes when\n"
        "the last container on a bridge has ended and nobody is in it any more."
    ),
    usage="[COMMAND [ARG...]]",
    options=UnshareOptions,
    run=run,
    flags=(Flag("rootless-netns", help="Join the rootless network namespace, in which the bridges are"),),
    interspersed=False,
    examples=("argosy unshare id", "argosy unshare --rootless-netns ip address"),
)
