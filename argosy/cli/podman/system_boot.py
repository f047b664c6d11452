"""`system boot`: what restart policies want after a boot is started."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class BootOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(_options: BootOptions, engine: Engine, out: Output) -> int:
    """Start each container and print its id.  The status is that of the last error."""
    from argosy.cli.errors import report

    status = 0
    for container_id, error in engine.containers.boot():
        if error is None:
            out.line(container_id)
        else:
            error.brief = f'unable to start container "{container_id}": {error.brief}'
            status = report(error, out)
    return status


COMMAND = Command(
    path="system boot",
    summary="Start the containers that their restart policies want after a boot",
    description=(
        "Starts each container that has run before, does not run now, and is to run by its --restart: always; "
        "unless-stopped, unless the user stopped it; on-failure, when its last run failed, as one does that a reboot "
        "cut off. `argosy system install-units` writes a systemd unit that runs this at each boot."
    ),
    options=BootOptions,
    run=run,
    max_operands=0,
    examples=("argosy system boot",),
)
