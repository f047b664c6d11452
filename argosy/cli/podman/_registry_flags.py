"""The flags by which a registry is reached with repeated tries, and what they mean; those of artifacts."""

from __future__ import annotations

from argosy.cli.flags import Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from argosy.engine import Engine
    from argosy.transports.access import RegistryOptions

    class RegistryFlags(Protocol):
        """The fields that these flags fill."""

        @property
        def authfile(self) -> str | None: ...
        @property
        def cert_dir(self) -> str | None: ...
        @property
        def creds(self) -> str | None: ...
        @property
        def retry(self) -> int | None: ...
        @property
        def retry_delay(self) -> float | None: ...
        @property
        def tls_verify(self) -> bool | None: ...


FLAGS = (
    Flag("authfile", kind="string", help="Path of the authentication file"),
    Flag("cert-dir", kind="string", help="Pathname of a directory containing TLS certificates and keys"),
    Flag("creds", kind="string", help="Credentials (USERNAME:PASSWORD) to use for authenticating to a registry"),
    Flag("quiet", short="q", help="Suppress output information"),
    Flag("retry", kind="uint", help="Number of times to retry in case of failure"),
    Flag("retry-delay", kind="duration", help="Delay between retries in case of failures"),
    Flag("tls-verify", kind="optbool", help="Require HTTPS and verify certificates when contacting registries"),
)


def options(flags: RegistryFlags, engine: Engine) -> RegistryOptions:
    """How the registry is reached."""
    from argosy.registry import retry
    from argosy.transports.access import RegistryOptions

    return RegistryOptions(
        authfile=flags.authfile or "",
        creds=flags.creds or "",
        cert_dir=flags.cert_dir or "",
        tls_verify=flags.tls_verify,
        backoff=retry.backoff(
            engine.conf.retry if flags.retry is None else flags.retry,
            engine.conf.retry_delay_s if flags.retry_delay is None else flags.retry_delay,
        ),
    )
