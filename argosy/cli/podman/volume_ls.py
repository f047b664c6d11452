"""`volume ls`: the volumes of the store."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class VolumeListOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    filter: tuple[str, ...]
    format: str | None
    noheading: bool
    quiet: bool


def run(options: VolumeListOptions, engine: Engine, out: Output) -> int:
    """List the volumes that the filters accept, by name."""
    from argosy.containers import volume_filters
    from argosy.volumes import named

    listing = named.listing(engine.store)
    accepts = volume_filters.compiled(engine.site, options.filter)
    names = [volume.name for volume in listing.volumes if accepts(volume)]
    for name, error in listing.damaged:
        out.notice(f"volume {name}: {error}")
    if options.quiet:
        for name in names:
            out.line(name)
    elif out.program == "docker":
        from argosy.cli.podman import _volume_docker

        _volume_docker.show(engine, names, options.format, out)
    elif options.format:
        return _formatted(options, engine, names, out)
    else:
        drivers = {volume.name: volume.driver for volume in listing.volumes}
        headings = () if options.noheading or not names else ("DRIVER", "VOLUME NAME")
        out.table(headings, [[drivers[name], name] for name in names])
    return 0


def _formatted(options: VolumeListOptions, engine: Engine, names: list[str], out: Output) -> int:
    from argosy.cli import templates
    from argosy.cli.podman import inspect

    documents = [inspect.volume(engine, name) for name in names]
    if templates.is_json(options.format or ""):
        from argosy.cli.documents import indented

        out.line(indented(documents, 2))
        return 0
    templates.render(
        out,
        options.format or "",
        [inspect.volume_fields(document) for document in documents],
        headings={"Name": "VOLUME NAME"},
        name="list",
        type_name="*define.VolumeListReport",
        ranging=True,
    )
    return 0


COMMAND = Command(
    path="volume ls",
    summary="List volumes",
    description="Lists all volumes, or those that the filters accept.",
    options=VolumeListOptions,
    run=run,
    max_operands=0,
    flags=(
        Flag("filter", short="f", kind="list", help="Filter volume output (dangling, driver, label, name, opt, scope)"),
        Flag("format", kind="string", help="Format volume output using Go template, or `json`"),
        Flag("noheading", help="Do not print headers"),
        Flag("quiet", short="q", help="Print volume output in quiet mode"),
    ),
    examples=("argosy volume ls", "argosy volume ls --quiet --filter dangling=true"),
)
