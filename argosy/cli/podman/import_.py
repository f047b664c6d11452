"""`import`: an image from a tar archive of a file system."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.images import import_


class ImportOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    arch: str | None
    change: tuple[str, ...]
    message: str | None
    os: str | None
    platform: str | None
    quiet: bool
    signature_policy: str | None
    variant: str | None


def run(options: ImportOptions, engine: Engine, out: Output) -> int:
    """Make the image and print its id."""
    from argosy.cli import progress
    from argosy.images import archives, import_, naming

    source, *rest = options.operands
    name = naming.local_name(rest[0], naming.home(out.program)) if rest else None
    wanted = _options(options)
    if archives.is_url(source) and not options.quiet:
        out.error(f'Downloading from "{source}"')
    with (
        archives.open_archive(source, engine.store.root, engine.environ) as archive,
        progress.shown(quiet=options.quiet or out.program == "docker") as shown,
    ):
        admit = engine.trust(options.signature_policy or "").admit_tarball
        record = import_.import_archive(engine.store, archive, name, wanted, shown, admit=admit)
    out.line(record.config_digest)
    return 0


def _options(options: ImportOptions) -> import_.ImportOptions:
    from argosy.images import import_

    os, architecture, variant = options.os, options.arch, options.variant
    if options.platform:
        if os or architecture:
            raise ArgosyError("--platform option can not be specified with --arch or --os")
        from argosy.oci import platform

        wanted = platform.parse(options.platform)
        os, architecture, variant = wanted.os, wanted.architecture, variant or wanted.variant
    return import_.ImportOptions(
        changes=options.change,
        message=options.message or "",
        os=os or "",
        architecture=architecture or "",
        variant=variant or "",
    )


COMMAND = Command(
    path="import",
    summary="Import a tarball to create a filesystem image",
    description="Makes an image of one layer from a tar archive: a file, the URL of one, or - for standard input; "
    "plain, or compressed by gzip, zstd, xz or bzip2.",
    usage="PATH [REFERENCE]",
    options=ImportOptions,
    run=run,
    min_operands=1,
    max_operands=2,
    flags=(
        Flag("arch", kind="string", help="Set the architecture of the imported image"),
        Flag(
            "change",
            short="c",
            kind="list",
            help="Apply the following possible instructions to the created image: CMD | ENTRYPOINT | ENV | EXPOSE | "
            "LABEL | ONBUILD | STOPSIGNAL | USER | VOLUME | WORKDIR",
        ),
        Flag("message", short="m", kind="string", help="Set commit message for imported image"),
        Flag("os", kind="string", help="Set the OS of the imported image"),
        Flag("platform", kind="string", help="Set the platform of the imported image (OS/ARCH[/VARIANT])"),
        Flag("quiet", short="q", help="Suppress output"),
        Flag("signature-policy", kind="string", hidden=True, help="Path of a policy.json in place of the usual one"),
        Flag("variant", kind="string", help="Set the variant of the imported image"),
    ),
    examples=(
        "argosy import https://example.com/ctr.tar url-image",
        'cat ctr.tar | argosy import --message "importing the ctr.tar tarball" - image-imported',
        "argosy import --change 'CMD [\"/bin/sh\"]' rootfs.tar.gz",
    ),
)
