"""Sources in memory, and images put into a store through the real pull."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Self

from argosy.config.registries import Registries
from argosy.errors import ArgosyError
from argosy.images import pull
from argosy.images.progress import Progress
from argosy.oci import digest as digests
from argosy.oci import reference as references
from argosy.oci.descriptor import Descriptor
from argosy.oci.platform import Platform
from argosy.oci.reference import Reference
from argosy.storage.images import ImageRecord
from argosy.storage.store import Store
from argosy.transports.source import RawManifest
from tests.rig.registry import Image, image

CHUNK = 700


class MemoryBlob:
    """One blob as a stream of small chunks."""

    def __init__(self, data: bytes, offset: int) -> None:
        self.data = data
        self.offset = offset

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read():
            yield chunk

    def read(self, size: int = CHUNK) -> bytes:
        chunk = self.data[self.offset : self.offset + size]
        self.offset += len(chunk)
        return chunk

    def close(self) -> None:
        pass


class MemorySource:
    """An image source that serves an image from memory, and can be told to break off or to send something else."""

    def __init__(self, served: Image, name: str = "registry.test/image:latest") -> None:
        self.reference = references.parse(name)
        self.served = served
        self.asked: list[str] = []
        self.cut_after: dict[str, int] = {}
        self.instead: dict[str, bytes] = {}
        self.closed = False

    def manifest(self, digest: str | None = None) -> RawManifest:
        for one in (self.served, *self.served.children):
            if digest in (None, one.digest):
                return RawManifest(one.manifest, one.media_type, digests.of_bytes(one.manifest))
        raise ArgosyError(f"no manifest {digest}")

    def read_blob(self, descriptor: Descriptor, offset: int = 0) -> MemoryBlob:
        digest = str(descriptor.digest)
        self.asked.append(f"{digest}+{offset}" if offset else digest)
        data = self.instead.get(digest) or self._blobs()[digest]
        if digest in self.cut_after:
            return _Cut(data, offset, self.cut_after[digest])
        return MemoryBlob(data, offset)

    def fetch(self, descriptor: Descriptor, limit: int) -> bytes:
        data = self._blobs()[str(descriptor.digest)]
        assert len(data) <= limit
        return data

    def tags(self) -> list[str]:
        return ["latest"]

    def close(self) -> None:
        self.closed = True

    def _blobs(self) -> Mapping[str, bytes]:
        return {k: v for one in (self.served, *self.served.children) for k, v in one.blobs.items()}


class _Cut(MemoryBlob):
    """Breaks off after so many bytes."""

    def __init__(self, data: bytes, offset: int, cut_after: int) -> None:
        super().__init__(data, offset)
        self.cut_after = cut_after

    def read(self, size: int = CHUNK) -> bytes:
        if self.offset >= self.cut_after:
            raise ArgosyError("the connection broke")
        return super().read(min(size, self.cut_after - self.offset))


class Lines(Progress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def start(self, _key: str, _total: int, label: str) -> None:
        self.lines.append(label)

    def line(self, text: str) -> None:
        self.lines.append(text)


def bring(
    store: Store,
    source: MemorySource,
    *,
    name: str = "",
    platform: Platform | None = None,
    progress: Progress | None = None,
    notices: list[str] | None = None,
) -> ImageRecord:
    """Pull from `source` under `name`, its own one where empty."""
    reference = references.parse(name) if name else source.reference
    told = notices if notices is not None else []
    return pull.pull(store, source, reference, platform, progress or Progress(), told.append, admit=lambda _raw: ())


def add(store: Store, name: str, files: Mapping[str, bytes] | None = None, **fields: object) -> ImageRecord:
    """An image with one layer of `files`, made different from others by its name."""
    made = image([files or {"file": name.encode()}], **fields)  # type: ignore[arg-type]  # fields of the config
    return bring(store, MemorySource(made), name=name)


def registries(**fields: object) -> Registries:
    """A configuration without files."""
    return Registries(**fields)  # type: ignore[arg-type]  # fields of Registries


def no_registries() -> Registries:
    """No aliases and no search registries."""
    return Registries()


def parsed(name: str) -> Reference:
    return references.parse(name)
