"""`system migrate`: what takes the end of all containers: other ranges of ids, another OCI runtime."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.linux import userns
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class MigrateOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    new_runtime: str | None


def run(options: MigrateOptions, engine: Engine, out: Output) -> int:
    """Stop the containers, move them to the runtime, and end the process that holds the user namespace."""
    if options.new_runtime:
        engine.containers.change_runtime(options.new_runtime)  # a wrong name stops nothing
    for container_id in engine.containers.stop_all():
        out.line(f"stopped {container_id}")
    if engine.namespace.rootless and not engine.namespace.chroot:
        userns.end(engine.store.run)
    return 0


COMMAND = Command(
    path="system migrate",
    summary="Stop all containers, and take new ranges of ids or another runtime",
    description=(
        "Stops all containers of this user and ends the process that holds their user namespace, so that the next "
        "command reads `/etc/subuid` and `/etc/subgid` again. Ranges may grow; a store whose ids would mean others is "
        "refused by the commands that follow, with a way back. With --new-runtime, all containers are run by that OCI "
        "runtime from their next start on."
    ),
    options=MigrateOptions,
    run=run,
    max_operands=0,
    flags=(Flag("new-runtime", kind="string", metavar="runtime", help="Set a new OCI runtime for all containers"),),
    examples=("argosy system migrate", "argosy system migrate --new-runtime runc"),
)
