"""`image prune`: remove the images that nobody needs."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class ImagePruneOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    external: bool
    filter: tuple[str, ...]
    force: bool


def run(options: ImagePruneOptions, engine: Engine, out: Output) -> int:
    """Remove the images without a name (and, with --all, all that no container was made from); print their ids."""
    from argosy.images import prune
    from argosy.images.inventory import inventory
    from argosy.storage import gc

    if not options.force and not _confirmed(options, out):
        return 0
    docker = out.program == "docker"
    known = inventory(engine.store).images if docker else ()
    removed = prune.prune(
        engine.store,
        engine.load_registries,
        options.filter,
        everything=options.all,
        remove_working=engine.remove_working if options.external else None,
    )
    if not docker:
        for image_id in removed:
            out.line(image_id)
    if not options.filter:
        engine.build().prune_cache()
    garbage = gc.collect(engine.store)
    if docker:
        from argosy.cli.podman import _prune_docker

        _prune_docker.show(out, "Deleted Images", _prune_docker.image_lines(known, removed), garbage.size_bytes)
    return 0


def _confirmed(options: ImagePruneOptions, out: Output) -> bool:
    from argosy.cli.confirm import confirmed

    what = "all images without at least one container associated with them" if options.all else "all dangling images"
    return confirmed(out, f"WARNING! This command removes {what}.")


COMMAND = Command(
    path="image prune",
    summary="Remove unused images",
    description="Removes images that have no name (dangling ones), or all that no container was made from, "
    "and without a filter the build cache.",
    options=ImagePruneOptions,
    run=run,
    max_operands=0,
    flags=(
        Flag("all", short="a", help="Remove all images not in use by containers, not just dangling ones"),
        Flag("external", help="Remove images even when working containers of builds are made from them, and these"),
        Flag("filter", kind="list", help="Provide filter values (e.g. 'label=<key>=<value>')"),
        Flag("force", short="f", help="Do not prompt for confirmation"),
    ),
    examples=("argosy image prune", "argosy image prune --all --filter until=24h"),
)
