"""`manifest push`: a manifest list, and its images, to a registry or another place."""

from __future__ import annotations

from argosy.cli import signing
from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _manifest
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.images.listsource import ListSource
    from argosy.images.places import Place
    from argosy.oci.digest import Digest
    from argosy.transports.access import RegistryOptions


class ManifestPushOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    authfile: str | None
    cert_dir: str | None
    compression_format: str | None
    creds: str | None
    digestfile: str | None
    format: str | None
    insecure: bool
    purge: bool
    quiet: bool
    remove_signatures: bool
    rm: bool
    sign_by: str | None
    sign_by_sigstore_private_key: str | None
    sign_passphrase_file: str | None
    tls_verify: bool | None


def run(options: ManifestPushOptions, engine: Engine, out: Output, *, attached: bool = True) -> int:
    """Push the list under the second operand, or under its own name; `attached`: with its images' attestations."""
    from argosy.cli.digestfile import write_digest
    from argosy.cli.podman.push import target_of
    from argosy.images.listsource import ListSource
    from argosy.images.manifestlist import Lists

    lists = Lists(engine.store)
    list_id = lists.find(options.operands[0])
    found = lists.get(list_id)
    registry = _manifest.registry_options(
        authfile=options.authfile,
        cert_dir=options.cert_dir,
        creds=options.creds,
        tls_verify=_manifest.verification(tls_verify=options.tls_verify, insecure=options.insecure),
    )
    target = target_of(options.operands[1] if len(options.operands) > 1 else found.name or options.operands[0])
    source = ListSource(found, lambda entry: _manifest.open_entry(engine, entry, registry))
    try:
        digest = _push(options, engine, source, target, registry)
        if attached and options.all and target.transport == "docker" and engine.store.shelf("artifacts").ids():
            from argosy.cli.podman import _push_attached

            listed = source.manifest()
            _push_attached.push_listed(engine, listed, target.name, digest, registry, out, quiet=options.quiet)
    finally:
        source.close()
    if options.digestfile:
        write_digest(options.digestfile, digest)
    if options.rm or options.purge:
        lists.remove(list_id)
    return 0


def _push(
    options: ManifestPushOptions, engine: Engine, source: ListSource, target: Place, registry: RegistryOptions
) -> Digest:
    from argosy.cli import progress
    from argosy.images import copy, targets
    from argosy.images.convert import Form
    from argosy.images.places import PlaceOptions
    from argosy.transports import scratch

    form = Form(
        options.format or "",
        options.compression_format or "",
        usual=engine.conf.compression_format or "gzip",
        level=engine.conf.compression_level,
    )
    wanted = copy.CopyOptions(
        images=copy.ALL if options.all else copy.INDEX_ONLY,
        form=form,
        at_once=engine.conf.image_parallel_copies or copy.UPLOADS_AT_ONCE,
    )
    guard = engine.doors.list_guard(
        source, target, registry, signing.options(options), keep=not options.remove_signatures
    )
    place = PlaceOptions(cert_dir=options.cert_dir or "", tls_verify=options.tls_verify)
    destination = targets.open_destination(
        target, lambda reference: engine.open_destination(reference, None, registry), targets.TargetOptions(place)
    )
    try:
        with progress.shown(quiet=options.quiet) as shown, scratch.TemporaryDirectory() as work:
            return copy.copy(source, destination, wanted, work.path, shown, guard=guard).digest
    finally:
        destination.close()


COMMAND = Command(
    path="manifest push",
    summary="Push a manifest list or image index to a registry",
    description="Sends a list with its images (--all=false: the list alone) to a registry or another place.",
    usage="LIST [DESTINATION]",
    options=ManifestPushOptions,
    run=run,
    min_operands=1,
    max_operands=2,
    flags=(
        Flag("all", default=True, help="Also push the images in the list"),
        _manifest.AUTHFILE,
        _manifest.CERT_DIR,
        Flag("compression-format", kind="string", help='Compression of the layers ("gzip"|"zstd")'),
        _manifest.CREDS,
        Flag("digestfile", kind="string", help="Write the digest of the pushed list to the specified file"),
        Flag("format", short="f", kind="string", help='Manifest type to write ("oci"|"v2s2")'),
        _manifest.INSECURE,
        Flag("purge", short="p", only="docker", help="Remove the local manifest list after push"),
        Flag("quiet", short="q", help="Suppress output information when pushing lists"),
        Flag("rm", help="Remove the manifest list if push succeeds"),
        *signing.FLAGS,
        _manifest.TLS_VERIFY,
    ),
    examples=("argosy manifest push mylist:v1 docker://registry.example.com/app:v1",),
)
