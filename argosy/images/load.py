"""Load: the images of an archive or a directory into the store, on disk when it returns."""

from __future__ import annotations

import os
import stat

from argosy.archive import compression
from argosy.archive.compression import Decompressor
from argosy.errors import ArgosyError, Invalid
from argosy.images import pull, trust
from argosy.images.naming import LOCALHOST
from argosy.images.progress import Progress
from argosy.images.publish import publish
from argosy.oci import platform as platforms
from argosy.oci import reference as references
from argosy.transports import directory as dir_transport
from argosy.transports import docker_archive, layout
from argosy.transports.archive import Members
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from argosy.images.archives import Archive
    from argosy.images.places import Opened, Place
    from argosy.images.trust import Admit, Origin
    from argosy.oci.platform import Platform
    from argosy.oci.reference import Reference
    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store
    from argosy.transports.layout import Files
    from argosy.transports.source import ImageSource

_HEAD_BYTES = 6


class Loaded(Value):
    """One image that was loaded, and the names that mean it now."""

    record: ImageRecord
    names: tuple[Reference, ...]


class _Found(Value):
    """One image of an archive, and where that is for the policy."""

    source: ImageSource
    names: tuple[Reference, ...]
    origin: Origin


def load_archive(
    store: Store,
    archive: Archive,
    progress: Progress,
    notice: Callable[[str], None],
    door: Callable[[Origin], Admit],
    home: str = LOCALHOST,
) -> tuple[Loaded, ...]:
    """All images of a docker-archive or oci-archive, compressed or not.

    `door` gives what judges an image by the policy; `home` is the registry of names that have none.  Raises BadArchive
    or Invalid for what is none, and as `pull.pull` for images that break a rule.
    """
    with store.work() as work:
        fd = _seekable(archive, f"{work.path}/archive")
        try:
            members = Members(fd, archive.name)
            images = _images(members, home)
            loaded = tuple(_take_in(store, found, archive.name, progress, notice, door) for found in images)
        finally:
            os.close(fd)
    store.events.write("image", "loadfromarchive", Name=archive.name)
    return loaded


def load_directory(
    store: Store,
    path: str,
    progress: Progress,
    notice: Callable[[str], None],
    door: Callable[[Origin], Admit],
    home: str = LOCALHOST,
) -> tuple[Loaded, ...]:
    """All images of an OCI layout in a directory, or the one of dir:, which has no name."""
    directory = layout.Directory(path)
    try:
        if directory.has(dir_transport.VERSION_FILE):
            source = dir_transport.DirectorySource(directory, _label(()))
            nameless = _Found(source, (), trust.at_path("dir", path))
            found = iter((nameless,))
        else:
            found = _layout_images(directory, "oci", home)
        loaded = tuple(_take_in(store, image, path, progress, notice, door) for image in found)
    finally:
        directory.close()
    store.events.write("image", "loadfromarchive", Name=path)
    return loaded


def load_place(
    store: Store,
    place: Place,
    opened: Opened,
    platform: Platform | None,
    progress: Progress,
    notice: Callable[[str], None],
    door: Callable[[Origin], Admit],
) -> Loaded:
    """The image at a place that is no registry, under the names that it has there; closes its source.

    `platform` is what is taken of an index, None the host's.
    """
    try:
        found = _Found(opened.source, opened.names, trust.of_place(place, opened.source))
        loaded = _take_in(store, found, str(place), progress, notice, door, platform)
    finally:
        opened.source.close()
    store.events.write("image", "pull", Name=str(place))
    return loaded


def _seekable(archive: Archive, spool: str) -> int:
    """A descriptor of the archive, uncompressed, as a regular file: `spool`, unless the archive is one itself."""
    head = archive.read_head(_HEAD_BYTES)
    kind = compression.detect(head)
    if kind == "none" and not archive.name.startswith(("http://", "https://")):
        plain = _own_file(archive.name)
        if plain >= 0:
            return plain
    decompressor = Decompressor(kind)
    fd = os.open(spool, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        chunk = head
        while chunk:
            for data in decompressor.write(chunk):
                _write(fd, data, archive.name)
            chunk = archive.read()
        decompressor.finish()
    except BaseException:
        os.close(fd)
        raise
    return fd


def _own_file(path: str) -> int:
    """A new descriptor of a regular file; -1 for anything else."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return -1
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    return -1


def _write(fd: int, data: bytes, name: str) -> None:
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(fd, rest) :]
    except OSError as error:
        hint = "make room with `argosy system prune`, or put the store on a larger file system with --root"
        raise ArgosyError(f"cannot unpack {name}: {error.strerror}", hint=hint) from error


def _images(members: Members, home: str) -> Iterator[_Found]:
    """As podman, docker's list is believed where an archive has both forms."""
    if docker_archive.MANIFEST_FILE in members:
        for image in docker_archive.listed(members):
            names = tuple(_reference(text, members.name, home) for text in image.names)
            origin = trust.at_path("docker-archive", members.name, str(names[0]) if names else "")
            yield _Found(docker_archive.DockerArchiveSource(members, image, _label(names)), names, origin)
    elif layout.LAYOUT_FILE in members:
        yield from _layout_images(members, "oci-archive", home)
    else:
        raise Invalid(
            "archive",
            members.name,
            "it is neither a docker-archive (manifest.json) nor an oci-archive (oci-layout)",
            hint="argosy import makes an image of the archive of a file system",
        )


def _layout_images(files: Files, transport: str, home: str) -> Iterator[_Found]:
    found = layout.stored(files)
    if not found:
        raise Invalid("OCI layout", files.name, "its index.json lists no image")
    for image in found:
        names = (_reference(image.name, files.name, home, str(image.descriptor.digest)),) if image.name else ()
        origin = trust.at_path(transport, files.name, image.name)
        yield _Found(layout.LayoutSource(files, image, _label(names)), names, origin)


def _reference(text: str, archive: str, home: str, digest: str = "") -> Reference:
    """The name as the peers store it: short ones are at `home`.  One by digest must be by `digest`, the image's own."""
    try:
        found = references.parse(text, default_registry=home)
    except Invalid as error:
        raise Invalid("archive", archive, f"an image in it has the name {text!r}: {error.why}") from error
    if found.digest and found.digest != digest:
        raise Invalid("archive", archive, f"an image in it has the name {text!r}, which is the digest of another")
    return found


def _label(names: tuple[Reference, ...]) -> Reference:
    return names[0] if names else references.parse("localhost/loaded")


def _take_in(
    store: Store,
    found: _Found,
    archive: str,
    progress: Progress,
    notice: Callable[[str], None],
    door: Callable[[Origin], Admit],
    platform: Platform | None = None,
) -> Loaded:
    label = str(found.names[0]) if found.names else f"an image of {archive}"
    with store.work() as work:
        store.unstable.begin()
        admit = door(found.origin)
        wanted = platform or platforms.host()
        arrived = pull.take_in(store, work, found.source, label, wanted, progress, notice, admit=admit)
        work.pin(arrived.manifest_digest)
        store.chains.ensure_fix(arrived.config.diff_ids)
        work.settle()
        record = publish(store, arrived, found.names, durable=True)
        progress.line("Storing signatures")
    return Loaded(record, found.names)
