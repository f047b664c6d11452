"""`delete`: an image at a registry, with all tags that mean it, or one in the store."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.cli.skopeo import _access
from argosy.errors import NotFound, Unsupported
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output
    from argosy.cli.skopeo._access import Access
    from argosy.images.places import Place


class DeleteFlags(Value):
    """How the image is reached."""

    operands: tuple[str, ...]
    authfile: str | None
    cert_dir: str | None
    creds: str | None
    daemon_host: str | None
    no_creds: bool
    password: str | None
    registry_token: str | None
    retry_times: int | None
    shared_blob_dir: str | None
    tls_verify: bool | None
    username: str | None


def run(flags: DeleteFlags, opener: Opener, _out: Output) -> int:
    """Delete it."""
    from argosy.images import places

    place = places.parse(flags.operands[0])
    if place.transport == "docker":
        _at_registry(_access.of(flags, opener), place)
    elif place.transport == "containers-storage" and not place.path:
        opener.open().images.delete(place.name)
    else:
        raise Unsupported(f"Deleting images not implemented for {place.transport}: images")
    return 0


def _at_registry(access: Access, place: Place) -> None:
    from argosy.oci import reference as references
    from argosy.registry.faults import Unknown

    named = references.parse(place.name)
    source = _access.open_docker(access, named)
    try:
        digest = source.manifest().digest
    except Unknown as error:
        why = "Image may not exist or is not stored with a v2 Schema in a v2 registry"
        raise NotFound("image", place.name, details=f"Unable to delete {named}. {why}") from error
    finally:
        source.close()
    destination = _access.open_docker_destination(access, named, ())
    try:
        destination.delete(digest)
    finally:
        destination.close()


COMMAND = Command(
    path="delete",
    summary="Delete image IMAGE-NAME",
    description=(
        "Deletes the manifest of an image at a registry (docker://), and with it all tags that mean it, where the "
        "registry allows that; or an image of the store (containers-storage:)."
    ),
    usage="IMAGE-NAME",
    options=DeleteFlags,
    run=run,
    min_operands=1,
    max_operands=1,
    flags=(_access.AUTHFILE, _access.RETRIES, *_access.place_flags()),
    examples=("skopeo delete docker://registry.example.com/app:1.0",),
)
