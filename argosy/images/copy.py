"""Copies an image, or all images of an index, from a source to a destination: blobs first, then documents.

Bytes stay as they are, and so do digests, unless another form was asked for or the destination can hold no other.  Of
an index whose images change only the changed fields do.
"""

from __future__ import annotations

import threading

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid, Unsupported
from argosy.images import convert, workers
from argosy.images.choose import check_entry, choose
from argosy.images.convert import Form
from argosy.images.progress import Progress
from argosy.oci import digest as digests
from argosy.oci import manifest as manifests
from argosy.oci import mediatypes
from argosy.oci.manifest import ImageManifest, Index
from argosy.oci.platform import Platform, host
from argosy.registry.client import RawManifest
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.images.guard import Guard
    from argosy.oci.descriptor import Descriptor
    from argosy.registry.streams import BlobStream
    from argosy.transports.destination import ImageDestination
    from argosy.transports.source import ImageSource

UPLOADS_AT_ONCE = 6
SYSTEM, ALL, INDEX_ONLY = "system", "all", "index-only"
_DEPTH_LIMIT = 4
_LISTS = {"oci": mediatypes.OCI_INDEX, "v2s2": mediatypes.DOCKER_LIST}


class CopyOptions(Value):
    """What is copied and how.  `images` says what of an index: SYSTEM (what fits `platform`), ALL, or INDEX_ONLY.

    `platform` None is the host's.  With `preserve` the documents stay as they are, whatever format or compression is
    wanted (as skopeo has it), and a copy whose digest would change all the same is an error.
    """

    images: str = SYSTEM
    form: Form = Form()
    preserve: bool = False
    platform: Platform | None = None
    at_once: int = UPLOADS_AT_ONCE


def copy(
    source: ImageSource,
    destination: ImageDestination,
    options: CopyOptions,
    directory: str,
    progress: Progress | None = None,
    *,
    guard: Guard,
) -> RawManifest:
    """Copy and commit; the manifest or index that the destination's name means now.

    `directory` takes blobs that are converted.  `guard` judges each image of the source before its blobs are fetched,
    and has the signatures.  Raises what the two sides and the guard raise, NoPlatform, Invalid for content that breaks
    a rule,
    Unsupported where the destination cannot hold what was asked for.
    """
    work = _Copy(source, destination, options, directory, progress or Progress(), guard)
    convert.check(work.form)
    return work.run()


class _Copy:
    """One copy on its way."""

    def __init__(
        self,
        source: ImageSource,
        destination: ImageDestination,
        options: CopyOptions,
        directory: str,
        progress: Progress,
        guard: Guard,
    ) -> None:
        self._source = source
        self._destination = destination
        self._options = options
        self._abilities = destination.abilities
        self.form = options.form.fitting(self._abilities)
        if options.preserve:
            self._abilities = self._abilities.replace(families=self._abilities.keeps)
            self.form = options.form.preserving()
        self._directory = directory
        self._progress = progress
        self._guard = guard
        self._copied: dict[
            tuple[digests.Digest, int, str], RawManifest
        ] = {}  # indexes may name one image a million times

    def run(self) -> RawManifest:
        """Copy what the source's name means."""
        self._progress.line("Getting image source signatures")
        raw = self._source.manifest()
        document = manifests.parse(raw.data, raw.media_type, artifact=True)
        raw = raw.replace(media_type=document.media_type)
        if isinstance(document, ImageManifest):
            made = self._image(raw, main=True)
        elif self._options.images == SYSTEM:
            name = str(self._source.reference)
            chosen = choose(self._source, name, self._options.platform or host(), any_kind=True)
            made = self._image(chosen.raw.replace(media_type=chosen.image.media_type), main=True)
        else:
            made = self._index(raw, document, 1, main=True)
        self._progress.line("Writing manifest to image destination")
        self._destination.commit()
        self._progress.line("Storing signatures")
        self._guard.finish()
        return made

    def _image(self, raw: RawManifest, *, main: bool) -> RawManifest:
        """Copy one image or artifact."""
        signatures = self._guard.admit(raw)
        abilities, name = self._abilities, self._destination.name
        image = manifests.parse(raw.data, raw.media_type, artifact=abilities.artifacts)
        assert isinstance(image, ImageManifest)
        source, made = convert.converted(self._source, raw, self.form, self._directory, abilities, name)
        try:
            self._preserve(raw, made)
            self._guard.seal(raw, made, signatures)
            changed = manifests.parse(made.data, made.media_type, artifact=True)
            assert isinstance(changed, ImageManifest)
            copy_blobs(source, changed, self._destination, self._progress, self._options.at_once)
            self._destination.put_manifest(made, main=main)
        finally:
            if isinstance(source, convert.ConvertedSource):
                source.discard()
        return made

    def _preserve(self, raw: RawManifest, made: RawManifest) -> None:
        if self._options.preserve and made.digest != raw.digest:
            raise ArgosyError(
                f"the digest of {raw.digest} would change on the way to {self._destination.name}",
                details="the destination, or a flag, wants the image in another form",
                hint="leave out --preserve-digests",
            )

    def _index(self, raw: RawManifest, index: Index, depth: int, *, main: bool) -> RawManifest:
        """Copy an index and, unless it alone is wanted, what it names."""
        abilities, name = self._abilities, self._destination.name
        if not abilities.indexes:
            raise Unsupported(f"{name} holds one image, not an index of several", hint="leave out --all")
        if depth > _DEPTH_LIMIT:
            raise Invalid("index", raw.digest, f"indexes within indexes, more than {_DEPTH_LIMIT} deep")
        own = convert.family_of(index.media_type)
        family = convert.family(own, self.form, abilities, name)
        changes: dict[str, RawManifest] = {}
        alone = self._options.images != ALL
        signatures = self._guard.admit(raw) if alone else self._guard.gather(raw)
        if not alone:
            for number, entry in enumerate(index.manifests):
                key = entry.digest, entry.size, entry.media_type
                if key not in self._copied:
                    self._progress.line(f"Copying image {entry.digest} ({number + 1}/{len(index.manifests)})")
                    self._copied[key] = self._entry(entry, depth)
                changes[entry.digest] = self._copied[key]
        made = rewritten(raw, changes, _LISTS[family] if family != own else index.media_type)
        self._preserve(raw, made)
        self._guard.seal(raw, made, signatures)
        self._progress.line("Writing manifest list to image destination")
        self._destination.put_manifest(made, main=main)
        return made

    def _entry(self, entry: Descriptor, depth: int) -> RawManifest:
        raw = self._source.manifest(entry.digest)
        check_entry(raw, entry)
        document = manifests.parse(raw.data, raw.media_type or entry.media_type, artifact=True)
        raw = raw.replace(media_type=document.media_type)
        if isinstance(document, Index):
            return self._index(raw, document, depth + 1, main=False)
        return self._image(raw, main=False)


def rewritten(raw: RawManifest, changes: dict[str, RawManifest], media_type: str) -> RawManifest:
    """The index with another media type and other entries in place of those in `changes`; itself if none differs."""
    changed = {old: new for old, new in changes.items() if old != new.digest}
    document = jsontext.decode(raw.data)
    if not changed and media_type == raw.media_type:
        return raw
    document["mediaType"] = media_type
    for entry in document["manifests"]:
        new = changed.get(entry["digest"])
        if new is not None:
            entry.update(mediaType=new.media_type, digest=str(new.digest), size=len(new.data))
    data = jsontext.encode(document)
    return RawManifest(data, media_type, digests.of_bytes(data))


def copy_blobs(
    source: ImageSource,
    image: ImageManifest,
    destination: ImageDestination,
    progress: Progress,
    at_once: int = UPLOADS_AT_ONCE,
) -> None:
    """The layers, then the config: a config that is there means that its layers are."""
    cancelled = threading.Event()

    def bring(descriptor: Descriptor) -> None:
        _bring(source, descriptor, destination, progress, cancelled)

    layers = list({layer.digest: layer for layer in image.layers}.values())
    if destination.abilities.foreign:
        layers = [layer for layer in layers if not (layer.urls and layer.media_type in mediatypes.FOREIGN)]
    workers.run(sorted(layers, key=lambda layer: layer.size), bring, at_once, cancelled)
    _bring(source, image.config, destination, progress, threading.Event())


def _bring(
    source: ImageSource,
    descriptor: Descriptor,
    destination: ImageDestination,
    progress: Progress,
    cancelled: threading.Event,
) -> None:
    kind = "config" if descriptor.media_type in mediatypes.CONFIGS else "blob"
    label = f"Copying {kind} {descriptor.digest}"
    if destination.has_blob(descriptor):
        progress.line(f"{label} skipped: already exists")
        return

    def advance(count: int) -> None:
        if cancelled.is_set():
            raise workers.Cancelled
        progress.advance(descriptor.digest, count)

    def open_blob(offset: int) -> BlobStream:
        return source.read_blob(descriptor, offset)

    progress.start(descriptor.digest, descriptor.size, label)
    destination.put_blob(descriptor, open_blob, advance)
    progress.finish(descriptor.digest, f"{label} done")
