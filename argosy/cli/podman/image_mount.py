"""`image mount`: the file systems of images, to look into."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.main import Opener
    from argosy.cli.output import Output
    from argosy.engine import Engine


class ImageMountOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    format: str | None


def run(options: ImageMountOptions, opener: Opener, out: Output) -> int:
    """Mount each image and print where; without images print what is mounted."""
    engine = open_inside(opener, "image mount", out)
    if options.all and options.operands:
        raise ArgosyError("when using the --all switch, you may not pass any image names or IDs")
    if options.format not in (None, "", "json"):
        raise ArgosyError(f'unknown --format argument: "{options.format}"')
    if not options.all and not options.operands:
        _show(options, engine, out)
        return 0
    return _mount(options, engine, out)


def open_inside(opener: Opener, words: str, out: Output) -> Engine:
    """The engine, where what is mounted can be seen by whoever asked.  Raises ArgosyError outside of `unshare`."""
    from argosy.linux import userns

    if userns.needed() and userns.is_outside():
        raise ArgosyError(
            f'cannot run command "{out.program} {words}" in rootless mode, must execute `{out.program} unshare` first'
        )
    engine: Engine = opener.open()
    return engine


def _mount(options: ImageMountOptions, engine: Engine, out: Output) -> int:
    from argosy.cli.errors import report
    from argosy.images import mount, resolve

    texts = options.operands or [record.config_digest for record in engine.store.images.all().records]
    status = 0
    for text in texts:
        try:
            found = resolve.resolve(engine.store, engine.load_registries, text)
            place = mount.mount(engine.store, found.record)
        except ArgosyError as error:
            status = report(error, out)
            continue
        out.line(place if len(texts) == 1 else f"{found.shown}  {place}")
    return status


def _show(options: ImageMountOptions, engine: Engine, out: Output) -> None:
    from argosy.cli.documents import indented

    documents = _documents(engine)
    if options.format == "json":
        out.line(indented(documents, 1))
        return
    rows = [
        (name, document["mountpoint"])
        for document in documents
        for name in document["Repositories"] or [document["id"]]
    ]
    out.table((), rows)


def _documents(engine: Engine) -> list[dict[str, Any]]:
    """What is mounted, as podman's JSON has it."""
    from argosy.images import mount

    names: dict[str, list[str]] = {}
    for name, digest in engine.store.refs.all().refs:
        names.setdefault(digest, []).append(str(name))
    records = engine.store.images.all().records
    return [
        {
            "id": image_id.partition(":")[2],
            "Names": [record.manifest_digest for record in records if record.config_digest == image_id],
            "Repositories": [
                name
                for record in records
                if record.config_digest == image_id
                for name in names.get(record.manifest_digest, [])
            ],
            "mountpoint": place,
        }
        for image_id, place in mount.mounted(engine.store).items()
    ]


COMMAND = Command(
    path="image mount",
    summary="Mount an image's root filesystem",
    description=(
        "Mounts images read-only and prints where; without images it lists those that are mounted. A rootless user "
        "calls it in the namespace of the store: argosy unshare argosy image mount IMAGE."
    ),
    usage="[IMAGE...]",
    options=ImageMountOptions,
    run=run,
    flags=(
        Flag("all", short="a", help="Mount all images"),
        Flag("format", kind="string", help="Print the mounted images in specified format (json)"),
    ),
    examples=("argosy image mount imgID", "argosy image mount"),
)
