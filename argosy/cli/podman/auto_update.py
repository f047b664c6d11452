"""`auto-update`: containers whose image has become newer are made anew from it."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.output import Output
    from argosy.containers.autoupdate import Doors, Report
    from argosy.engine import Engine
    from argosy.images.progress import Progress
    from argosy.images.pull import Puller
    from argosy.oci.platform import Platform
    from argosy.oci.reference import Reference
    from argosy.transports.access import RegistryOptions
    from argosy.transports.source import ImageSource

_HEADINGS = ("UNIT", "CONTAINER", "IMAGE", "POLICY", "UPDATED")


class AutoUpdateOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    authfile: str | None
    dry_run: bool
    format: str | None
    rollback: bool
    tls_verify: bool | None


def run(options: AutoUpdateOptions, engine: Engine, out: Output) -> int:
    """Update the containers and say of each what became of it; the status is that of the last error."""
    from argosy.cli import errors, progress
    from argosy.containers import autoupdate

    if options.operands:
        raise ArgosyError(f"`{out.program} auto-update` takes no arguments")
    engine.store.events.write("system", "auto-update")
    wishes = autoupdate.Wishes(options.authfile or "", options.dry_run, options.rollback)
    with progress.shown() as shown:
        reports, failures = autoupdate.Updater(engine.site, _doors(options, engine, shown), wishes).run()
    if reports:
        _show(reports, options.format, out)
    status = 0
    for failure in failures:
        status = errors.report(failure, out)
    return status


def _doors(options: AutoUpdateOptions, engine: Engine, shown: Progress) -> Doors:
    from argosy.containers.autoupdate import Doors
    from argosy.transports.access import RegistryOptions

    def access(authfile: str) -> RegistryOptions:
        return RegistryOptions(authfile=authfile, tls_verify=options.tls_verify)

    def puller(authfile: str, platform: Platform) -> Puller:
        return engine.puller(options=access(authfile), platform=platform, progress=shown)

    def open_source(reference: Reference, authfile: str) -> ImageSource:
        return engine.open_source(reference, access(authfile))

    return Doors(engine.load_registries, puller, open_source, engine.containers.create)


def _show(reports: list[Report], format_: str | None, out: Output) -> None:
    rows = [_row(report) for report in reports]
    if format_ == "json":
        from argosy.cli.documents import html_safe, indented

        out.line(html_safe(indented(rows, 4)))
    elif format_:
        from argosy.cli import templates

        templates.render(out, format_, rows, name="auto-update", type_name="main.autoUpdateOutput", ranging=True)
    else:
        shown = ("Unit", "Container", "Image", "Policy", "Updated")
        out.table(_HEADINGS, [[row[field] for field in shown] for row in rows])


def _row(report: Report) -> dict[str, Any]:
    return {
        "Unit": report.unit,
        "Container": f"{report.container_id[:12]} ({report.name})",
        "ContainerName": report.name,
        "ContainerID": report.container_id,
        "Image": report.image,
        "Policy": report.policy,
        "Updated": report.updated,
    }


COMMAND = Command(
    path="auto-update",
    summary="Auto update containers according to their auto-update policy",
    description=(
        "Looks at the containers that run and have the label io.containers.autoupdate: of `registry` their registry is "
        "asked whether the image's name means another image by now, which is pulled then; of `local` the store is. "
        "io.containers.autoupdate.authfile is the authentication file for such a container. "
        "Where the label PODMAN_SYSTEMD_UNIT, which the units of `generate systemd --new` give, names one that is "
        "active, systemd restarts it, as with podman. Any other container, which podman refuses, is replaced here: a "
        "new one is made from the new image with all that the old one was asked for, its name, volumes (anonymous ones "
        "too), networks, ports and restart policy; the old one is stopped and the new one started. When that fails, "
        "ends within a second, or becomes unhealthy, the new one is removed, the old one runs again, and with "
        "--rollback the image's name means the old image again. Who is killed in the middle loses nothing: the next "
        "auto-update, `argosy system check --repair` or `argosy system boot` finishes or undoes what was begun. A "
        "container that others depend on is left alone. Without systemd's timer, let cron run this."
    ),
    options=AutoUpdateOptions,
    run=run,
    flags=(
        Flag("authfile", kind="string", help="Path to the authentication file"),
        Flag("dry-run", help="Check for pending updates"),
        Flag("format", kind="string", help="Change the output format to JSON or a Go template"),
        Flag("rollback", default=True, help="Rollback to previous image if update fails"),
        Flag("tls-verify", kind="optbool", help="Require HTTPS and verify certificates when contacting registries"),
    ),
    examples=("argosy auto-update --dry-run", "argosy run -d --label io.containers.autoupdate=registry REGISTRY/IMAGE"),
)
