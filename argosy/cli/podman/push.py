"""`push`: an image of the store to a registry, or to another place."""

from __future__ import annotations

from argosy.cli import layerkeys, signing
from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _registry_flags
from argosy.errors import ArgosyError, NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.images.convert import Form
    from argosy.images.places import Place
    from argosy.images.resolve import Resolved
    from argosy.oci.digest import Digest
    from argosy.oci.reference import Reference


class PushOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    all_tags: bool
    authfile: str | None
    cert_dir: str | None
    compress: bool
    compression_format: str | None
    compression_level: int | None
    creds: str | None
    digestfile: str | None
    disable_compression: bool
    disable_content_trust: bool
    encrypt_layer: tuple[str, ...]
    encryption_key: tuple[str, ...]
    format: str | None
    quiet: bool
    remove_signatures: bool
    retry: int | None
    retry_delay: float | None
    rm: bool
    sign_by: str | None
    sign_by_sigstore_private_key: str | None
    sign_passphrase_file: str | None
    signature_policy: str | None
    tls_verify: bool | None


def run(options: PushOptions, engine: Engine, out: Output, *, attached: bool = True) -> int:
    """Push the image under the second operand, or under its own name; with --all-tags a repository, tag by tag.

    `attached`: and the attestations that it has.
    """
    from argosy.images import resolve

    source, *rest = options.operands
    if options.all_tags:
        return _push_all(options, engine, out)
    try:
        found = resolve.resolve(engine.store, engine.load_registries, source)
    except resolve.ImageNotKnown:
        status = _push_list(options, engine, out)
        if status is None:
            raise
        return status
    if not rest and found.name is not None:
        _push(options, engine, found, registry_place(found.name), out, attached=attached)
    else:
        _push(options, engine, found, target_of(rest[0] if rest else source), out, attached=attached)
    return 0


def _push_list(options: PushOptions, engine: Engine, out: Output) -> int | None:
    """Push the manifest list that is meant, with its images; None when there is no such list."""
    from argosy.cli.podman import manifest_push
    from argosy.images.manifestlist import Lists
    from argosy.images.resolve import ImageNotKnown

    try:
        Lists(engine.store).find(options.operands[0])
    except ImageNotKnown:
        return None
    shared = {flag.key for flag in manifest_push.COMMAND.flags} & {flag.key for flag in COMMAND.flags}
    given = {key: getattr(options, key) for key in shared}
    given["all"] = options.all or out.program != "buildah"  # podman pushes a list's images as well, without a flag
    wanted = manifest_push.ManifestPushOptions(
        **{"operands": options.operands, "insecure": False, "purge": False, **given}
    )
    return manifest_push.run(wanted, engine, out)


def registry_place(reference: Reference) -> Place:
    """A name at its registry."""
    from argosy.images import push
    from argosy.images.places import Place

    push.check_target(reference)
    return Place("docker", name=str(reference))


def target_of(text: str) -> Place:
    """Where the image goes: a registry, unless another transport is named."""
    from argosy.images import places
    from argosy.oci import reference as references

    if places.is_place(text) and not text.startswith("docker://"):
        return places.parse(text)
    return registry_place(references.parse(text.removeprefix("docker://")))


def _push_all(options: PushOptions, engine: Engine, out: Output) -> int:
    """Push each tag of a repository of the store, in their order."""
    from argosy.images import resolve
    from argosy.oci import reference as references

    if len(options.operands) > 1:
        raise ArgosyError("--all-tags takes no destination")
    wanted = references.parse(options.operands[0], default_tag="")
    if wanted.selector:
        raise ArgosyError("tag can't be used with --all-tags/-a")
    repositories = {wanted.name}
    if references.is_short(options.operands[0]):
        repositories.add(f"localhost/{options.operands[0]}")
    tagged = [name for name, _ in engine.store.refs.all().refs if name.tag and name.name in repositories]
    if not tagged:
        raise ArgosyError(f"An image does not exist locally with the tag: {options.operands[0]}")
    for name in sorted(tagged, key=str):
        if not options.quiet and out.program != "docker":
            out.line(str(name))
            out.flush()
        found = resolve.resolve(engine.store, engine.load_registries, str(name))
        _push(options, engine, found, registry_place(name), out)
    return 0


def _push(
    options: PushOptions, engine: Engine, found: Resolved, target: Place, out: Output, *, attached: bool = True
) -> None:
    from argosy.cli import progress
    from argosy.cli.digestfile import write_digest
    from argosy.images import copy, push, targets
    from argosy.images.places import PlaceOptions

    if options.compress and target.transport != "dir":
        raise ArgosyError("--compress can be set only when using the 'dir' transport")
    form = _form(options, engine)
    registry = _registry_flags.options(options, engine)
    guard = engine.doors.push_guard(
        *(found, target, registry, signing.options(options)),
        signature_policy=options.signature_policy or "",
        keep=not options.remove_signatures,
    )
    own = (str(found.name),) if found.name is not None and found.name.tag else ()
    destination = targets.open_destination(
        target,
        lambda reference: engine.open_destination(reference, found.record, registry),
        targets.TargetOptions(
            PlaceOptions(cert_dir=options.cert_dir or "", tls_verify=options.tls_verify),
            own if target.transport == "docker-archive" else (),
        ),
    )
    docker = out.program == "docker" and target.transport == "docker"
    if docker and not options.quiet:
        _tell_repository(options, target, out)
    try:
        with progress.shown(quiet=options.quiet or (docker and not out.is_terminal)) as shown:
            digest = push.push(
                *(engine.store, found, destination, form, shown),
                engine.conf.image_parallel_copies or copy.UPLOADS_AT_ONCE,
                guard=guard,
            )
    finally:
        destination.close()
    if docker:
        tag = target.name.rpartition(":")[2]
        out.line(target.name if options.quiet else f"{tag}: digest: {digest}{_size(engine, digest)}")
    if attached and target.transport == "docker" and engine.store.shelf("artifacts").ids():
        from argosy.cli.podman import _push_attached

        _push_attached.push(engine, found.record, target.name, digest, registry, out, quiet=options.quiet)
    if options.digestfile:
        write_digest(options.digestfile, digest)


def _tell_repository(options: PushOptions, target: Place, out: Output) -> None:
    """Where the image goes, as docker tells it first."""
    from argosy.oci import reference as references

    if not options.all_tags and not references.parse(options.operands[0], default_tag="").selector:
        out.line("Using default tag: latest")
    out.line(f"The push refers to repository [{references.parse(target.name).name}]")
    out.flush()


def _size(engine: Engine, digest: Digest) -> str:
    """The size of the manifest that was pushed; nothing of one that was made for the registry alone."""
    try:
        return f" size: {engine.store.blobs.size(digest)}"
    except NotFound:
        return ""


def _form(options: PushOptions, engine: Engine) -> Form:
    """The form that the image is to have.  Raises ArgosyError for a level that the compression does not have."""
    from argosy.images import convert

    compression = options.compression_format or ""
    usual = engine.conf.compression_format or "gzip"
    level = engine.conf.compression_level
    if options.compression_level is not None:
        level = options.compression_level
        convert.check_level(compression or usual, level)
    if options.disable_compression:
        if compression:
            raise ArgosyError("--compression-format and --disable-compression exclude each other")
        compression = "none"
    keys = layerkeys.read(options.encrypt_layer, options.encryption_key)
    return convert.Form(
        *(options.format or "", compression), compress=options.compress, usual=usual, level=level, keys=keys
    )


COMMAND = Command(
    path="push",
    summary="Push an image to a specified destination",
    description=(
        "Copies an image to a registry: the layers that the registry lacks, then the config and the manifest. Layers "
        "stay as they were pulled, so that digests stay the same; those without compression are compressed by gzip. "
        "What build --sbom and --provenance have attached to the image follows it. "
        "DESTINATION may be another place: oci:, oci-archive:, docker-archive:, dir: or docker-daemon:."
    ),
    usage="IMAGE [DESTINATION]",
    options=PushOptions,
    run=run,
    min_operands=1,
    max_operands=2,
    flags=(
        Flag("all", only="buildah", help="Also push the images of a manifest list, and not the list alone"),
        Flag("all-tags", short="a", only="docker", help="Push all tags of an image to the repository"),
        Flag("authfile", kind="string", help="Path of the authentication file"),
        Flag("cert-dir", kind="string", help="Pathname of a directory containing TLS certificates and keys"),
        Flag("compress", help="Compress layers that are not, when pushing to a directory by the dir transport"),
        Flag("compression-format", kind="string", help='Compression of the layers ("gzip"|"zstd")'),
        Flag("compression-level", kind="int", help="Level of the compression (gzip: 1 to 9, zstd: 1 to 22)"),
        Flag("creds", kind="string", help="Credentials (USERNAME:PASSWORD) to use for authenticating to a registry"),
        Flag("digestfile", kind="string", help="Write the digest of the pushed image to the specified file"),
        Flag("disable-compression", short="D", only="buildah", help="Push layers without compression"),
        Flag("disable-content-trust", help="This is a Docker specific option and is a NOOP"),
        *layerkeys.ENCRYPTION,
        Flag("format", short="f", kind="string", help='Manifest type to write ("oci"|"v2s2"); the image\'s own'),
        Flag("quiet", short="q", help="Suppress output information when pushing images"),
        Flag("retry", kind="uint", help="Number of times to retry in case of failure when performing push"),
        Flag("retry-delay", kind="duration", help="Delay between retries in case of push failures"),
        Flag("rm", only="buildah", help="Remove the manifest list if push succeeds"),
        *signing.FLAGS,
        Flag("signature-policy", kind="string", hidden=True, help="Path of a policy.json in place of the usual one"),
        Flag("tls-verify", kind="optbool", help="Require HTTPS and verify certificates when contacting registries"),
    ),
    examples=("argosy push registry.example.com/me/app:1.0", "argosy push app registry.example.com/me/app:latest"),
)
