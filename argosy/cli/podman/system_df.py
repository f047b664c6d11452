"""`system df`: what images, containers and volumes take on disk."""

from __future__ import annotations

import time

from argosy import human
from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.containers.state import ContainerView
    from argosy.engine import Engine
    from argosy.images.usage import Usage

_SHORT_ID = 12
_COLUMNS = ("Type", "Total", "Active", "Size", "Reclaimable")
_DEFAULT = "table " + "\\t".join(f"{{{{.{column}}}}}" for column in _COLUMNS)


class SystemDfOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    format: str | None
    verbose: bool


class ContainerUsage(Value):
    """A container and what it wrote."""

    view: ContainerView
    size_bytes: int


class VolumeUsage(Value):
    """A volume: how many containers use it, and what is in it."""

    name: str
    links: int
    size_bytes: int


class Total(Value):
    """All objects of a kind together."""

    kind: str
    count: int
    active: int
    size_bytes: int
    reclaimable_bytes: int


class Amount(int):
    """A number of bytes: a number in JSON, words in the text of a template."""

    words: str

    @classmethod
    def of(cls, count: int, total: int | None = None) -> Amount:
        """`count` bytes; with `total` its share of that is told as well."""
        made = cls(count)
        share = "" if total is None else f" ({count * 100 // total if total else 0}%)"
        made.words = human.close_size(count) + share
        return made

    def __str__(self) -> str:
        return self.words


def run(options: SystemDfOptions, engine: Engine, out: Output) -> int:
    """Show one line for each kind of object, or with --verbose one for each object."""
    from argosy.images.usage import usage

    docker = out.program == "docker"
    if options.verbose and options.format is not None and not docker:
        raise ArgosyError("cannot combine --format and --verbose flags")
    images = usage(engine.store)
    listing = engine.containers.list()
    containers = [ContainerUsage(view, _written(engine, view)) for view in listing.views]
    volumes = _volumes(engine, listing.views, out)
    for error in images.damaged:
        out.error(f"Error: {error}")
    for container_id, why in listing.damaged:
        out.error(f"Error: container {container_id}: {why}")
    if docker:
        from argosy.cli.podman import _df_docker

        if options.verbose:
            details = _df_docker.Details(images.images, tuple(containers), tuple(volumes))
            _df_docker.verbose(details, options.format, time.time(), out)
        else:
            _df_docker.summary(_totals(images, containers, volumes), options.format, out)
    elif options.verbose:
        _verbose(images, containers, volumes, out)
    else:
        _summary(options, [_row(total) for total in _totals(images, containers, volumes)], out)
    return 0


def _written(engine: Engine, view: ContainerView) -> int:
    return engine.containers.sizes(view.id, view.record["image"]["manifest_digest"]).rw_bytes


def _volumes(engine: Engine, views: tuple[ContainerView, ...], out: Output) -> list[VolumeUsage]:
    from argosy.containers.sizes import tree_bytes
    from argosy.volumes import named

    used = [use["name"] for view in views for use in view.record.get("volumes", ())]
    listing = named.listing(engine.store)
    for name, why in listing.damaged:
        out.error(f"Error: volume {name}: {why}")
    return [
        VolumeUsage(volume.name, used.count(volume.name), tree_bytes(named.written_path(engine.store, volume)))
        for volume in listing.volumes
    ]


def _totals(images: Usage, containers: list[ContainerUsage], volumes: list[VolumeUsage]) -> list[Total]:
    running = [one for one in containers if one.view.run.pid]
    written = sum(one.size_bytes for one in containers)
    return [
        Total(
            "Images",
            len(images.images),
            sum(bool(one.image.containers) for one in images.images),
            images.size_bytes,
            images.reclaimable_bytes,
        ),
        Total("Containers", len(containers), len(running), written, written - sum(one.size_bytes for one in running)),
        Total(
            "Local Volumes",
            len(volumes),
            sum(bool(one.links) for one in volumes),
            sum(one.size_bytes for one in volumes),
            sum(one.size_bytes for one in volumes if not one.links),
        ),
    ]


def _row(total: Total) -> dict[str, object]:
    """A kind of objects as templates see it: sizes in words, and the raw ones beside them."""
    return {
        "Type": total.kind,
        "Total": total.count,
        "Active": total.active,
        "RawSize": total.size_bytes,
        "RawReclaimable": total.reclaimable_bytes,
        "Size": Amount.of(total.size_bytes),
        "Reclaimable": Amount.of(total.reclaimable_bytes, total.size_bytes),
    }


def _summary(options: SystemDfOptions, rows: list[dict[str, object]], out: Output) -> None:
    from argosy.cli import templates

    text = options.format or _DEFAULT
    if text == "json":
        from argosy.cli.documents import indented

        out.line(indented(rows, 4))
        return
    templates.render(out, text, rows, name="df", type_name="*system.dfSummary", ranging=True)


def _verbose(images: Usage, containers: list[ContainerUsage], volumes: list[VolumeUsage], out: Output) -> None:
    from argosy.images import lists

    measured = {one.image.id: one for one in images.images}
    now_s = time.time()
    out.line("Images space usage:\n")
    headings = ("REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "SHARED SIZE", "UNIQUE SIZE", "CONTAINERS")
    rows = []
    for image, name in lists.rows(one.image for one in images.images):
        sizes = (image.record.size_bytes, measured[image.id].shared_bytes, measured[image.id].unique_bytes)
        rows.append(
            [
                lists.repository(name),
                lists.tag(name),
                image.id[:_SHORT_ID],
                human.duration(now_s - image.created_ns / 1e9),
                *map(human.close_size, sizes),
                str(len(image.containers)),
            ]
        )
    out.table(headings, rows)
    out.line("\nContainers space usage:\n")
    headings = ("CONTAINER ID", "IMAGE", "COMMAND", "LOCAL VOLUMES", "SIZE", "CREATED", "STATUS", "NAMES")
    out.table(headings, [_container_cells(one, now_s) for one in containers])
    out.line("\nLocal Volumes space usage:\n")
    out.table(
        ("VOLUME NAME", "LINKS", "SIZE"),
        [[one.name, str(one.links), human.close_size(one.size_bytes)] for one in volumes],
    )


def _container_cells(one: ContainerUsage, now_s: float) -> list[str]:
    view = one.view
    return [
        view.id[:_SHORT_ID],
        view.image_id.removeprefix("sha256:")[:_SHORT_ID],
        " ".join(view.command),
        str(len(view.record.get("volumes", ()))),
        human.close_size(one.size_bytes),
        human.duration(now_s - view.created_at),
        view.run.status,
        view.name,
    ]


COMMAND = Command(
    path="system df",
    summary="Show disk usage",
    description="Shows what images, containers and volumes take on disk.  What several images share counts once.",
    options=SystemDfOptions,
    run=run,
    max_operands=0,
    flags=(
        Flag("format", kind="string", help="Change the output to JSON or a Go template"),
        Flag("verbose", short="v", help="Show detailed information on disk usage"),
    ),
    examples=("argosy system df", "argosy system df --verbose", "argosy system df --format '{{.Type}} {{.Size}}'"),
)
