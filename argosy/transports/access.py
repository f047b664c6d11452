"""How registries are reached: what the command line says of it.

By itself, since whoever only hands it on need not load what speaks HTTP.
"""

from __future__ import annotations

from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.registry.retry import Backoff


class RegistryOptions(Value):
    """What the command line says.  `tls_verify` None leaves it to registries.conf; `creds` is USER:PASSWORD.

    `token` is sent as it is, in place of logging in.
    `backoff` says how often and after how long to try again; None: as usual.
    """

    authfile: str = ""
    creds: str = ""
    token: str = ""
    anonymous: bool = False  # use no credentials, whatever is stored
    cert_dir: str = ""
    tls_verify: bool | None = None
    public: bool = False  # use no private addresses
    timeout_s: float = 30.0
    backoff: Backoff | None = None

    def __repr__(self) -> str:
        """Without the secrets: values end up in tracebacks and debug lines."""
        return f"RegistryOptions(authfile={self.authfile!r}, cert_dir={self.cert_dir!r})"
