"""`update`: other limits, restart policy and ports for a container that is there already."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _limit_flags
from argosy.cli.podman._limit_flags import LimitOptions
from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from argosy.cli.output import Output
    from argosy.engine import Engine


class UpdateOptions(LimitOptions):
    """The limits, the restart policy and the ports that are to change."""

    device_read_iops: tuple[str, ...]
    device_write_iops: tuple[str, ...]
    pids_limit: str | None
    restart: str | None
    publish_add: tuple[str, ...]
    publish_rm: tuple[str, ...]
    health_cmd: str | None
    health_interval: str | None
    health_log_destination: str | None
    health_max_log_count: int | None
    health_max_log_size: int | None
    health_on_failure: str | None
    health_retries: int | None
    health_start_period: str | None
    health_startup_cmd: str | None
    health_startup_interval: str | None
    health_startup_retries: int | None
    health_startup_success: int | None
    health_startup_timeout: str | None
    health_timeout: str | None
    no_healthcheck: bool | None


def run(options: UpdateOptions, engine: Engine, out: Output) -> int:
    """Change the containers, at once where they run, and print their ids; docker's names as they were given."""
    from argosy.cli.podman import _container_health, _each
    from argosy.containers import update
    from argosy.spec import health

    changes = _limit_flags.changes(options)
    checks = _container_health.given(options)
    if not (changes or checks or options.publish_add or options.publish_rm):
        hint = "give a limit, --restart, --health-cmd and its like, --publish-add or --publish-rm"
        raise ArgosyError("nothing is to be changed", hint=hint)
    health.parse(checks)  # what cannot be taken is told before anything is changed
    if len(options.operands) > 1 and out.program != "docker":
        raise ArgosyError(f"`{out.program} update` takes one container")

    def work(container_id: str) -> bool:
        if changes:
            update.update(engine.site, container_id, changes)
        if checks:
            _change_checks(engine, container_id, checks)
        if options.publish_add or options.publish_rm:
            _change_ports(options, engine, container_id)
        if out.program != "docker":
            out.line(container_id)
        return out.program == "docker"

    return _each.for_each(engine, options.operands, out, work)


def _change_checks(engine: Engine, container_id: str, checks: Mapping[str, Any]) -> None:
    from argosy.containers.health import change

    change.change(engine.site, container_id, checks)


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
        "Changes the limits of a container, its restart policy, its health check and the ports that it publishes, for "
        "this run and all later ones; what is not named stays as it is. A limit that cannot hold is refused. On bridge "
        "networks of root all connections stay; where pasta or slirp4netns connects the container, it is started "
        "again, and the connections that pass through it end. All changes are made, or none."
    ),
    options=UpdateOptions,
    run=run,
    usage="CONTAINER",
    min_operands=1,
    flags=(
        *_limit_flags.flags(),
        *_limit_flags.health_flags(),
        Flag("publish-add", kind="list", help="Publish one more port, or a range of ports, to the host (as --publish)"),
        Flag(
            "publish-rm",
            kind="list",
            help="Publish a port no longer: the container's port, or as it was given to --publish",
        ),
    ),
    examples=(
        "argosy update --memory 512m --restart always web",
        "argosy update --publish-add 8080:80 web",
        "argosy update --publish-rm 80 --publish-add 8443:443 web",
    ),
)
