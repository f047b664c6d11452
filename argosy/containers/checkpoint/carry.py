"""A checkpoint's directory (`bundle`) as an archive or an image, and what comes out of these again."""

from __future__ import annotations

import os

from argosy.archive import diff as archives
from argosy.archive.tarwriter import BLOCK
from argosy.containers import prepare
from argosy.containers import record as records
from argosy.containers.checkpoint import bundle, criu
from argosy.errors import ArgosyError, Invalid, NotFound
from argosy.images import extract
from argosy.linux import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.containers.checkpoint.dump import DumpOptions
    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.oci.reference import Reference
    from argosy.storage.images import ImageRecord

_ANNOTATION = "io.podman.annotations.checkpoint"
_RETRY = "make room with `argosy system prune`, and try again"


def send(site: Site, record: ContainerRecord, options: DumpOptions, scratch: str) -> None:
    """Write the archive, or make the image, of a checkpoint that is in its place; whole, or not at all."""
    plan = prepare.read_plan(site.run_directory(record.id))
    known = records.read_value(site.store, record.id, criu.FILE, criu.Checkpointed)
    assert known is not None
    name = records.current_name(site.store, record)
    runtime = plan.runtime.name if plan is not None else record.options.runtime
    directory = f"{scratch}/bundle"
    os.mkdir(directory, 0o700)
    try:
        bundle.write(site, bundle.Dumped(name, record, runtime, known), options, directory)
        if options.export:
            _write_archive(directory, options.export, options.compression)
        if options.image is not None:
            _make_image(site, record, directory, options.image, runtime)
    except OSError as error:
        what = f"cannot export the checkpoint of container {record.id[:12]}"
        raise ArgosyError(what, details=str(error), hint=_RETRY) from error


def _write_archive(directory: str, path: str, compression: str) -> None:
    """At `path` when it is whole and on disk."""
    write, finish = _compressed(compression)
    temporary = f"{os.path.abspath(path)}.{os.urandom(4).hex()}~"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        archives.write_archive(directory, lambda data: files.write_all(fd, write(data)), layer=False)
        files.write_all(fd, finish())
        os.fsync(fd)
        os.rename(temporary, os.path.abspath(path))
    except BaseException:
        files.unlink_missing(temporary)
        raise
    finally:
        os.close(fd)


def _compressed(kind: str) -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    if kind == "none":
        return (lambda data: data), (lambda: b"")
    from argosy.images import relayer

    compressor = relayer.compressor(kind)
    return compressor.compress, compressor.flush


def _make_image(site: Site, record: ContainerRecord, directory: str, name: Reference, runtime: str) -> None:
    """An image of one layer that is the directory, with podman's annotations."""
    import time

    from argosy.images import assemble, timestamps
    from argosy.oci import digest as digests
    from argosy.oci import platform
    from argosy.oci.imageconfig import ImageConfig
    from argosy.storage import built
    from argosy.storage.images import LayerRef
    from argosy.version import VERSION

    host = os.uname()
    annotations = {
        "name": records.current_name(site.store, record),
        "rawImageName": record.options.image,
        "rootfsImageID": record.image.id.partition(":")[2],
        "rootfsImageName": record.image.name,
        "podman.version": VERSION,
        "runtime.name": runtime,
        "host.arch": platform.host().architecture,
        "host.kernel": host.release,
    }
    with site.store.work() as work:
        site.store.unstable.begin()
        place = f"{work.path}/checkpoint"
        os.rename(directory, place)
        meta = built.commit(site.store, work, place)
        layer = LayerRef(meta.diff_id, "", meta.size_bytes, assemble.TYPES["oci"][2])
        config = ImageConfig(
            os="linux",
            architecture=platform.host().architecture,
            created=timestamps.show(time.time_ns()),
            diff_ids=(digests.parse(meta.diff_id),),
        )
        named = {f"{_ANNOTATION}.{key}": value for key, value in annotations.items() if value}
        assemble.assemble(site.store, work, config, (layer,), "oci", (name,), named)


def receive(site: Site, path: str, directory: str) -> None:
    """Unpack an archive into the empty directory, by a process of its own which lets nothing out of it."""
    from argosy.images.archives import open_archive

    try:
        os.stat(path)
    except OSError as error:
        reason = str(error.strerror).lower()
        raise ArgosyError(f"failed to open checkpoint archive {path} for import: open {path}: {reason}") from error
    with open_archive(os.path.abspath(path), site.store.root, os.environ) as archive:
        head = archive.read_head(BLOCK)
        if not extract.is_archive(head):
            raise Invalid("checkpoint archive", path, "it is no tar archive")
        extract.extract(site.store, directory, head, archive.read, path)


def layer_of(site: Site, image: ImageRecord) -> str:
    """The directory of an image that is a checkpoint.  Raises NotFound for any other image."""
    from argosy.oci import manifest

    raw = site.store.blobs.read(image.manifest_digest, manifest.SIZE_LIMIT)
    found = manifest.parse(raw, image.media_type)
    if f"{_ANNOTATION}.name" not in found.annotations or len(image.layers) != 1:
        raise NotFound("checkpoint", image.config_digest)
    return site.store.layers.path(image.layers[0].diff_id)
