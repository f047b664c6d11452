"""Artifacts made of files of this host."""

from __future__ import annotations

import os
import stat
import time

from argosy.errors import ArgosyError, Exists, Invalid, NotFound
from argosy.images import timestamps
from argosy.images.artifacts import CREATED, TITLE, Artifacts
from argosy.oci import digest as digests
from argosy.oci import mediatypes
from argosy.oci.descriptor import Descriptor
from argosy.oci.manifest import LAYER_LIMIT, ImageManifest
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.storage.store import Store
    from argosy.storage.work import Work

_EMPTY_CONFIG = b"{}"
# What an artifact is when nobody says: the specification wants a type where the config has none.
_UNKNOWN_TYPE = "application/vnd.unknown.artifact.v1"
_HEAD_BYTES = 512
_BLOCK = 1 << 20
_SIGNATURES = {
    b"\x1f\x8b": "application/x-gzip",
    b"PK\x03\x04": "application/zip",
    b"%PDF-": "application/pdf",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"\x28\xb5\x2f\xfd": "application/zstd",
    b"BZh": "application/x-bzip2",
    b"\xfd7zXZ\0": "application/x-xz",
}
_TEXT = "text/plain"
_BINARY = "application/octet-stream"


class AddOptions(Value):
    """What an artifact is made with.  `type` is the artifact's, `file_type` that of its files ("": looked for).

    `annotations` are for each file.  `append` adds to an artifact that is there, `take_over` takes its name away.
    `subject` is the manifest that the artifact is about.
    """

    type: str = ""
    file_type: str = ""
    annotations: dict[str, str] = {}  # noqa: RUF012 -- a field's default, never changed
    append: bool = False
    take_over: bool = False
    subject: Descriptor | None = None


def add(store: Store, name: str, paths: tuple[str, ...], options: AddOptions) -> str:
    """Make the artifact and give its digest.  Raises Exists for a name that is taken, or two files of one title."""
    _check(options)
    artifacts = Artifacts(store)
    with store.work() as work:
        store.unstable.begin()
        old = _old(artifacts, name, append=options.append, replace=options.take_over)
        if old is not None:
            work.pin(*(layer.digest for layer in old.layers))
        layers = list(old.layers) if old is not None else []
        titles = {layer.annotations.get(TITLE) for layer in layers}
        for path in paths:
            title = os.path.basename(path)
            if title in titles:
                raise Exists("file", title, hint="each file of an artifact has a name of its own")
            titles.add(title)
            layers.append(_keep_file(store, work, path, title, options))
        if len(layers) > LAYER_LIMIT:
            raise Invalid("artifact", name, f"{len(layers)} files are more than the {LAYER_LIMIT} that it may have")
        config = digests.of_bytes(_EMPTY_CONFIG)
        manifest = (old or _new(options)).replace(layers=tuple(layers))
        data = manifest.to_bytes()
        work.pin(config, digests.of_bytes(data))
        store.blobs.put(_EMPTY_CONFIG)
        digest = store.blobs.put(data)
        work.settle()
        artifacts.put(digest, manifest.media_type, name, replace=options.append or options.take_over)
    return digest


def _check(options: AddOptions) -> None:
    if options.append and options.type:
        raise ArgosyError("append option is not compatible with type option")
    if options.append and options.take_over:
        raise ArgosyError("--append and --replace exclude each other")
    for kind in (options.type, options.file_type):
        if kind and not mediatypes.is_media_type(mediatypes.bare(kind)):
            raise Invalid("media type", kind, "it is written TYPE/SUBTYPE")
    if TITLE in options.annotations:
        raise ArgosyError(f"cannot override filename with {TITLE} annotation")


def _old(artifacts: Artifacts, name: str, *, append: bool, replace: bool) -> ImageManifest | None:
    """The manifest to add to; None for a new artifact."""
    try:
        found = artifacts.find(name)
    except NotFound:
        if append:
            raise
        return None
    if append:
        return found.manifest
    if found.name == name and not replace:
        raise Exists("artifact", name, hint="see --replace and --append")
    return None


def _new(options: AddOptions) -> ImageManifest:
    config = Descriptor(mediatypes.OCI_EMPTY, digests.of_bytes(_EMPTY_CONFIG), len(_EMPTY_CONFIG))
    return ImageManifest(
        mediatypes.OCI_MANIFEST,
        config,
        (),
        annotations={CREATED: timestamps.show(time.time_ns())},
        artifact_type=options.type or _UNKNOWN_TYPE,
        subject=options.subject,
    )


def _keep_file(store: Store, work: Work, path: str, title: str, options: AddOptions) -> Descriptor:
    """The file as a blob of the store."""
    copy = f"{work.path}/file"
    try:
        source = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(source).st_mode):
                raise Invalid("file", path, "it is not a regular file")
            digest, size, head = _copied(source, copy)
        finally:
            os.close(source)
    except OSError as error:
        raise ArgosyError(f"cannot read {path}: {str(error.strerror).lower()}") from error
    work.pin(digest)
    if store.blobs.has(digest):
        os.unlink(copy)
    else:
        store.blobs.adopt(digest, copy)
    kind = options.file_type or detect(head)
    return Descriptor(kind, digest, size, annotations={**options.annotations, TITLE: title})


def _copied(source: int, path: str) -> tuple[digests.Digest, int, bytes]:
    """Digest, size and beginning of what was copied."""
    hasher = digests.hasher()
    size, head = 0, b""
    with open(path, "xb", buffering=0) as file:
        while block := os.read(source, _BLOCK):
            head = head or block[:_HEAD_BYTES]
            hasher.update(block)
            size += len(block)
            rest = memoryview(block)
            while rest:
                rest = rest[file.write(rest) :]
    return digests.parse(f"sha256:{hasher.hexdigest()}"), size, head


def detect(head: bytes) -> str:
    """The media type of a file that begins so: of the usual archives and pictures, text, or just bytes."""
    for signature, kind in _SIGNATURES.items():
        if head.startswith(signature):
            return kind
    if head[257:262] == b"ustar":
        return "application/x-tar"
    control = {byte for byte in head if byte < 0x20} - {0x09, 0x0A, 0x0C, 0x0D, 0x1B}
    return _BINARY if control else _TEXT
