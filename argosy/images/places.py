"""Where an image is, as skopeo and containers-transports(5) write it (`TRANSPORT:REFERENCE`), opened as a source."""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Invalid, Unsupported
from argosy.oci import reference as references
from argosy.transports import directory, docker_archive, layout
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.oci.reference import Reference
    from argosy.transports.archive import Members
    from argosy.transports.layout import Files
    from argosy.transports.source import ImageSource

TRANSPORTS = ("docker", "oci", "oci-archive", "docker-archive", "dir", "containers-storage")
_LATER = ("docker-daemon", "ostree", "sif", "tarball", "atomic")


class Place(Value):
    """`path` is that of a directory or archive, `name` what is behind it, or the whole reference ("" for none)."""

    transport: str
    path: str = ""
    name: str = ""

    def __str__(self) -> str:
        return f"{self.transport}:{self.path}{':' if self.path and self.name else ''}{self.name}"


class Openers(Value):
    """How the places that this module does not know by itself are opened, by their reference."""

    docker: Callable[[Reference], ImageSource]
    storage: Callable[[str], ImageSource]


def parse(text: str) -> Place:
    """The place that `text` names.  Raises Invalid or Unsupported, which say what part of it is wrong."""
    transport, colon, rest = text.partition(":")
    if not colon:
        raise Invalid("image name", text, "expected colon-separated transport:reference")
    if transport in _LATER:
        raise Unsupported(f"{text}: argosy does not know the transport {transport}: yet")
    if transport not in TRANSPORTS:
        raise Invalid("image name", text, f'unknown transport "{transport}": choose {", ".join(TRANSPORTS)}')
    if transport == "docker":
        if not rest.startswith("//"):
            raise Invalid("image name", text, "docker: image reference does not start with //")
        return Place(transport, name=rest[2:])
    if transport == "containers-storage":
        if rest.startswith("["):
            raise Unsupported(f"{text}: argosy reads its own store only, without a [specifier]")
        return Place(transport, name=rest)
    if not rest:
        raise Invalid("image name", text, "the path is missing")
    if transport == "dir":
        return Place(transport, rest)
    path, _, name = rest.partition(":")
    return Place(transport, path, name)


def open_source(place: Place, openers: Openers) -> ImageSource:
    """The image at `place`.  What is open is let go of when the source is closed.  Raises ArgosyError."""
    if place.transport == "docker":
        return openers.docker(references.parse(place.name))
    if place.transport == "containers-storage":
        return openers.storage(place.name)
    if place.transport == "dir":
        files = layout.Directory(place.path)
        return _Closing(directory.DirectorySource(files, _label(place)), files.close)
    if place.transport == "oci":
        files = layout.Directory(place.path)
        return _Closing(layout.LayoutSource(files, _choose(files, place), _label(place)), files.close)
    return _open_archive(place)


def _open_archive(place: Place) -> ImageSource:
    from argosy.transports.archive import Members

    try:
        fd = os.open(place.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise ArgosyError(f"open {place.path}: {str(error.strerror).lower()}") from error
    try:
        members = Members(fd, place.path)
        if place.transport == "oci-archive":
            source: ImageSource = layout.LayoutSource(members, _choose(members, place), _label(place))
        else:
            source = docker_archive.DockerArchiveSource(members, _listed(members, place), _label(place))
    except BaseException:
        os.close(fd)
        raise
    return _Closing(source, lambda: os.close(fd))


def _choose(files: Files, place: Place) -> layout.Stored:
    """The image of a layout: the one with the name, or the only one."""
    images = layout.stored(files)
    found = [image for image in images if not place.name or image.name == place.name]
    if len(found) != 1:
        names = ", ".join(image.name or "(no name)" for image in images)
        why = "no image has that name" if not found else "several images fit: name one"
        raise Invalid("image name", str(place), f"{why}; there are {names or 'none'}")
    return found[0]


def _listed(files: Members, place: Place) -> docker_archive.Listed:
    images = docker_archive.listed(files)
    if place.name.startswith("@"):
        number = place.name[1:]
        if not (number.isascii() and number.isdecimal() and int(number) < len(images)):
            raise Invalid("image name", str(place), f"there are {len(images)} images, counted from @0")
        return images[int(number)]
    wanted = str(references.parse(place.name)) if place.name else ""
    found = [image for image in images if not wanted or wanted in map(_full, image.names)]
    if len(found) != 1:
        why = "no image has that name" if not found else "several images fit: name one"
        raise Invalid("image name", str(place), why)
    return found[0]


def _full(name: str) -> str:
    try:
        return str(references.parse(name))
    except Invalid:
        return name


def _label(place: Place) -> Reference:
    """A name for messages and lists: there is none but the place's."""
    try:
        return references.parse(place.name) if place.name else references.parse("localhost/image")
    except Invalid:
        return references.parse("localhost/image")


class _Closing:
    """A source that lets go of its files at the end."""

    def __init__(self, source: ImageSource, close: Callable[[], object]) -> None:
        self.reference = source.reference
        self.manifest = source.manifest
        self.read_blob = source.read_blob
        self.fetch = source.fetch
        self.tags = source.tags
        self._close: Callable[[], object] | None = close

    def close(self) -> None:
        close, self._close = self._close, None
        if close is not None:
            close()
