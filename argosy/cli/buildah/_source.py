"""What `source push` and `source pull` share: a copy of one artifact, as skopeo's `copy` makes it."""

from __future__ import annotations

from argosy.cli.flags import Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.images.places import Place


class SourceMoveFlags(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    creds: str | None
    quiet: bool
    tls_verify: bool | None


FLAGS = (
    Flag("creds", kind="string", help="Use USERNAME[:PASSWORD] for accessing the registry"),
    Flag("quiet", short="q", help="Do not output progress information"),
    Flag("tls-verify", kind="optbool", help="Require HTTPS and verify certificates when contacting the registry"),
)


def at_registry(text: str, what: str) -> Place:
    """The place of a name in full.  Raises ArgosyError for a short one, as buildah does."""
    from argosy.images.places import Place
    from argosy.oci import reference as references

    name = text.removeprefix("docker://")
    if references.is_short(name):
        raise ArgosyError(
            f'{what} source images by short name ("{text}") is not supported, please use a fully-qualified name'
        )
    return Place("docker", name=str(references.parse(name)))


def move(flags: SourceMoveFlags, opener: Opener, source: Place, target: Place) -> str:
    """Copy it; the digest of its manifest."""
    from argosy.cli import progress
    from argosy.cli.skopeo import _access, _copying
    from argosy.images.copy import CopyOptions

    access = _access.of(flags, opener)
    job = _copying.Job(
        source=source,
        target=target,
        source_access=access,
        target_access=access,
        options=CopyOptions(images="system", preserve=True),
    )
    with progress.shown(quiet=flags.quiet) as shown:
        return _copying.perform(job, opener, shown)
