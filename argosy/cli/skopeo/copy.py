"""`copy`: an image, or all images of a list, from one place to another."""

from __future__ import annotations

from argosy.cli import layerkeys, signing
from argosy.cli.flags import Command, Flag
from argosy.cli.skopeo import _access, _copying
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output
    from argosy.images.convert import Form

_ARCHITECTURES = ("system", "all", "index-only")


class CopyFlags(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    additional_tag: tuple[str, ...]
    all: bool
    authfile: str | None
    decryption_key: tuple[str, ...]
    dest_authfile: str | None
    dest_cert_dir: str | None
    dest_compress: bool
    dest_compress_format: str | None
    dest_compress_level: int | None
    dest_creds: str | None
    dest_daemon_host: str | None
    dest_decompress: bool
    dest_no_creds: bool
    dest_oci_accept_uncompressed_layers: bool
    dest_password: str | None
    dest_precompute_digests: bool  # as it is always done: a blob's digest is known before it is sent
    dest_registry_token: str | None
    dest_shared_blob_dir: str | None
    dest_tls_verify: bool | None
    dest_username: str | None
    digestfile: str | None
    encrypt_layer: tuple[str, ...]
    encryption_key: tuple[str, ...]
    format: str | None
    multi_arch: str | None
    preserve_digests: bool
    quiet: bool
    remove_signatures: bool
    retry_times: int | None
    sign_by: str | None
    sign_by_sigstore_private_key: str | None
    sign_identity: str | None
    sign_passphrase_file: str | None
    src_authfile: str | None
    src_cert_dir: str | None
    src_creds: str | None
    src_daemon_host: str | None
    src_no_creds: bool
    src_password: str | None
    src_registry_token: str | None
    src_shared_blob_dir: str | None
    src_tls_verify: bool | None
    src_username: str | None
    tls_verify: bool | None


def run(flags: CopyFlags, opener: Opener, out: Output) -> int:
    """Copy, and write the digest file."""
    from argosy.cli import progress
    from argosy.cli.digestfile import write_digest
    from argosy.cli.skopeo import _globals
    from argosy.images import places
    from argosy.images.copy import CopyOptions

    _access.tell_deprecated(flags, out)
    source, target = (places.parse(text) for text in flags.operands)
    options = CopyOptions(
        images=_images(flags),
        form=_form(flags, target.transport),
        preserve=flags.preserve_digests,
        platform=_globals.platform(opener.program_settings),
    )
    job = _copying.Job(
        source=source,
        target=target,
        source_access=_access.of(flags, opener, "src_"),
        target_access=_access.of(flags, opener, "dest_"),
        options=options,
        names=flags.additional_tag,
        signing=signing.options(flags, flags.sign_identity or ""),
        keep_signatures=not flags.remove_signatures,
        uncompressed=flags.dest_oci_accept_uncompressed_layers,
    )
    with progress.shown(quiet=flags.quiet) as shown:
        digest = _copying.perform(job, opener, shown)
    if flags.digestfile:
        write_digest(flags.digestfile, digest)
    return 0


def _images(flags: CopyFlags) -> str:
    """What is copied of a list."""
    if flags.multi_arch is None:
        return "all" if flags.all else "system"
    if flags.all:
        raise ArgosyError("Cannot use --all and --multi-arch flags together")
    if flags.multi_arch not in _ARCHITECTURES:
        raise ArgosyError(
            f'unknown multi-arch option "{flags.multi_arch}". Choose one of the supported options: '
            "'system', 'all', or 'index-only'"
        )
    return flags.multi_arch


def _form(flags: CopyFlags, transport: str) -> Form:
    """The form that the image is to have; layers are looked into only where the destination's are compressed."""
    from argosy.images import convert

    if flags.dest_compress and flags.dest_decompress:
        raise ArgosyError("Cannot compress and decompress at the same time")
    compression = flags.dest_compress_format or ""
    if compression not in ("", "gzip", "zstd", "zstd:chunked"):
        raise ArgosyError(f'cannot find compressor for "{compression}"')
    level = flags.dest_compress_level or 0
    convert.check_level(compression or "gzip", level)
    keys = layerkeys.read(flags.encrypt_layer, flags.encryption_key, flags.decryption_key)
    form = convert.Form(format=_copying.check_format(flags.format), keys=keys)
    if transport == "dir":
        if flags.dest_decompress:
            return form.replace(compression="none")
        return form.replace(compress=True, compression=compression, level=level) if flags.dest_compress else form
    if transport in ("docker", "oci", "oci-archive"):
        return form.replace(compression=compression, level=level)
    return form


COMMAND = Command(
    path="copy",
    summary="Copy an IMAGE-NAME from one location to another",
    description=(
        "Copies an image between registries (docker://), layouts and archives (oci:, oci-archive:, docker-archive:, "
        "dir:), a docker daemon (docker-daemon:) and the store (containers-storage:). Bytes, and so digests, stay as "
        "they are unless another form is asked for or the destination can hold no other."
    ),
    usage="SOURCE-IMAGE DESTINATION-IMAGE",
    options=CopyFlags,
    run=run,
    min_operands=2,
    max_operands=2,
    flags=(
        *_copying.FLAGS,
        _access.AUTHFILE,
        _access.RETRIES,
        _access.TLS_VERIFY,
        _access.side_authfile("src-"),
        *_access.place_flags("src-"),
        _access.side_authfile("dest-"),
        *_access.place_flags("dest-"),
        Flag("additional-tag", kind="csv", help="Additional tags (supports docker-archive)"),
        layerkeys.DECRYPTION,
        Flag("dest-compress", help="Compress layers that are not, when saving to a directory by the dir transport"),
        Flag("dest-compress-format", kind="string", help='Compression of the layers ("gzip"|"zstd")'),
        Flag("dest-compress-level", kind="int", help="Level of the compression"),
        Flag("dest-decompress", help="Decompress layers when saving to a directory by the dir transport"),
        Flag("dest-oci-accept-uncompressed-layers", help="Leave layers without compression so in an OCI layout"),
        Flag("dest-precompute-digests", help="Know digests before uploading (as is always done)"),
        Flag("digestfile", kind="string", help="Write the digest of the copied image to the specified file"),
        *layerkeys.ENCRYPTION,
        Flag("multi-arch", kind="string", help="What to copy of a list of images (system, all, or index-only)"),
        Flag("quiet", short="q", help="Suppress output information when copying images"),
        Flag("sign-identity", kind="string", help="Identity of the signed image, in place of the destination's"),
    ),
    examples=(
        "skopeo copy docker://quay.io/skopeo/stable:latest docker://registry.example.com/skopeo:latest",
        "skopeo copy --all docker://docker.io/library/busybox oci:/tmp/layout:busybox",
    ),
)
