"""`volume prune`: remove the volumes that no container uses."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.volumes.named import Volume


class VolumePruneOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    filter: tuple[str, ...]
    force: bool


def run(options: VolumePruneOptions, engine: Engine, out: Output) -> int:
    """Ask, then remove the volumes that are not used and that the filters accept; print their names."""
    from argosy.cli.confirm import confirmed
    from argosy.containers import volume_filters, volumes

    accepts = volume_filters.compiled(engine.site, options.filter)
    found = [volume for volume in volumes.unused(engine.site) if accepts(volume)]
    if out.program == "docker":
        return _as_docker(options, engine, found, out)
    if not options.force:
        listed = "".join(f"\n{volume.name}" for volume in found)
        warning = "WARNING! This will remove all volumes not used by at least one container."
        if found:
            warning += f" The following volumes will be removed:{listed}"
        if not confirmed(out, warning):
            return 0
    for name in volumes.prune(engine.site, found):
        out.line(name)
    return 0


def _as_docker(options: VolumePruneOptions, engine: Engine, found: list[Volume], out: Output) -> int:
    """Volumes that somebody has named go with --all alone."""
    from argosy.cli.confirm import confirmed
    from argosy.cli.podman import _prune_docker
    from argosy.containers import volumes

    which = "local volumes" if options.all else "anonymous local volumes"
    warning = f"WARNING! This will remove all {which} not used by at least one container."
    if not options.force and not confirmed(out, warning):
        return 0
    chosen = [volume for volume in found if options.all or volume.anonymous]
    sizes = _prune_docker.volume_bytes(engine, chosen)
    removed = volumes.prune(engine.site, chosen)
    _prune_docker.show(out, "Deleted Volumes", removed, _prune_docker.total(sizes, removed))
    return 0


COMMAND = Command(
    path="volume prune",
    summary="Remove all unused volumes",
    description="Removes the volumes that no container uses, running or not, with all that is in them.",
    options=VolumePruneOptions,
    run=run,
    max_operands=0,
    flags=(
        Flag("all", short="a", only="docker", help="Remove all unused volumes, not just anonymous ones"),
        Flag("filter", kind="list", help="Provide filter values (e.g. 'label=<key>=<value>')"),
        Flag("force", short="f", help="Do not prompt for confirmation"),
    ),
    examples=("argosy volume prune", "argosy volume prune --force --filter label=scratch"),
)
