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
    from argosy.registry.daemon import Daemon
    from argosy.transports.archive import Members
    from argosy.transports.layout import Files
    from argosy.transports.source import ImageSource

TRANSPORTS = ("docker", "oci", "oci-archive", "docker-archive", "dir", "docker-daemon", "containers-storage")
_NEVER = ("ostree", "sif", "tarball", "atomic")


class Place(Value):
    """`path` is that of a directory or archive, `name` what is behind it, or the whole reference ("" for none).

    `index` is the position of an image in a layout or archive, None when its name or nothing says which one is meant.
    For containers-storage:, `path` is the specifier between the brackets.
    """

    transport: str
    path: str = ""
    name: str = ""
    index: int | None = None

    @property
    def reference(self) -> Reference | None:
        """The name that an image has there in full, where places of this kind give one."""
        named = self.transport in ("docker", "docker-daemon", "containers-storage") and self.name
        return references.parse(self.name) if named else None

    def __str__(self) -> str:
        if self.transport == "docker":
            return f"docker://{self.name}"
        if self.transport == "containers-storage" and self.path:
            return f"containers-storage:[{self.path}]{self.name}"
        position = "" if self.index is None else f"{'' if self.name else ':'}@{self.index}"
        return f"{self.transport}:{self.path}{':' if self.path and self.name else ''}{self.name}{position}"


class PlaceOptions(Value):
    """What flags say about a place.  `shared_blobs` is the directory of the blobs of several layouts.

    The daemon's address and certificates are for docker-daemon: alone; `tls_verify` None verifies.
    """

    shared_blobs: str = ""
    daemon_host: str = ""
    cert_dir: str = ""
    tls_verify: bool | None = None


class Openers(Value):
    """How the places that this module does not know by itself are opened, by their reference."""

    docker: Callable[[Reference], ImageSource]
    storage: Callable[[str], ImageSource]


class Opened(Value):
    """An image that is open, and the names that it has where it is (none in a directory)."""

    source: ImageSource
    names: tuple[Reference, ...] = ()


def is_place(text: str) -> bool:
    """Whether `text` begins with a transport."""
    transport, colon, _ = text.partition(":")
    return bool(colon) and transport in (*TRANSPORTS, *_NEVER)


def parse(text: str) -> Place:
    """The place that `text` names.  Raises Invalid or Unsupported, which say what part of it is wrong."""
    transport, colon, rest = text.partition(":")
    if not colon:
        raise Invalid("image name", text, "expected colon-separated transport:reference")
    if transport in _NEVER:
        raise Unsupported(f"{text}: argosy does not know the transport {transport}:")
    if transport not in TRANSPORTS:
        raise Invalid("image name", text, f'unknown transport "{transport}": choose {", ".join(TRANSPORTS)}')
    if transport == "docker":
        if not rest.startswith("//"):
            raise Invalid("image name", text, "docker: image reference does not start with //")
        return Place(transport, name=rest[2:])
    if transport == "containers-storage":
        return _stored_place(text, rest)
    if not rest:
        what = "the name" if transport == "docker-daemon" else "the path"
        raise Invalid("image name", text, f"{transport}: {what} is missing")
    if transport == "docker-daemon":
        from argosy.transports import docker_daemon

        return Place(transport, name=docker_daemon.parse(rest))
    if transport == "dir":
        return Place(transport, rest)
    return _indexed_place(text, transport, rest)


def _stored_place(text: str, rest: str) -> Place:
    if not rest.startswith("["):
        return Place("containers-storage", name=rest)
    specifier, bracket, name = rest[1:].partition("]")
    if not bracket:
        raise Invalid("image name", text, "containers-storage: the specifier has no closing bracket")
    if not name:
        raise Invalid("image name", text, "containers-storage: no image is named behind the specifier")
    return Place("containers-storage", specifier, name)


def _indexed_place(text: str, transport: str, rest: str) -> Place:
    """PATH[:NAME][@INDEX]; the index needs the colon, since a path may well have an @ in it."""
    path, _, name = rest.partition(":")
    if not path:
        raise Invalid("image name", text, f"{transport}: the path is missing")
    front, at, digits = name.rpartition("@")
    if not at:
        _check_ref(text, transport, name)
        return Place(transport, path, name)
    if transport == "docker-archive" and front:
        raise Invalid("image name", text, "docker-archive: a name and an index exclude each other")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 9):
        if not front:
            raise Invalid("image name", text, f"{transport}: the index {digits!r} is not a number")
        raise Invalid("image name", text, f"{transport}: the name has an @ in it, and no number follows")
    return Place(transport, path, front, int(digits))


def _check_ref(text: str, transport: str, name: str) -> None:
    """Raise Invalid for a name that an OCI layout cannot have (image-spec, annotations.md: ref.name)."""
    if transport == "docker-archive":
        return  # the grammar of references, which is checked where it is used
    for part in name.split("/") if name else ():
        plain = part.isascii() and part and part[0].isalnum() and part[-1].isalnum()
        if not plain or not all(char.isalnum() or char in "-._:@+" for char in part):
            why = f"{transport}: the name {name!r} is not made of letters and digits with - . _ : @ + / between them"
            raise Invalid("image name", text, why)


def open_source(place: Place, openers: Openers, options: PlaceOptions = PlaceOptions()) -> ImageSource:  # noqa: B008
    """The image at `place`.  What is open is let go of when the source is closed.  Raises ArgosyError."""
    return open_named(place, openers, options).source


def open_named(place: Place, openers: Openers, options: PlaceOptions = PlaceOptions()) -> Opened:  # noqa: B008 -- frozen
    """The same, and the names of the image there."""
    if place.transport == "dir":
        files = layout.Directory(place.path)
        return Opened(_Closing(directory.DirectorySource(files, _label(place)), files.close))
    if place.transport == "oci":
        return _open_layout(place, options)
    if place.transport in ("oci-archive", "docker-archive"):
        return _open_archive(place)
    source = _open_whole(place, openers, options)
    return Opened(source, (source.reference,))


def _open_whole(place: Place, openers: Openers, options: PlaceOptions) -> ImageSource:
    """An image of a place that has all names in full."""
    if place.transport == "docker":
        return openers.docker(references.parse(place.name))
    if place.transport == "docker-daemon":
        from argosy.transports.docker_daemon import DaemonSource

        return DaemonSource(daemon(options), place.name)
    if not place.path:
        return openers.storage(place.name)
    from argosy.transports import podman_storage

    return podman_storage.open_source(place.path, place.name)


def daemon(options: PlaceOptions) -> Daemon:
    """The docker daemon that the flags mean."""
    from argosy.registry.daemon import Daemon

    verify = options.tls_verify is not False
    return Daemon(options.daemon_host, cert_dir=options.cert_dir, tls_verify=verify)


def _open_layout(place: Place, options: PlaceOptions) -> Opened:
    opened = [layout.Directory(place.path)]
    try:
        if options.shared_blobs:
            opened.append(layout.Directory(options.shared_blobs))
        image = _choose(opened[0], place)
        source = layout.LayoutSource(opened[0], image, _label(place), opened[1] if options.shared_blobs else None)
    except BaseException:
        _close_all(opened)
        raise
    return Opened(_Closing(source, lambda: _close_all(opened)), _local(image.name))


def _local(*names: str) -> tuple[Reference, ...]:
    """Names of layouts and archives in full: short ones are local; what is none is left out."""
    found = []
    for name in names:
        try:
            found.append(references.parse(name, default_registry="localhost"))
        except Invalid:
            pass
    return tuple(found)


def _close_all(opened: list[layout.Directory]) -> None:
    for files in opened:
        files.close()


def _open_archive(place: Place) -> Opened:
    from argosy.transports.archive import Members

    try:
        fd = os.open(place.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise ArgosyError(f"open {place.path}: {str(error.strerror).lower()}") from error
    try:
        members = Members(fd, place.path)
        if place.transport == "oci-archive":
            image = _choose(members, place)
            names = _local(image.name)
            source: ImageSource = layout.LayoutSource(members, image, _label(place))
        else:
            listed = _listed(members, place)
            names = (references.parse(place.name),) if place.name else _local(*listed.names)
            source = docker_archive.DockerArchiveSource(members, listed, _label(place))
    except BaseException:
        os.close(fd)
        raise
    return Opened(_Closing(source, lambda: os.close(fd)), names)


def _choose(files: Files, place: Place) -> layout.Stored:
    """The image of a layout: the one with the name, at the position, or the only one."""
    images = layout.stored(files)
    if place.index is not None:
        images = images[place.index : place.index + 1] or _no_such_position(place, len(images))
    found = [image for image in images if not place.name or image.name == place.name]
    if len(found) != 1:
        names = ", ".join(image.name or "(no name)" for image in images)
        why = "no image has that name" if not found else "several images fit: name one, or its position as :@0"
        raise Invalid("image name", str(place), f"{why}; there are {names or 'none'}")
    return found[0]


def _no_such_position(place: Place, count: int) -> tuple[layout.Stored, ...]:
    raise Invalid("image name", str(place), f"there are {count} images, counted from @0")


def _listed(files: Members, place: Place) -> docker_archive.Listed:
    images = docker_archive.listed(files)
    if place.index is not None:
        if place.index >= len(images):
            _no_such_position(place, len(images))
        return images[place.index]
    wanted = str(references.parse(place.name)) if place.name else ""
    found = [image for image in images if not wanted or wanted in map(_full, image.names)]
    if len(found) != 1:
        why = "no image has that name" if not found else "several images fit: name one, or its position as :@0"
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
