"""The flags by which skopeo reaches a registry, and the sources that they open."""

from __future__ import annotations

import os

from argosy.cli.flags import Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.oci.reference import Reference
    from argosy.transports.docker import RegistryOptions
    from argosy.transports.source import ImageSource

FLAGS = (
    Flag("authfile", kind="string", help="Path of the authentication file"),
    Flag("cert-dir", kind="string", help="Use certificates at PATH (*.crt, *.cert, *.key) to connect to the registry"),
    Flag("creds", kind="string", help="Use USERNAME:PASSWORD for accessing the registry"),
    Flag("no-creds", help="Access the registry anonymously"),
    Flag("password", kind="string", help="Password for accessing the registry"),
    Flag("retry-times", kind="uint", help="The number of times to possibly retry"),
    Flag("tls-verify", kind="optbool", help="Require HTTPS and verify certificates when talking to the registry"),
    Flag("username", kind="string", help="Username for accessing the registry"),
)


class SourceFlags(Value):
    """What they were given as."""

    operands: tuple[str, ...]
    authfile: str | None
    cert_dir: str | None
    creds: str | None
    no_creds: bool
    password: str | None
    retry_times: int | None
    tls_verify: bool | None
    username: str | None


def open_place(flags: SourceFlags, opener: Opener) -> ImageSource:
    """The image that the first operand names.  The store is opened only for an image in it."""
    from argosy.images import places, resolve
    from argosy.transports.storage import StorageSource

    def storage(text: str) -> ImageSource:
        engine = opener.open()
        found = resolve.resolve(engine.store, engine.load_registries, text)
        if found.name is None:
            from argosy.oci import reference

            return StorageSource(
                engine.store, found.record, reference.parse(f"localhost/{found.record.config_digest[7:19]}")
            )
        return StorageSource(engine.store, found.record, found.name)

    openers = places.Openers(docker=lambda reference: open_docker(flags, reference), storage=storage)
    return places.open_source(places.parse(flags.operands[0]), openers)


def open_docker(flags: SourceFlags, reference: Reference) -> ImageSource:
    """An image at a registry."""
    from argosy.config import registries
    from argosy.linux import userns
    from argosy.transports import docker

    return docker.open_source(
        reference,
        registries=registries.load(os.environ, rootless=userns.needed()),
        environ=os.environ,
        uid=userns.outer_uid(),
        options=registry_options(flags),
    )


def registry_options(flags: SourceFlags) -> RegistryOptions:
    """How to reach the registry.  Raises ArgosyError for flags that contradict each other."""
    from argosy.registry.retry import Backoff
    from argosy.transports.docker import RegistryOptions

    creds = flags.creds or ""
    if flags.no_creds and (creds or flags.username):
        raise ArgosyError("creds and no-creds cannot be specified at the same time")
    if flags.username or flags.password:
        if creds:
            raise ArgosyError("creds and username/password cannot be specified at the same time")
        if not flags.username:
            raise ArgosyError("password cannot be specified without username")
        creds = f"{flags.username}:{flags.password or ''}"
    return RegistryOptions(
        authfile=flags.authfile or "",
        creds=creds,
        anonymous=flags.no_creds,
        cert_dir=flags.cert_dir or "",
        tls_verify=flags.tls_verify,
        backoff=Backoff(retries=flags.retry_times or 0),
    )
