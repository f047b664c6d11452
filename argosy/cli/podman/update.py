"""`update`: other ports for a container that is there already."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class UpdateOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    publish_add: tuple[str, ...]
    publish_rm: tuple[str, ...]


def run(options: UpdateOptions, engine: Engine, out: Output) -> int:
    """Change the container, at once where it runs, and print its id."""
    from argosy.cli.podman import _each

    container_id = _each.find(engine, options.operands[0])
    if not options.publish_add and not options.publish_rm:
        raise ArgosyError("nothing is to be changed", hint="give --publish-add or --publish-rm")
    _change_ports(options, engine, container_id)
    out.line(container_id)
    return 0


def _change_ports(options: UpdateOptions, engine: Engine, container_id: str) -> None:
    from argosy.containers import port_changes
    from argosy.spec import parseports

    port_changes.change(
        engine.site,
        container_id,
        add=parseports.parse_published(options.publish_add),
        drop=parseports.parse_published(options.publish_rm),
    )


COMMAND = Command(
    path="update",
    summary="Update an existing container",
    description=(
        "Changes the ports that a container publishes, for this run and all later ones. On bridge networks of root "
        "all connections stay; where pasta or slirp4netns connects the container, it is started again, and the "
        "connections that pass through it end. All changes are made, or none."
    ),
    options=UpdateOptions,
    run=run,
    usage="CONTAINER",
    min_operands=1,
    max_operands=1,
    flags=(
        Flag("publish-add", kind="list", help="Publish one more port, or a range of ports, to the host (as --publish)"),
        Flag(
            "publish-rm",
            kind="list",
            help="Publish a port no longer: the container's port, or as it was given to --publish",
        ),
    ),
    examples=("argosy update --publish-add 8080:80 web", "argosy update --publish-rm 80 --publish-add 8443:443 web"),
)
