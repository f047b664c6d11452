"""`save`: images of the store into an archive."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError, Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.images.progress import Progress
    from argosy.images.save import DirectoryOutput, Saved
    from argosy.storage.store import Store
    from argosy.transports.archive import Writer

_DIRECTORIES = ("oci-dir", "docker-dir")
_FORMATS = ("docker-archive", "oci-archive", "oci-dir", "docker-dir")


class SaveOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    compress: bool
    format: str
    multi_image_archive: bool | None
    output: str | None
    quiet: bool
    uncompressed: bool


def run(options: SaveOptions, engine: Engine, out: Output) -> int:
    """Write the archive: to the file, which appears when it is whole, or to standard output."""
    from argosy.cli import progress
    from argosy.images import save

    if options.format not in _FORMATS:
        raise Invalid("save format", options.format, f"it must be one of {', '.join(_FORMATS)}")
    if options.compress and options.format != "docker-dir":
        raise ArgosyError("--compress can only be set when --format is 'docker-dir'")
    if options.output is None:
        if options.format in _DIRECTORIES:
            raise ArgosyError("--output is needed for a directory")
        if out.is_terminal:
            raise ArgosyError("refusing to save to terminal. Use -o flag or redirect")
    images = _images(options, engine, docker=out.program == "docker")
    quiet = options.quiet or options.output is None or out.program == "docker"
    with progress.shown(quiet=quiet) as shown:
        _write(options, engine.store, images, shown)
    save.tell(engine.store, images, options.output or "/dev/stdout")
    return 0


def _images(options: SaveOptions, engine: Engine, *, docker: bool) -> tuple[Saved, ...]:
    """One image with further tags, or with -m (and always with docker) several images."""
    from argosy.images import resolve
    from argosy.images.save import Saved
    from argosy.oci import reference as references

    asked = options.multi_image_archive
    many = docker or (engine.conf.multi_image_archive if asked is None else asked)
    if many and options.format != "docker-archive":
        raise ArgosyError("--multi-image-archive is only supported with the format docker-archive")
    texts = options.operands if many else options.operands[:1]
    found = [resolve.resolve(engine.store, engine.load_registries, text) for text in texts]
    names = [[one.name] if one.name is not None and one.name.tag else [] for one in found]
    if not many:
        names[0] += [references.parse(text, default_registry="localhost") for text in options.operands[1:]]
    merged: dict[str, Saved] = {}
    for one, given in zip(found, names, strict=True):
        known = merged.get(one.record.manifest_digest)
        together = dict.fromkeys((*(known.names if known else ()), *given))
        merged[one.record.manifest_digest] = Saved(one.record, tuple(together))
    return tuple(merged.values())


def _write(options: SaveOptions, store: Store, images: tuple[Saved, ...], shown: Progress) -> None:
    from argosy.images import save
    from argosy.transports.archive import Writer
    from argosy.transports.archive_file import ArchiveFile

    if options.output is None:
        writer = Writer(1, "standard output")
        _form(options, store, images, writer, shown)
        writer.finish()
    elif options.format == "docker-dir":
        _directory(
            options.output,
            lambda output: save.directory_form(store, images[0], output, shown, compress=options.compress),
        )
    elif options.format == "oci-dir":
        _directory(
            options.output, lambda output: save.oci_form(store, images, output, shown, plain=options.uncompressed)
        )
    else:
        file = ArchiveFile(options.output)
        try:
            _form(options, store, images, file.writer, shown)
            file.finish()
        finally:
            file.close()


def _form(options: SaveOptions, store: Store, images: tuple[Saved, ...], writer: Writer, shown: Progress) -> None:
    """Write the files of an archive."""
    from argosy.images import save

    if options.format == "docker-archive":
        save.docker_form(store, images, writer, shown)
    else:
        save.oci_form(store, images, writer, shown, plain=options.uncompressed)


def _directory(path: str, write: Callable[[DirectoryOutput], None]) -> None:
    """Write the files of a directory; none of them stays when that fails."""
    from argosy.images.save import DirectoryOutput

    output = DirectoryOutput(path)
    try:
        write(output)
    except BaseException:
        output.discard()
        raise


COMMAND = Command(
    path="save",
    summary="Save image(s) to an archive",
    description=(
        "Writes an image, or with --multi-image-archive several, to an archive that `load` and the peers read. Further "
        "operands are more names for the image. Without --output the archive goes to standard output."
    ),
    usage="IMAGE [IMAGE...]",
    options=SaveOptions,
    run=run,
    min_operands=1,
    flags=(
        Flag("compress", help="Compress layers that are not, when saving to a docker-dir"),
        Flag(
            "format",
            kind="string",
            default="docker-archive",
            help='What to write ("docker-archive"|"oci-archive"|"oci-dir"|"docker-dir")',
        ),
        Flag(
            "multi-image-archive",
            short="m",
            kind="optbool",
            help="Take further operands for images, not for names of the first",
        ),
        Flag("output", short="o", kind="string", help="Write to a specified file (default: stdout, if redirected)"),
        Flag("quiet", short="q", help="Suppress the output"),
        Flag("uncompressed", help="Leave layers without compression so in an OCI archive or layout"),
    ),
    examples=("argosy save -o app.tar app", "argosy save -m app db | ssh host argosy load"),
)
