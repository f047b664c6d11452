"""`list-tags`: the tags of a repository, or the names in a docker-archive."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.cli.skopeo import _access
from argosy.errors import Invalid, Unsupported
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class ListTagsFlags(Value):
    """How to reach the repository."""

    operands: tuple[str, ...]
    authfile: str | None
    cert_dir: str | None
    creds: str | None
    no_creds: bool
    password: str | None
    registry_token: str | None
    retry_times: int | None
    tls_verify: bool | None
    username: str | None


def run(flags: ListTagsFlags, opener: Opener, out: Output) -> int:
    """Print the tags as JSON."""
    from argosy.cli.documents import indented
    from argosy.images import places
    from argosy.oci import reference as references

    place = places.parse(flags.operands[0])
    if place.transport == "docker-archive":
        out.line(indented({"Tags": _names(place.path)}, 4))
        return 0
    if place.transport != "docker":
        raise Unsupported(
            f"Unsupported transport '{place.transport}' for tag listing. Only supported: docker, docker-archive"
        )
    repository = references.parse(place.name, default_tag="")
    if repository.tag or repository.digest:
        raise Invalid("repository", place.name, "no tag or digest is allowed here")
    source = _access.open_docker(_access.of(flags, opener), repository)
    try:
        out.line(indented({"Repository": repository.name, "Tags": source.tags()}, 4))
    finally:
        source.close()
    return 0


def _names(path: str) -> list[str]:
    import os

    from argosy.errors import ArgosyError
    from argosy.transports import archive, docker_archive

    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise ArgosyError(f"open {path}: {str(error.strerror).lower()}") from error
    try:
        return [name for image in docker_archive.listed(archive.Members(fd, path)) for name in image.names]
    finally:
        os.close(fd)


COMMAND = Command(
    path="list-tags",
    summary="List tags in the transport/repository specified by the SOURCE-IMAGE",
    description="Prints the tags of a repository, or the names of the images in a docker-archive, as JSON.",
    usage="SOURCE-IMAGE",
    options=ListTagsFlags,
    run=run,
    min_operands=1,
    max_operands=1,
    flags=(_access.AUTHFILE, _access.RETRIES, *_access.registry_flags()),
    examples=("skopeo list-tags docker://docker.io/library/busybox",),
)
