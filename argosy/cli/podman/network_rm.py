"""`network rm`: remove networks."""

from __future__ import annotations

from argosy.cli.errors import report
from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError, Invalid, NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class NetworkRemoveOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    force: bool
    time: int | None


def run(options: NetworkRemoveOptions, engine: Engine, out: Output) -> int:
    """Remove each network and print its name as it was given.  The status is that of the last error."""
    from argosy.containers import inspect_networks, networks

    if options.time is not None and not options.force:
        raise ArgosyError("--force option must be specified to use the --time option")
    status = 0
    for text in options.operands:
        try:
            if out.program == "docker":
                inspect_networks.check_removable(text)
            network = networks.of(engine.site).get(text)
            if options.force and engine.store.pods.ids():
                from argosy.pods import remove

                remove.with_infra(engine.site, networks.users(engine.site).of(network.id), options.time)
            networks.remove(engine.site, network, force=options.force, timeout_s=options.time)
        except NotFound as error:
            if not options.force:
                report(error, out)
                status = 1
            continue
        except Invalid as error:
            if not options.force:
                status = report(error, out)
                continue
            networks.discard(engine.site, text)
        except ArgosyError as error:
            status = report(error, out)
            continue
        out.line(text)
    return status


COMMAND = Command(
    path="network rm",
    summary="Remove networks",
    description=(
        "Removes networks with their bridges. One that a container is on stays, unless --force removes that container "
        "as well."
    ),
    usage="NETWORK [NETWORK...]",
    options=NetworkRemoveOptions,
    run=run,
    min_operands=1,
    flags=(
        Flag("force", short="f", help="Remove the containers that are on the network too"),
        Flag("time", short="t", kind="uint", help="Seconds to wait for running containers to stop before killing them"),
    ),
    examples=("argosy network rm backend", "argosy network rm --force backend"),
)
