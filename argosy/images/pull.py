"""Pull: an image from a source into the store.

What exists only once all of it is verified: layers and blobs become visible one by one, each after its digest was
compared; then the image's record, then its name.  Nothing is stable on disk before it is visible, since it can be
fetched again: a helper process sees to that afterwards (`storage.durable`).
"""

from __future__ import annotations

from argosy.errors import ArgosyError, Invalid, Unsupported
from argosy.images.choose import Chosen, choose
from argosy.images.progress import Progress
from argosy.images.publish import Arrived, publish
from argosy.images.resolve import POLICIES, ImageNotKnown, Resolved, resolve
from argosy.images.transfer import DOWNLOADS_AT_ONCE, LayerJob, Transfer
from argosy.oci import imageconfig, manifest, mediatypes
from argosy.oci import platform as platforms
from argosy.oci import reference as references
from argosy.storage.chains import chain_id
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from argosy.config.registries import Registries
    from argosy.encryption.layers import Keys
    from argosy.images.trust import Admit
    from argosy.oci.descriptor import Descriptor
    from argosy.oci.imageconfig import ImageConfig
    from argosy.oci.platform import Platform
    from argosy.oci.reference import Reference
    from argosy.signatures.blob import Signature
    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store
    from argosy.storage.work import Work
    from argosy.transports.source import ImageSource, RawManifest

    OpenSource = Callable[[Reference], ImageSource]

_DOCKER = "docker://"
_OTHER_TRANSPORTS = (
    "containers-storage",
    "dir",
    "docker-archive",
    "docker-daemon",
    "oci",
    "oci-archive",
    "ostree",
    "sif",
    "tarball",
)


class PullFailed(ArgosyError):
    """None of the references that a short name may mean could be pulled."""

    def __init__(self, text: str, errors: tuple[ArgosyError, ...]) -> None:
        hints = tuple(dict.fromkeys(error.hint for error in errors if error.hint))
        super().__init__(
            f"{len(errors)} errors occurred while pulling {text}",
            details="".join(f"\n * {error}" for error in errors),
            hint="\n".join(hints),
        )
        self.errors = errors


class Puller(Value):
    """What pulling works with.  `open_source` gives the source of a reference, `door` what judges its manifests by the
    policy; `notice` tells what went unexpectedly.

    `platform` None means the host's.  `at_once` is how many layers of an image are fetched at the same time.  `keys`
    decrypt what is encrypted; without `keep_signatures` those of the image are judged and left behind.
    """

    store: Store
    registries: Callable[[], Registries]
    open_source: OpenSource
    door: Callable[[Reference], Admit]
    progress: Progress
    notice: Callable[[str], None]
    platform: Platform | None = None
    at_once: int = DOWNLOADS_AT_ONCE
    keys: Keys | None = None
    keep_signatures: bool = True


def pull_text(puller: Puller, text: str, policy: str = "always") -> Resolved:
    """The image that `text` means, from the store or pulled, as the policy says (see `resolve.ensure`).

    A short name is tried at each place that registries.conf gives for it.
    """
    if policy not in POLICIES:
        raise Invalid("pull policy", policy, f"choose {', '.join(POLICIES)}")
    text = without_transport(text)
    local = None if policy == "always" else _local(puller, text)
    if policy == "never" and local is None:
        raise ImageNotKnown(text, hint="the pull policy is never")
    if local is not None and policy in ("never", "missing"):
        return local
    errors: list[ArgosyError] = []
    for reference in puller.registries().candidates(text):
        try:
            return Resolved(_pull_one(puller, reference, local.record if local else None), stored_name(reference))
        except ArgosyError as error:
            errors.append(error)
    raise errors[0] if len(errors) == 1 else PullFailed(text, tuple(errors))


def pull_all_tags(puller: Puller, text: str) -> tuple[Resolved, ...]:
    """All tags of the repository that `text` names, in the registry's order."""
    text = without_transport(text)
    named = references.parse(text, default_tag="")
    if named.tag or named.digest:
        raise Invalid("repository", text, "--all-tags takes a name without a tag or digest")
    candidates = [candidate.replace(tag="") for candidate in puller.registries().candidates(text)]
    errors: list[ArgosyError] = []
    for repository in candidates:
        source = puller.open_source(repository)
        try:
            tags = source.tags()
        except ArgosyError as error:
            errors.append(error)
            continue
        finally:
            source.close()
        tagged = [repository.replace(tag=tag) for tag in tags]
        if not tagged:
            raise ArgosyError(f"{repository} has no tags")
        return tuple(Resolved(_pull_one(puller, reference, None), reference) for reference in tagged)
    raise errors[0] if len(errors) == 1 else PullFailed(text, tuple(errors))


def without_transport(text: str) -> str:
    """`text` without `docker://`.  Raises Unsupported for another transport."""
    if text.startswith(_DOCKER):
        return text[len(_DOCKER) :]
    transport, colon, _ = text.partition(":")
    if colon and transport in _OTHER_TRANSPORTS:
        raise Unsupported(f"{text}: images can be pulled from registries only (docker://), not from {transport}:")
    return text


def stored_name(reference: Reference) -> Reference:
    """The name that an image asked for by `reference` gets: a digest says more than the tag beside it."""
    return reference.replace(tag="") if reference.digest else reference


def _local(puller: Puller, text: str) -> Resolved | None:
    try:
        found = resolve(puller.store, puller.registries, text)
    except ImageNotKnown:
        return None
    record = found.record
    made_for = platforms.Platform(record.os, record.architecture, record.variant)
    if puller.platform is not None and not platforms.fits(made_for, puller.platform):
        return None
    return None if puller.store.layers.untrusted(record.diff_ids) else found


def _pull_one(puller: Puller, reference: Reference, local: ImageRecord | None) -> ImageRecord:
    """Pull `reference`, unless it still means `local`."""
    puller.progress.line(f"Trying to pull {reference}...")
    source = puller.open_source(reference)
    try:
        if local is not None and source.manifest().digest in (local.manifest_digest, *local.indexes):
            return local
        admit = puller.door(reference)
        if puller.keys is not None:
            return _pull_decrypted(puller, puller.keys, source, reference, admit)
        return pull(
            *(puller.store, source, reference, puller.platform, puller.progress, puller.notice),
            admit=admit if puller.keep_signatures else _without_signatures(admit),
            at_once=puller.at_once,
        )
    finally:
        source.close()


def _without_signatures(admit: Admit) -> Admit:
    def judged(raw: RawManifest) -> tuple[Signature, ...]:
        admit(raw)
        return ()

    return judged


def _pull_decrypted(puller: Puller, keys: Keys, source: ImageSource, reference: Reference, admit: Admit) -> ImageRecord:
    """Pull what the image is after decryption.  Its signatures are of the encrypted one, and stay behind."""
    from argosy.images import convert
    from argosy.transports import scratch

    chosen = choose(source, str(reference), puller.platform or platforms.host(), any_kind=True)
    admit(chosen.raw)
    with scratch.TemporaryDirectory() as work:
        readable, _ = convert.converted(source, chosen.raw, convert.Form(keys=keys), work.path)
        return pull(
            *(puller.store, readable, reference, puller.platform, puller.progress, puller.notice),
            admit=lambda _raw: (),
            at_once=puller.at_once,
        )


def pull(
    store: Store,
    source: ImageSource,
    reference: Reference,
    platform: Platform | None,
    progress: Progress,
    notice: Callable[[str], None],
    *,
    admit: Admit,
    at_once: int = DOWNLOADS_AT_ONCE,
) -> ImageRecord:
    """Bring the image of `source` that fits `platform` into the store, and let `reference` mean it.

    What is there already is not fetched again.  Raises what the source and `admit` raise, NoPlatform, Invalid for
    content that breaks a rule, DigestMismatch and DiffIdMismatch for content that is not what its digest says.  After
    an error that the next attempt would meet again, nothing is kept; after another, what it can go on with.
    """
    with store.work() as work:
        try:
            wanted = platform or platforms.host()
            arrived = take_in(
                store, work, source, str(reference), wanted, progress, notice, admit=admit, at_once=at_once
            )
            record = publish(store, arrived, (stored_name(reference),))
            progress.line("Storing signatures")
            store.events.write("image", "pull", ID=record.config_digest.partition(":")[2], Name=str(reference))
            return record
        except ArgosyError as error:
            failure = error
    if not getattr(failure, "transient", False):
        from argosy.storage import gc

        gc.collect(store)
    raise failure


def take_in(
    store: Store,
    work: Work,
    source: ImageSource,
    label: str,
    platform: Platform,
    progress: Progress,
    notice: Callable[[str], None],
    *,
    admit: Admit,
    at_once: int = DOWNLOADS_AT_ONCE,
) -> Arrived:
    """Bring all parts of the image into the store, pinned by `work`: nothing but its record is missing then.

    `admit` judges the chosen manifest before anything else is fetched.  `label` names the image in messages, `at_once`
    is how many layers are fetched at the same time.  Raises as `pull`.
    """
    chosen = choose(source, label, platform)
    progress.line("Getting image source signatures")
    signatures = admit(chosen.raw)
    image = chosen.image
    work.pin(chosen.raw.digest, *(raw.digest for raw in chosen.indexes), image.config.digest)
    config = _config(store, source, chosen)
    work.pin(*config.diff_ids, chain_id(config.diff_ids), *(str(blob.digest) for blob in image.layers))
    _compare_platform(config, platform, notice)
    Transfer(store, source, progress, at_once).run(jobs(config, image.layers))
    progress.line(f"Copying config {image.config.digest}")
    progress.line("Writing manifest to image destination")
    for raw in (*chosen.indexes, chosen.raw):
        store.blobs.put(raw.data)
    return Arrived(
        manifest_digest=str(chosen.raw.digest),
        manifest_size=len(chosen.raw.data),
        image=image,
        config=config,
        indexes=tuple(str(raw.digest) for raw in chosen.indexes),
        signatures=signatures,
    )


def _config(store: Store, source: ImageSource, chosen: Chosen) -> ImageConfig:
    """The image's config, fetched unless it is in the store; it must go with the manifest."""
    descriptor = chosen.image.config
    if store.blobs.has(descriptor.digest):
        data = store.blobs.read(descriptor.digest, imageconfig.SIZE_LIMIT)
    else:
        data = source.fetch(descriptor, manifest.CONFIG_SIZE_LIMIT)
    if len(data) != descriptor.size:
        raise Invalid("manifest", "config.size", f"it says {descriptor.size}, the config has {len(data)} bytes")
    config = imageconfig.parse(data)
    layers, diff_ids = chosen.image.layers, config.diff_ids
    if len(layers) != len(diff_ids):
        raise Invalid(
            "image", chosen.raw.digest, f"{len(layers)} layers in the manifest, {len(diff_ids)} in the config"
        )
    for diff_id in diff_ids:
        if diff_id.algorithm != "sha256":
            raise Unsupported(f"the diff id {diff_id} is not sha256, the only kind that the store holds")
    store.blobs.put(data)
    return config


def _compare_platform(config: ImageConfig, wanted: Platform, notice: Callable[[str], None]) -> None:
    made_for = config.platform
    if made_for.os and made_for.architecture and not platforms.fits(made_for, wanted):
        notice(f"image platform ({made_for}) does not match the expected platform ({wanted})")


def jobs(config: ImageConfig, blobs: Iterable[Descriptor]) -> tuple[LayerJob, ...]:
    """What has to be in the store for the image; a layer that it uses twice comes once."""
    found = {
        (diff_id, blob.digest): LayerJob(str(diff_id), blob, mediatypes.LAYER_COMPRESSION[blob.media_type])
        for diff_id, blob in zip(config.diff_ids, blobs, strict=True)
    }
    return tuple(found.values())
