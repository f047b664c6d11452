"""Signatures as files beside the registry: `BASE/REPOSITORY@sha256=HEX/signature-N`, in a directory or on a web server.

The base comes from registries.d.  The repository goes without its registry's name, as containers/image has it.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Unsupported
from argosy.linux import files, locks
from argosy.oci import digest as digests
from argosy.registry import proxies
from argosy.registry.http import Connection, Http
from argosy.signatures import blob

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_TOTAL_LIMIT = 32 << 20
_ABSENT = (403, 404, 410)


class Lookaside:
    """The signatures of one repository's images, under the URL `base`.

    A user name and password in the URL go to its own host alone, and into no message.
    """

    def __init__(self, base: str, repository: str, environ: Mapping[str, str]) -> None:
        scheme, separator, rest = base.partition("://")
        netloc, slash, path = rest.partition("/")
        account, _, self._host = netloc.rpartition("@")
        self._scheme = scheme.lower() if separator else ""
        self._directory = f"{slash}{path}".partition("?")[0].partition("#")[0].rstrip("/")
        self._secrets = {"Authorization": f"Basic {_base64(account)}"} if account else {}
        self.base = f"{self._scheme}://{self._host}{slash}{path}" if separator else base
        self._repository = repository
        self._environ = environ

    def read(self, digest: str) -> list[bytes]:
        """All signatures of the manifest with this digest.

        Raises Unsupported for a URL of another kind, ArgosyError for more or larger ones than signatures ever are.
        """
        if self._scheme == "file":
            return list(self._bounded(digest, self._read_file))
        if self._scheme not in ("http", "https"):
            raise self._unsupported("reading")
        insecure = self._scheme == "http"
        connection = Connection(insecure=insecure, proxies=proxies.from_environ(self._environ))
        http = Http(self._host, connection)
        try:
            return list(self._bounded(digest, lambda path: self._read_url(http, path)))
        finally:
            http.close()

    def _bounded(self, digest: str, read: Callable[[str], bytes | None]) -> Iterator[bytes]:
        total = 0
        for number in range(1, blob.COUNT_LIMIT + 2):
            data = read(self._path(digest, number))
            if data is None:
                return
            total += len(data)
            if number > blob.COUNT_LIMIT or total > _TOTAL_LIMIT:
                raise ArgosyError(
                    f"{self.base} has more signatures for {self._repository}@{digest} than can be",
                    details=f"at most {blob.COUNT_LIMIT}, of {_TOTAL_LIMIT >> 20} MiB together, are read",
                )
            yield data

    def add(self, digest: str, signature: bytes) -> None:
        """Add one to the signatures of the manifest; others who do the same lose nothing by it."""
        self.check_writable()
        with self._locked(digest):
            self._replace(digest, [*self.read(digest), signature])

    def write(self, digest: str, signatures: Sequence[bytes]) -> None:
        """Make these the signatures of the manifest."""
        self.check_writable()
        with self._locked(digest):
            self._replace(digest, signatures)

    def _locked(self, digest: str) -> locks.Lock:
        """Hold off whoever else writes signatures of the manifest, in whose directory they are."""
        path = os.path.dirname(self._file(self._path(digest, 1)))
        try:
            os.makedirs(path, 0o755, exist_ok=True)
            lock = locks.acquire(path)
        except OSError as error:
            raise self._unwritable(error) from error
        assert lock is not None
        return lock

    def _replace(self, digest: str, signatures: Sequence[bytes]) -> None:
        number = 0
        try:
            for number, data in enumerate(signatures, 1):
                path = self._file(self._path(digest, number))
                files.write_atomic(path, data, mode=0o644)
            while _unlinked(self._file(self._path(digest, number + 1))):
                number += 1
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> ArgosyError:
        return ArgosyError(
            f"cannot write signatures below {self.base}: {str(error.strerror).lower()}",
            hint="lookaside in registries.d says where signatures are kept",
        )

    def check_writable(self) -> None:
        """Raise Unsupported unless signatures can be written there."""
        if self._scheme in ("http", "https"):
            raise Unsupported(
                f"signatures cannot be written to {self.base}",
                hint="name a directory for them with lookaside-staging: file:///... in registries.d",
            )
        if self._scheme != "file":
            raise self._unsupported("writing")

    def _path(self, digest: str, number: int) -> str:
        parsed = digests.parse(digest)
        return f"{self._directory}/{self._repository}@{parsed.algorithm}={parsed.hex}/signature-{number}"

    def _file(self, path: str) -> str:
        return _unquoted(path)

    def _read_file(self, path: str) -> bytes | None:
        try:
            return files.read_regular(self._file(path), blob.SIZE_LIMIT)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise ArgosyError(f"cannot read the signature {path}: {str(error.strerror).lower()}") from error

    def _read_url(self, http: Http, path: str) -> bytes | None:
        url = f"{self._scheme}://{self._host}{path}"
        what = f"reading the signature {url}"
        with http.request(url, {}, secrets=self._secrets) as answer:
            if answer.status in _ABSENT:
                return None
            if answer.status != 200:
                raise ArgosyError(f"{what}: HTTP status {answer.status}")
            return answer.body(blob.SIZE_LIMIT, what)

    def _unsupported(self, work: str) -> Unsupported:
        return Unsupported(
            f"{work} signatures at {self.base}: the URL must begin with file:// (or http:// or https:// for reading)",
            hint="lookaside in registries.d says where signatures are kept",
        )


def _unquoted(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)


def _base64(account: str) -> str:
    from base64 import b64encode

    return b64encode(_unquoted(account).encode()).decode()


def _unlinked(path: str) -> bool:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True
