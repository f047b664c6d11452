"""Import: a tar archive of a file system (a file, a URL, standard input) becomes an image of one layer.

The archive as it came is kept as the layer's blob.  It is the only source of these bytes: no writer of ours makes them
again from the tree, so a push could not name a true digest without it.  What registries take as it is (uncompressed,
gzip, zstd) is kept as it is, under the digest of those very bytes; what they do not take (xz, bzip2) is kept
uncompressed, and like all local images the manifest then names the uncompressed digest, the diff id.  The other way,
to write the archive anew in our canonical form, would read the whole tree back and give another diff id than podman's.

The same archive with the same changes gives the same image id as podman's: the config says when the *file* was last
changed.  All is stable on disk before the image is visible.
"""

from __future__ import annotations

import os

from argosy.archive import compression
from argosy.errors import ArgosyError, Invalid
from argosy.images import changes, timestamps
from argosy.images.progress import Progress
from argosy.images.publish import Arrived, publish
from argosy.images.unpack import Applier, Unpacked, Unpacker
from argosy.oci import digest as digests
from argosy.oci import mediatypes, platform
from argosy.oci.descriptor import Descriptor
from argosy.oci.imageconfig import ContainerConfig, History, ImageConfig
from argosy.oci.manifest import ImageManifest
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from argosy.images.archives import Archive
    from argosy.oci.reference import Reference
    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store
    from argosy.storage.work import Work

_MESSAGE = "imported from tarball"
_KEPT_AS_IS = {"none": mediatypes.OCI_LAYER, "gzip": mediatypes.OCI_LAYER_GZIP, "zstd": mediatypes.OCI_LAYER_ZSTD}
_HEAD_BYTES = 6
_ROOT_MODE = 0o755


class ImportOptions(Value):
    """What the image says about itself.  `os`, `architecture` and `variant` are the host's where empty."""

    changes: tuple[str, ...] = ()
    message: str = ""
    os: str = ""
    architecture: str = ""
    variant: str = ""


class _Blob:
    """The layer's blob while it is written to the work's directory."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.size = 0
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def write(self, data: bytes) -> None:
        """Append."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            raise ArgosyError(
                f"cannot store the archive: {error.strerror}",
                hint="make room with `argosy system prune`, or put the store on a larger file system with --root",
            ) from error
        self.size += len(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self._fd)


def import_archive(
    store: Store,
    archive: Archive,
    name: Reference | None,
    options: ImportOptions,
    progress: Progress | None = None,
    *,
    admit: Callable[[str], None],
) -> ImageRecord:
    """Make an image of `archive`, under `name` if there is one.  On disk when it returns.

    `admit` judges the archive, by its name, by the policy.  Raises what that raises, BadArchive for what is no tar
    archive or breaks a rule, BadChange for a wrong change.
    """
    config = changes.apply(ContainerConfig(), options.changes)
    progress = progress or Progress()
    admit(archive.name)
    with store.work() as work:
        store.unstable.begin()
        progress.line("Getting image source signatures")
        descriptor, unpacked = _take_in(store, work, archive, progress)
        work.pin(unpacked.diff_id, descriptor.digest)
        _keep_layer(store, work, unpacked)
        store.blobs.adopt(descriptor.digest, _blob_path(work))
        image = _image_config(config, unpacked.diff_id, archive.created_ns, options)
        arrived = _documents(store, work, image, descriptor)
        progress.line(f"Copying config {arrived.image.config.digest}")
        progress.line("Writing manifest to image destination")
        store.chains.ensure_fix(image.diff_ids)
        work.settle()
        record = publish(store, arrived, (name,) if name else (), durable=True)
        progress.line("Storing signatures")
        if name:
            store.events.write("image", "tag", ID=record.config_digest.partition(":")[2], Name=str(name))
        return record


def _blob_path(work: Work) -> str:
    return f"{work.path}/blob"


def _tree_path(work: Work) -> str:
    return f"{work.path}/diff"


def _take_in(store: Store, work: Work, archive: Archive, progress: Progress) -> tuple[Descriptor, Unpacked]:
    """Read the archive to its end, into a blob and a tree in the work's directory."""
    head = archive.read_head(_HEAD_BYTES)
    if not head:
        raise Invalid("archive", archive.name, "it is empty")
    kind = compression.detect(head)
    os.mkdir(_tree_path(work))
    os.chmod(_tree_path(work), _ROOT_MODE)
    as_it_is = kind in _KEPT_AS_IS
    hasher = digests.hasher()
    progress.start(archive.name, archive.size or 0, f"Reading {archive.name}")
    with _Blob(_blob_path(work)) as blob:
        tee = None if as_it_is else blob.write
        with Unpacker(kind, Applier(store, _tree_path(work), marker_required=True), tee) as unpacker:
            chunk = head
            while chunk:
                if as_it_is:
                    blob.write(chunk)
                    if kind != "none":
                        hasher.update(chunk)
                unpacker.put(chunk)
                progress.advance(archive.name, len(chunk))
                chunk = archive.read()
            unpacked = unpacker.finish()
    compressed = as_it_is and kind != "none"
    digest = digests.parse("sha256:" + hasher.hexdigest() if compressed else unpacked.diff_id)
    progress.finish(archive.name, f"Reading {archive.name} done")
    progress.line(f"Copying blob {unpacked.diff_id}")
    return Descriptor(_KEPT_AS_IS.get(kind, mediatypes.OCI_LAYER), digest, blob.size), unpacked


def _keep_layer(store: Store, work: Work, unpacked: Unpacked) -> None:
    """Put the tree into the store, unless the same layer is there."""
    with store.layers.stage(unpacked.diff_id) as staged:
        if staged.present:
            return
        os.rmdir(staged.path)
        os.rename(_tree_path(work), staged.path)
        store.layers.commit(staged, unpacked.meta())


def _image_config(config: ContainerConfig, diff_id: str, created_ns: int, options: ImportOptions) -> ImageConfig:
    host = platform.host()
    made_for = platform.normalized(
        platform.Platform(options.os or host.os, options.architecture or host.architecture, options.variant)
    )
    created = timestamps.show(created_ns)
    done = f"/bin/sh -c #(nop) ADD file:{diff_id.partition(':')[2]} in /"
    return ImageConfig(
        os=made_for.os,
        architecture=made_for.architecture,
        variant=options.variant,
        created=created,
        config=config,
        diff_ids=(digests.parse(diff_id),),
        history=(History(created=created, created_by=done, comment=options.message or _MESSAGE),),
    )


def _documents(store: Store, work: Work, config: ImageConfig, layer: Descriptor) -> Arrived:
    """Put config and manifest into the store."""
    data = config.to_bytes()
    described = Descriptor(mediatypes.OCI_CONFIG, digests.of_bytes(data), len(data))
    image = ImageManifest(mediatypes.OCI_MANIFEST, described, (layer,))
    manifest = image.to_bytes()
    digest = digests.of_bytes(manifest)
    work.pin(described.digest, digest)
    store.blobs.put(data)
    store.blobs.put(manifest)
    return Arrived(manifest_digest=str(digest), manifest_size=len(manifest), image=image, config=config)
