"""The flags by which skopeo reaches a place, for one place or for a source and a destination; what they open."""

from __future__ import annotations

import os

from argosy.cli.flags import Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.main import Opener
    from argosy.cli.output import Output
    from argosy.config.registries import Registries
    from argosy.images.places import Place, PlaceOptions
    from argosy.oci.reference import Reference
    from argosy.transports.access import RegistryOptions
    from argosy.transports.docker import DockerDestination, DockerSource
    from argosy.transports.source import ImageSource

_TRANSFERS = 3  # skopeo goes on with a broken transfer whatever --retry-times says

AUTHFILE = Flag("authfile", kind="string", help="Path of the authentication file")
RETRIES = Flag("retry-times", kind="uint", help="The number of times to possibly retry")


class Access(Value):
    """How one place is reached: what the flags say, with or without `src-` or `dest-` before their names.

    `run` is the run directory of the store, which may not be there: it keeps parsed configuration and notes of uploads.
    """

    authfile: str | None = None
    cert_dir: str | None = None
    creds: str | None = None
    daemon_host: str | None = None
    no_creds: bool = False
    password: str | None = None
    registry_token: str | None = None
    retry_times: int | None = None
    shared_blob_dir: str | None = None
    tls_verify: bool | None = None
    username: str | None = None
    run: str = ""


_FIELDS = (
    *("authfile", "cert_dir", "creds", "daemon_host", "no_creds", "password", "registry_token", "retry_times"),
    *("shared_blob_dir", "tls_verify", "username"),
)


def registry_flags(prefix: str = "") -> tuple[Flag, ...]:
    """The flags of a registry; `prefix` is `src-`, `dest-` or nothing."""
    side = {"": "", "src-": " (source)", "dest-": " (destination)"}[prefix]
    return (
        Flag(
            f"{prefix}cert-dir",
            kind="string",
            help=f"Use certificates at PATH (*.crt, *.cert, *.key) to connect to the registry or daemon{side}",
        ),
        Flag(f"{prefix}creds", kind="string", help=f"Use USERNAME[:PASSWORD] for accessing the registry{side}"),
        Flag(f"{prefix}no-creds", help=f"Access the registry anonymously{side}"),
        Flag(f"{prefix}password", kind="string", help=f"Password for accessing the registry{side}"),
        Flag(f"{prefix}registry-token", kind="string", help=f"Bearer token for accessing the registry{side}"),
        Flag(f"{prefix}tls-verify", kind="optbool", help=f"Require HTTPS and verify certificates{side}"),
        Flag(f"{prefix}username", kind="string", help=f"Username for accessing the registry{side}"),
    )


def place_flags(prefix: str = "") -> tuple[Flag, ...]:
    """The flags of places of every kind."""
    side = {"": "", "src-": " (source)", "dest-": " (destination)"}[prefix]
    return (
        *registry_flags(prefix),
        Flag(f"{prefix}daemon-host", kind="string", help=f"Use docker daemon at HOST (docker-daemon: only){side}"),
        Flag(
            f"{prefix}shared-blob-dir", kind="string", help=f"DIRECTORY to use to share blobs across OCI layouts{side}"
        ),
    )


def side_authfile(prefix: str) -> Flag:
    """`--src-authfile` or `--dest-authfile`."""
    return Flag(f"{prefix}authfile", kind="string", help="Path of the authentication file, in place of --authfile's")


# What both sides had in one before each had its own; the newer flags come first.
TLS_VERIFY = Flag("tls-verify", kind="optbool", hidden=True, help="Require HTTPS and verify certificates of both sides")


def tell_deprecated(flags: Any, out: Output) -> None:
    """Say so where the flag of both sides was given (skopeo's words)."""
    if flags.tls_verify is not None:
        out.error("'--tls-verify' is deprecated, instead use: --src-tls-verify, --dest-tls-verify")


def of(flags: Any, opener: Opener, prefix: str = "") -> Access:
    """What `flags`, a command's options, say about one place."""
    values: dict[str, Any] = {"run": run_directory(opener)}
    for name in _FIELDS:
        value = getattr(flags, prefix + name, None)
        if value is None and name in ("authfile", "retry_times", "tls_verify"):
            value = getattr(flags, name, None)
        if value is not None:
            values[name] = value
    return Access(**values)


def registry_options(access: Access) -> RegistryOptions:
    """How to reach the registry.  Raises ArgosyError for flags that contradict each other."""
    from argosy.registry.retry import Backoff
    from argosy.transports.access import RegistryOptions

    creds = access.creds or ""
    if access.no_creds and (creds or access.username):
        raise ArgosyError("creds and no-creds cannot be specified at the same time")
    if access.username or access.password:
        if creds:
            raise ArgosyError("creds and username/password cannot be specified at the same time")
        if not access.username:
            raise ArgosyError("password cannot be specified without username")
        creds = f"{access.username}:{access.password or ''}"
    return RegistryOptions(
        authfile=access.authfile or "",
        creds=creds if not creds or ":" in creds else f"{creds}:",
        token=access.registry_token or "",
        anonymous=access.no_creds,
        cert_dir=access.cert_dir or "",
        tls_verify=access.tls_verify,
        backoff=Backoff(retries=access.retry_times or 0, transfers=_TRANSFERS),
    )


def place_options(access: Access) -> PlaceOptions:
    """The same for places that are no registries."""
    from argosy.images.places import PlaceOptions

    return PlaceOptions(
        shared_blobs=access.shared_blob_dir or "",
        daemon_host=access.daemon_host or "",
        cert_dir=access.cert_dir or "",
        tls_verify=access.tls_verify,
    )


def open_place(access: Access, place: Place, opener: Opener) -> ImageSource:
    """The image at a place.  The store is opened only for an image in it."""
    from argosy.images import places

    openers = places.Openers(
        docker=lambda reference: open_docker(access, reference),
        storage=lambda text: opener.open().images.open_source(text),
    )
    return places.open_source(place, openers, place_options(access))


def registries(run: str = "") -> Registries:
    """registries.conf, without opening a store; `run` is the run directory that keeps it parsed."""
    from argosy.config import registries as found
    from argosy.linux import userns

    return found.load(os.environ, rootless=userns.needed(), run=run)


def run_directory(opener: Opener) -> str:
    """The run directory of the store, whether or not there is one."""
    from argosy.config import locations
    from argosy.linux import userns

    settings = opener.settings
    places = locations.resolve(
        settings.get("root") or "",
        settings.get("runroot") or "",
        uid=userns.outer_uid(),
        rootless=userns.needed(),
        environ=os.environ,
    )
    return places.run


def open_docker(access: Access, reference: Reference) -> DockerSource:
    """An image at a registry."""
    from argosy.linux import userns
    from argosy.transports import docker

    return docker.open_source(
        reference,
        registries=registries(access.run),
        environ=os.environ,
        uid=userns.outer_uid(),
        options=registry_options(access),
        notice=notice,
    )


def open_docker_destination(access: Access, reference: Reference, mount_from: tuple[str, ...]) -> DockerDestination:
    """The repository to write to."""
    from argosy.linux import userns
    from argosy.transports import docker

    return docker.open_destination(
        reference,
        registries=registries(access.run),
        environ=os.environ,
        uid=userns.outer_uid(),
        options=registry_options(access),
        mount_from=mount_from,
        notice=notice,
        notes=f"{access.run}/uploads" if access.run else "",
    )


def notice(text: str) -> None:
    """Where repeated tries and waits are told."""
    from argosy.cli.output import Output

    Output("skopeo").notice(text)
