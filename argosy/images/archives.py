"""Where an archive to import comes from: a file, standard input, or a URL (http, https).  Read once, to its end."""

from __future__ import annotations

import os
import stat
import time

from argosy.errors import ArgosyError, Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

CHUNK_BYTES = 1 << 20
_STANDARD_INPUT = "-"
_SCHEMES = ("http://", "https://")
_RESERVE_BYTES = 64 << 20


class Archive:
    """An open archive.  `size` is in bytes, None when nobody knows; `created_ns` is when it was last changed.

    `last_modified` is what the server says of that, an HTTP date, "" where it says nothing.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[], bytes],
        close: Callable[[], object],
        *,
        size: int | None,
        created_ns: int,
        last_modified: str = "",
    ) -> None:
        self.name = name
        self.size = size
        self.created_ns = created_ns
        self.last_modified = last_modified
        self.read = read
        self.close = close

    def read_head(self, count: int) -> bytes:
        """At least `count` bytes from the beginning, fewer only if there are no more."""
        head = b""
        while len(head) < count and (chunk := self.read()):
            head += chunk
        return head

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def is_url(text: str) -> bool:
    """Whether `text` is the URL of an archive."""
    return text.startswith(_SCHEMES)


def open_archive(
    text: str, store_root: str, environ: Mapping[str, str], secrets: Mapping[str, str] | None = None
) -> Archive:
    """The archive that `text` names: `-`, a URL, or a path.  Use it as a context.

    A download that would not fit into the file system of `store_root` ends with an error.  `secrets` are headers for
    the host of a URL alone, not for those that it redirects to.
    """
    if text == _STANDARD_INPUT:
        return _descriptor("standard input", 0)
    return _url(text, store_root, environ, secrets) if is_url(text) else _file(text)


def _file(path: str) -> Archive:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ArgosyError(f'error opening "{path}": open {path}: {reason}') from error
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        os.close(fd)
        raise Invalid("archive", path, "it is a directory", hint=f"tar -C {path} -c . | argosy import - NAME")
    return _descriptor(path, fd)


def _descriptor(name: str, fd: int) -> Archive:
    status = os.fstat(fd)
    plain = stat.S_ISREG(status.st_mode)
    return Archive(
        name,
        lambda: os.read(fd, CHUNK_BYTES),
        (lambda: os.close(fd)) if fd else (lambda: None),
        size=status.st_size if plain else None,
        created_ns=status.st_mtime_ns if plain and fd else time.time_ns(),
    )


def _url(url: str, store_root: str, environ: Mapping[str, str], secrets: Mapping[str, str] | None) -> Archive:
    from argosy.registry import faults, http, proxies, urls

    origin = urls.origin_of(url)
    connection = http.Connection(insecure=origin.scheme == "http", proxies=proxies.from_environ(environ))
    client = http.Http(str(origin), connection)
    try:
        answer = client.request(url, {"Accept": "*/*"}, secrets=secrets)
    except (faults.Unreachable, faults.Stalled) as error:
        client.close()
        raise ArgosyError(f"cannot download {url}: {error.details}") from error
    if answer.status != 200:
        answer.close()
        client.close()
        raise ArgosyError(f"cannot download {url}: {faults.status_text(answer.status)}")
    free = os.statvfs(store_root)
    limit = max(free.f_bavail * free.f_frsize - _RESERVE_BYTES, 0)
    length = answer.content_length()
    came = 0

    def too_large(size: int) -> ArgosyError:
        return ArgosyError(
            f"cannot download {url}: no space left for it",
            details=f"it has {'' if length else 'more than '}{size} bytes, the store takes {limit}",
            hint="make room with `argosy system prune`, or put the store on a larger file system with --root",
        )

    def read() -> bytes:
        nonlocal came
        chunk = answer.read1(CHUNK_BYTES)
        came += len(chunk)
        if came > limit:
            raise too_large(came)
        return chunk

    def close() -> None:
        answer.close()
        client.close()

    if length is not None and length > limit:
        close()
        raise too_large(length)
    last_modified = answer.header("Last-Modified")
    return Archive(url, read, close, size=length, created_ns=time.time_ns(), last_modified=last_modified)
