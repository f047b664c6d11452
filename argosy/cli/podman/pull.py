"""`pull`: images from registries into the store."""

from __future__ import annotations

from argosy.cli import layerkeys
from argosy.cli.errors import report
from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _registry_flags
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.images.pull import Puller
    from argosy.oci.platform import Platform
    from argosy.storage.images import ImageRecord


class PullOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all_tags: bool
    arch: str | None
    authfile: str | None
    cert_dir: str | None
    creds: str | None
    decryption_key: tuple[str, ...]
    disable_content_trust: bool
    os: str | None
    platform: str | None
    policy: str
    quiet: bool
    remove_signatures: bool
    retry: int | None
    retry_delay: float | None
    signature_policy: str | None
    tls_verify: bool | None
    variant: str | None


def run(options: PullOptions, engine: Engine, out: Output) -> int:
    """Pull each image and print its id.  One that cannot be pulled does not keep the others from it."""
    from argosy.cli import progress

    registry = _registry_flags.options(options, engine)
    platform = _platform(options)
    _check_places(options)
    status = 0
    docker = out.program == "docker"
    with progress.shown(quiet=options.quiet or (docker and not out.is_terminal)) as shown:
        puller = engine.puller(
            options=registry,
            platform=platform,
            progress=shown,
            signature_policy=options.signature_policy or "",
            keys=layerkeys.read(private=options.decryption_key),
        ).replace(keep_signatures=not options.remove_signatures)
        for text in options.operands:
            try:
                if docker and not _is_elsewhere(text):
                    _pull_as_docker(options, engine, puller, text, out)
                    continue
                records = _pulled(options, engine, puller, text)
            except ArgosyError as error:
                status = report(error, out)
                continue
            for image_id in dict.fromkeys(record.config_digest for record in records):
                out.line(image_id.partition(":")[2])
    return status


def _pull_as_docker(options: PullOptions, engine: Engine, puller: Puller, text: str, out: Output) -> None:
    """Pull one image, or all tags, and tell of it as docker does."""
    from argosy.cli.podman import _pull_docker
    from argosy.images import pull

    if options.all_tags:
        for found in pull.pull_all_tags(puller, text):
            out.line(str(found.name))
        return

    def say(line: str) -> None:
        if not options.quiet:
            out.line(line)
            out.flush()

    if _pull_docker.default_tag(text):
        say("Using default tag: latest")
    told = _pull_docker.Told(engine.store, text, say)
    told.began()
    told.ended(pull.pull_text(puller, text, options.policy))
    out.line(told.name)


def _check_places(options: PullOptions) -> None:
    from argosy.images import places

    if options.all_tags and any(map(_is_elsewhere, options.operands)):
        raise ArgosyError("--all-tags needs repositories at registries")
    for text in filter(_is_elsewhere, options.operands):
        places.parse(text)


def _is_elsewhere(text: str) -> bool:
    """Whether an operand names a place that is no registry."""
    from argosy.images import places

    return places.is_place(text) and not text.startswith("docker:")


def _pulled(options: PullOptions, engine: Engine, puller: Puller, text: str) -> list[ImageRecord]:
    """What one operand has brought into the store."""
    from argosy.images import pull

    if _is_elsewhere(text):
        return _from_place(options, engine, puller, text)
    if options.all_tags:
        return [found.record for found in pull.pull_all_tags(puller, text)]
    return [pull.pull_text(puller, text, options.policy).record]


def _from_place(options: PullOptions, engine: Engine, puller: Puller, text: str) -> list[ImageRecord]:
    """The image at another place; of a docker-archive all, unless one is named."""
    from argosy.images import archives, load, places

    place = places.parse(text)
    door = engine.doors.images_door(options.signature_policy or "")
    if place.transport == "docker-archive" and not place.name and place.index is None:
        with archives.open_archive(place.path, engine.store.root, engine.environ) as archive:
            loaded = load.load_archive(engine.store, archive, puller.progress, puller.notice, door)
        return [image.record for image in loaded]
    openers = places.Openers(docker=puller.open_source, storage=engine.images.open_source)
    opened = places.open_named(place, openers)
    return [
        load.load_place(*(engine.store, place, opened, puller.platform, puller.progress, puller.notice, door)).record
    ]


def _platform(options: PullOptions) -> Platform | None:
    from argosy.oci import platform

    if options.platform:
        if options.arch or options.os:
            raise ArgosyError("--platform option can not be specified with --arch or --os")
        wanted = platform.parse(options.platform)
        return platform.normalized(wanted.replace(variant=options.variant)) if options.variant else wanted
    if not (options.arch or options.os or options.variant):
        return None
    host = platform.host()
    return platform.normalized(
        platform.Platform(options.os or host.os, options.arch or host.architecture, options.variant or "")
    )


COMMAND = Command(
    path="pull",
    summary="Pull an image from a registry",
    description="Pulls images from a registry and stores them locally.\n\nAn image is named by tag or digest; without "
    "either it is the one with the tag latest. One at another place (oci:, oci-archive:, docker-archive:, dir:, "
    "docker-daemon:, or containers-storage: with the [specifier] of podman's store) gets the names that it has there.",
    usage="IMAGE [IMAGE...]",
    options=PullOptions,
    run=run,
    min_operands=1,
    flags=(
        Flag("all-tags", short="a", help="All tagged images in the repository will be pulled"),
        Flag("arch", kind="string", help="Use ARCH instead of the architecture of the machine for choosing images"),
        Flag("authfile", kind="string", help="Path of the authentication file"),
        Flag("cert-dir", kind="string", help="Pathname of a directory containing TLS certificates and keys"),
        Flag("creds", kind="string", help="Credentials (USERNAME:PASSWORD) to use for authenticating to a registry"),
        layerkeys.DECRYPTION,
        Flag("disable-content-trust", help="This is a Docker specific option and is a NOOP"),
        Flag("os", kind="string", help="Use OS instead of the running OS for choosing images"),
        Flag("platform", kind="string", help="Specify the platform for selecting the image (OS/ARCH[/VARIANT])"),
        Flag("policy", kind="string", default="always", help="Pull image policy (always|missing|never|newer)"),
        Flag("quiet", short="q", help="Suppress output information when pulling images"),
        Flag("remove-signatures", only="buildah", help="Do not copy signatures from the source"),
        Flag("retry", kind="uint", help="Number of times to retry in case of failure when performing pull"),
        Flag("retry-delay", kind="duration", help="Delay between retries in case of pull failures"),
        Flag("signature-policy", kind="string", hidden=True, help="Path of a policy.json in place of the usual one"),
        Flag("tls-verify", kind="optbool", help="Require HTTPS and verify certificates when contacting registries"),
        Flag("variant", kind="string", help="Use VARIANT instead of the running architecture variant"),
    ),
    examples=("argosy pull imageName", "argosy pull fedora:latest", "argosy pull --platform linux/arm64 alpine"),
)
