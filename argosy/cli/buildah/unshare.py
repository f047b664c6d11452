"""`unshare`: a program where working containers' trees can be seen and changed, with some of them mounted."""

from __future__ import annotations

import contextlib
import os
import signal

from argosy.cli.buildah import _containers
from argosy.cli.flags import Command, Flag
from argosy.cli.podman import unshare
from argosy.linux import process
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.build.containers import WorkingContainers
    from argosy.cli.output import Output
    from argosy.engine import Engine


class UnshareFlags(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    mount: tuple[str, ...]


def run(flags: UnshareFlags, engine: Engine, out: Output) -> int:
    """Run the program with the containers mounted; what was not mounted before is unmounted behind it.

    Root, who sees the trees anyhow, gets the program alone, in no other namespace.
    """
    argv = flags.operands or (os.environ.get("SHELL") or "/bin/sh",)
    stores = {"CONTAINERS_GRAPHROOT": engine.store.root, "CONTAINERS_RUNROOT": engine.store.run}
    if not flags.mount:
        out.flush()
        unshare.become(argv, {**os.environ, **stores})
    path = unshare.program(argv[0])
    containers = _containers.known(engine)
    with contextlib.ExitStack() as stack:
        places = {}
        for text in flags.mount:
            variable, equals, name = text.partition("=")
            places[variable] = _mounted(containers, name if equals else variable, stack)
        out.flush()
        pid = process.spawn((path, *argv[1:]), env={**os.environ, **stores, **places})
        for number in (signal.SIGINT, signal.SIGQUIT):  # the terminal sends them to the program as well
            signal.signal(number, signal.SIG_IGN)
        return process.wait(pid)


def _mounted(containers: WorkingContainers, text: str, stack: contextlib.ExitStack) -> str:
    found = _containers.find(containers, text)
    if not containers.mount_point(found.id):
        stack.callback(containers.unmount, found.id)
    return containers.mount(found.id)


COMMAND = Command(
    path="unshare",
    summary="Run a command in the user namespace of the store",
    description=(
        "Runs a command (a shell if none is given) in the user and mount namespace in which this user's containers "
        "run, where `mount` shows their trees. With --mount a container is mounted while the command runs, and the "
        "variable says where."
    ),
    usage="[COMMAND [ARG...]]",
    options=UnshareFlags,
    run=run,
    interspersed=False,
    flags=(
        Flag("mount", short="m", kind="csv", help="Mount a container while the command runs ([VARIABLE=]CONTAINER)"),
    ),
    examples=("argosy unshare id", "argosy unshare --mount web=CONTAINER sh -c 'cat $web/etc/os-release'"),
)
