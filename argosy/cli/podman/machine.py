"""`machine`: podman's virtual machines, which Linux needs none of."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.errors import Unsupported
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class MachineOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(_options: MachineOptions, _opener: Opener, _out: Output) -> int:
    """Say where to go instead."""
    raise Unsupported(
        "there are no virtual machines: argosy runs on Linux itself",
        hint="argosy system connection add NAME USER@HOST, and argosy --connection NAME, run commands on another host",
    )


COMMAND = Command(
    path="machine",
    summary="Manage a virtual machine",
    description="Fails, and says what to use instead: Argosy runs on Linux itself, or on another host through ssh.",
    usage="[COMMAND...]",
    options=MachineOptions,
    run=run,
    interspersed=False,
)
