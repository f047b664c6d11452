"""certs.d(5): the certificate authorities that a registry is verified by, and our certificates for it."""

from __future__ import annotations

import os

from argosy.config.locations import configuration_home
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_SYSTEM_DIRECTORIES = ("/etc/containers/certs.d", "/etc/docker/certs.d")


class Certificates(Value):
    """Paths of PEM files.  `client` holds pairs of certificate and key."""

    authorities: tuple[str, ...] = ()
    client: tuple[tuple[str, str], ...] = ()


def find(registry: str, environ: Mapping[str, str], *, cert_dir: str = "") -> Certificates:
    """The files for `registry` (host[:port]): those in `cert_dir` if given, else in the first certs.d that has any.

    Raises ArgosyError when a client certificate lacks its key, or the other way round.
    """
    if cert_dir:
        return _read(cert_dir, _names(cert_dir, required=True))
    own = os.path.join(configuration_home(environ), "containers/certs.d")
    for directory in (own, *_SYSTEM_DIRECTORIES):
        path = os.path.join(directory, registry)
        names = _names(path)
        if names:
            return _read(path, names)
    return Certificates()


def _names(path: str, *, required: bool = False) -> list[str]:
    """The names in a directory.  One of the usual places that is closed to us counts as empty, as for podman."""
    try:
        return sorted(os.listdir(path))
    except OSError as error:
        if required or not isinstance(error, (FileNotFoundError, NotADirectoryError, PermissionError)):
            raise ArgosyError(f"cannot read the certificate directory {path}", details=error.strerror or "") from error
        return []


def _read(directory: str, names: list[str]) -> Certificates:
    authorities = []
    client = []
    for name in names:
        stem, _, suffix = name.rpartition(".")
        path = os.path.join(directory, name)
        if suffix == "crt":
            authorities.append(path)
        elif suffix == "cert":
            if f"{stem}.key" not in names:
                raise ArgosyError(f"missing key {stem}.key for client certificate {name}", details=f"in {directory}")
            client.append((path, os.path.join(directory, f"{stem}.key")))
        elif suffix == "key" and f"{stem}.cert" not in names:
            raise ArgosyError(f"missing client certificate {stem}.cert for key {name}", details=f"in {directory}")
    return Certificates(tuple(authorities), tuple(client))
