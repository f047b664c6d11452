"""Places that images are copied to, opened as destinations; all but the store, which `images.pull` writes to."""

from __future__ import annotations

from argosy.errors import Invalid, Unsupported
from argosy.images import places
from argosy.oci import reference as references
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.images.places import Place, PlaceOptions
    from argosy.oci.reference import Reference
    from argosy.transports.destination import ImageDestination

    OpenDocker = Callable[[Reference], ImageDestination]


class TargetOptions(Value):
    """What flags say about a destination.  `names` are further ones for the image in a docker-archive.

    `uncompressed` leaves layers without compression so in an OCI layout.
    """

    place: PlaceOptions
    names: tuple[str, ...] = ()
    uncompressed: bool = False


def check(place: Place, names: tuple[str, ...] = ()) -> None:
    """Raise ArgosyError for a place that no image can be written to, or not under these further names."""
    if place.index is not None:
        raise Invalid("destination", str(place), f"{place.transport}: an image is written under a name, not an index")
    if names and place.transport != "docker-archive":
        raise Unsupported(f"only docker-archive: takes --additional-tag, not {place.transport}:")


def open_destination(place: Place, docker: OpenDocker, options: TargetOptions) -> ImageDestination:
    """The place to write to.  Raises ArgosyError when it cannot be one; nothing is there or sent yet."""
    check(place, options.names)
    if place.transport == "docker":
        return docker(references.parse(place.name))
    if place.transport == "dir":
        from argosy.transports.directory_destination import DirectoryDestination

        return DirectoryDestination(place.path)
    if place.transport == "oci":
        from argosy.transports.layout_destination import LayoutDestination

        return LayoutDestination(
            place.path, place.name, uncompressed=options.uncompressed, shared_blobs=options.place.shared_blobs
        )
    if place.transport == "docker-daemon":
        from argosy.transports.docker_daemon import DaemonDestination

        return DaemonDestination(places.daemon(options.place), place.name)
    return _archive(place, options)


def _archive(place: Place, options: TargetOptions) -> ImageDestination:
    import os

    from argosy.transports.archive_file import ArchiveFile

    if place.transport == "oci-archive":
        from argosy.transports.layout_destination import OciArchiveDestination

        return OciArchiveDestination(ArchiveFile(place.path), place.name)
    from argosy.transports.docker_archive_destination import DockerArchiveDestination

    names = tuple(_archive_name(text) for text in (place.name, *options.names) if text)
    if os.path.isfile(place.path) and os.path.getsize(place.path):
        raise Unsupported(f"{place}: docker-archive doesn't support modifying existing images")
    return DockerArchiveDestination(ArchiveFile(place.path), names)


def _archive_name(text: str) -> Reference:
    name = references.parse(text)
    if not name.tag or name.digest:
        raise Invalid("docker-archive reference", text, "a name in an archive has a tag and no digest")
    return name
