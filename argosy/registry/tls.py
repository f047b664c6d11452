"""What a connection to a registry trusts, and how it shows who we are."""

from __future__ import annotations

import ssl

from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.registry.http import Connection


def context(connection: Connection, *, client: bool) -> ssl.SSLContext:
    """The system's authorities and the registry's own; our certificates when `client`.

    Where nothing is verified the authorities are not read either, which takes longer than most requests.
    """
    if connection.insecure:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    else:
        made = ssl.create_default_context()
    for path in connection.certificates.authorities:
        try:
            made.load_verify_locations(cafile=path)
        except OSError as error:  # ssl.SSLError is one
            raise ArgosyError(f"cannot use the certificate authority {path}", details=_reason(error)) from error
    for certificate, key in connection.certificates.client if client else ():
        try:
            made.load_cert_chain(certificate, key, password="")
        except OSError as error:
            raise ArgosyError(f"cannot use the client certificate {certificate}", details=_reason(error)) from error
    return made


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "not a PEM file").replace("_", " ").lower()
    return error.strerror or str(error)
