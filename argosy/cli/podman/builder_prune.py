"""`builder prune`: forget what builds have made."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from argosy.build.sizes import Room
    from argosy.cli.output import Output
    from argosy.engine import Engine


class BuilderPruneOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    filter: tuple[str, ...]
    force: bool
    keep_storage: str | None
    max_used_space: str | None
    min_free_space: str | None
    reserved_space: str | None


def run(options: BuilderPruneOptions, engine: Engine, out: Output) -> int:
    """Empty the cache, or with `until` the part that no build has used for so long; layers of images stay."""
    from argosy import human
    from argosy.cli.confirm import confirmed
    from argosy.storage import gc

    age_s = _age_s(options.filter)
    room = _room(options)
    if not options.force and not confirmed(out, "WARNING! This will remove all build cache."):
        return 0
    engine.build().prune_cache(older_than_s=age_s, room=room)
    garbage = gc.collect(engine.store)
    out.line(f"Total reclaimed space: {human.size(garbage.size_bytes).replace(' ', '')}")
    return 0


def _room(options: BuilderPruneOptions) -> Room | None:
    from argosy.build.sizes import Room
    from argosy.spec import parse

    def size(name: str, text: str | None) -> int | None:
        return parse.parse_size(text, name) if text else None

    least = size("reserved-space", options.reserved_space)
    if least is None:
        least = size("keep-storage", options.keep_storage)
    room = Room(size("max-used-space", options.max_used_space), size("min-free-space", options.min_free_space), least)
    return None if room == Room() else room


def _age_s(filters: Sequence[str]) -> float:
    from argosy.build.dockerfile import healthcheck

    age_s = 0.0
    for text in filters:
        key, _, value = text.partition("=")
        if key != "until":
            raise Invalid("filter", text, "there is only until=DURATION")
        age_s = healthcheck.duration_ns(value) / 1e9
    return age_s


COMMAND = Command(
    path="builder prune",
    summary="Remove build cache",
    description="Forgets the steps that builds have made, and what is in cache mounts. Images stay as they are.",
    options=BuilderPruneOptions,
    run=run,
    max_operands=0,
    flags=(
        Flag("all", short="a", help="Remove all build cache; that is what happens anyway"),
        Flag("filter", kind="list", help="Only what was not used for so long (until=24h)"),
        Flag("force", short="f", help="Do not prompt for confirmation"),
        Flag("keep-storage", kind="string", help="Keep so much of it, what was used last (number[unit])"),
        Flag("max-used-space", kind="string", help="Keep at most so much of it, what was used last (number[unit])"),
        Flag("min-free-space", kind="string", help="Remove as much as it takes to have so much free (number[unit])"),
        Flag("reserved-space", kind="string", help="Do not shrink it below this; alone, as --keep-storage"),
    ),
    examples=(
        "argosy builder prune --force",
        "argosy builder prune --filter until=72h",
        "argosy builder prune --max-used-space 10g",
    ),
)
