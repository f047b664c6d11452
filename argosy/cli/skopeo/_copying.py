"""What `copy` and `sync` share: one image from a place to a place, by the flags that both have."""

from __future__ import annotations

from argosy.cli import signing
from argosy.cli.flags import Flag
from argosy.errors import ArgosyError
from argosy.images.sign import SignOptions
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.skopeo._access import Access
    from argosy.images.copy import CopyOptions
    from argosy.images.guard import Guard
    from argosy.images.places import Place
    from argosy.images.progress import Progress
    from argosy.oci.platform import Platform
    from argosy.signatures.blob import Signature
    from argosy.transports.source import ImageSource, RawManifest

FLAGS = (
    Flag("all", short="a", help="Copy all images if the source is a list"),
    Flag("format", short="f", kind="string", help="MANIFEST TYPE (oci, v2s1, or v2s2) to use in the destination"),
    Flag("preserve-digests", help="Preserve digests of images and lists"),
    *signing.FLAGS,
)


class Job(Value):
    """One copy.  `names` are further names in a docker-archive, `signing` says who signs the copy.

    `keep_signatures` takes those of the source along.
    """

    source: Place
    target: Place
    source_access: Access
    target_access: Access
    options: CopyOptions
    names: tuple[str, ...] = ()
    uncompressed: bool = False
    signing: SignOptions = SignOptions()
    keep_signatures: bool = True


def check_format(text: str | None) -> str:
    """The manifest type that --format names."""
    if text and text not in ("oci", "v2s1", "v2s2"):
        raise ArgosyError(f"unknown format {text!r}. Choose one of the supported formats: 'oci', 'v2s1', or 'v2s2'")
    return text or ""


def perform(job: Job, opener: Opener, progress: Progress) -> str:
    """Copy one image; the digest of what the destination has now.  Nothing is left of a copy that fails."""
    from argosy.cli.skopeo import _access, _trust
    from argosy.images import copy, targets
    from argosy.transports import scratch

    targets.check(job.target, job.names)
    source = _access.open_place(job.source_access, job.source, opener)
    try:
        guard = _trust.guard(job, source, opener)
        if job.target.transport == "containers-storage":
            return _to_store(job, source, guard, opener, progress)
        mounts = _mount_from(job)
        destination = targets.open_destination(
            job.target,
            lambda reference: _access.open_docker_destination(job.target_access, reference, mounts),
            targets.TargetOptions(_access.place_options(job.target_access), job.names, job.uncompressed),
        )
        try:
            with scratch.TemporaryDirectory() as work:
                return copy.copy(source, destination, job.options, work.path, progress, guard=guard).digest
        finally:
            destination.close()
    finally:
        source.close()


def _mount_from(job: Job) -> tuple[str, ...]:
    """The source's repository, where it is at the registry that the image goes to."""
    from argosy.oci import reference as references

    if job.source.transport != "docker" or job.target.transport != "docker":
        return ()
    source, target = references.parse(job.source.name), references.parse(job.target.name)
    same = source.registry == target.registry and source.repository != target.repository
    return (source.repository,) if same else ()


def _to_store(job: Job, source: ImageSource, guard: Guard, opener: Opener, progress: Progress) -> str:
    """Into the store, which takes one image, and layers in any form."""
    from argosy.errors import Unsupported
    from argosy.images import convert, copy
    from argosy.images.choose import choose
    from argosy.oci import reference as references
    from argosy.transports import scratch

    if job.target.path:
        raise Unsupported(f"{job.target}: images are written to argosy's own store only, without a [specifier]")
    if job.options.images != copy.SYSTEM:
        raise Unsupported(f"{job.target} holds one image, not an index of several", hint="leave out --all")
    name = references.parse(job.target.name)
    images = opener.open().images
    form = job.options.form.preserving() if job.options.preserve else job.options.form
    if form == convert.Form():

        def admit(raw: RawManifest) -> tuple[Signature, ...]:
            return guard.seal(raw, raw, guard.admit(raw))

        return str(images.take_in(source, name, job.options.platform, progress, admit).manifest_digest)
    platform: Platform | None = job.options.platform
    assert platform is not None
    chosen = choose(source, str(source.reference), platform, any_kind=True)
    with scratch.TemporaryDirectory() as work:
        old = guard.admit(chosen.raw)
        changed, made = convert.converted(source, chosen.raw, form, work.path)
        sealed = guard.seal(chosen.raw, made, old)
        return str(images.take_in(changed, name, platform, progress, lambda _raw: sealed).manifest_digest)
