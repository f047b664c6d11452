"""From what a user typed to an image in the store: on the path of `run`, so nothing heavy is imported here.

The order: the reference itself, or for a short name the references that it may mean (its alias, `localhost/NAME`, then
the search registries); then any image whose name ends in `/NAME`; then image ids and unambiguous beginnings of ids.
A name comes before an id, as with docker: what the user named is not taken over by an id that happens to begin so.
"""

from __future__ import annotations

from argosy.errors import ArgosyError, Invalid, NotFound
from argosy.oci import digest as digests
from argosy.oci import reference as references
from argosy.oci.reference import Reference
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from argosy.config.registries import Registries
    from argosy.oci.imageconfig import ImageConfig
    from argosy.oci.platform import Platform
    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store

    LoadRegistries = Callable[[], Registries]
    Pull = Callable[[str], "Resolved"]

POLICIES = ("missing", "always", "never", "newer")
_LOCALHOST = "localhost"


class ImageNotKnown(NotFound):
    """There is no such image in the store (podman's words, on which scripts match)."""

    def __init__(self, name: str, *, hint: str = "") -> None:
        ArgosyError.__init__(self, f"{name}: image not known", hint=hint)
        self.kind = "image"
        self.name = name


class Resolved(Value):
    """An image and the name by which it was found; `name` is None when that was an id.

    `lender` is the root of the additional image store that it was found in, "" for the store itself.
    """

    record: ImageRecord
    name: Reference | None
    lender: str = ""

    @property
    def shown(self) -> str:
        """What a container made from it shows as its image."""
        return str(self.name) if self.name else self.record.config_digest.partition(":")[2]


def resolve(store: Store, registries: LoadRegistries, text: str, platform: Platform | None = None) -> Resolved:
    """The image that `text` means, looked for in the store and then in the additional ones.

    Of a manifest list it is the image for `platform` (None: the host's).  Raises ImageNotKnown, or Invalid when several
    images fit.  A name whose image record is damaged raises Damaged.
    """
    found = by_name(store, registries, text)
    if found is None and store.shelf("manifests").ids():
        from argosy.images import listimages

        found = listimages.instance(store, registries, text, platform)
    if found is None and _may_be_id(text):
        try:
            record = store.images.by_id(text)[0]
            return Resolved(record, None, store.images.lender(record.manifest_digest))
        except NotFound:
            pass
    if found is None:
        raise ImageNotKnown(text)
    return found


def by_name(store: Store, registries: LoadRegistries, text: str) -> Resolved | None:
    """The image that has the name `text`; None when there is none, be it that `text` cannot be a name."""
    try:
        wanted = references.parse(text, default_registry=_LOCALHOST)
    except Invalid:
        return None
    if not references.is_short(text):
        return _look_up(store, wanted)
    known = registries()
    for candidate in candidates(known, text, wanted):
        found = _look_up(store, candidate)
        if found is not None:
            return found
    return _by_last_parts(store, wanted, text) if known.home == _LOCALHOST else None


def candidates(registries: Registries, text: str, local: Reference) -> Iterator[Reference]:
    """The names in full that a short name may mean; `local` is the one at `localhost`.  docker knows two places."""
    if registries.home != _LOCALHOST:
        yield references.parse(text, default_registry=registries.home)
        yield local
        return
    seen = {local}
    if registries.aliases.get(local.repository):
        yield from registries.candidates(text)
    yield local
    for registry in registries.search:
        candidate = references.parse(f"{registry}/{text}")
        if candidate not in seen:
            seen.add(candidate)
            yield candidate


def _look_up(store: Store, name: Reference) -> Resolved | None:
    """The image with exactly this name.  A digest must be that of the image's manifest or of an index it came from."""
    if name.digest:
        name = name.replace(tag="")
    found = _look_up_in(store, name)
    for shared in store.shared:
        if found is not None:
            break
        found = _look_up_in(shared, name)
        found = found and found.replace(lender=shared.root)
    return found


def _look_up_in(store: Store, name: Reference) -> Resolved | None:
    digest = store.refs.get(name)
    if digest is None:
        return _by_digest(store, name) if name.digest else None
    try:
        return Resolved(store.images.get(digest), name)
    except NotFound:
        return None  # removed between the two steps, or by something that broke: the name leads nowhere


def _by_digest(store: Store, name: Reference) -> Resolved | None:
    """The image that came from this repository under another name."""
    record: ImageRecord | None
    try:
        record = store.images.get(name.digest)
    except NotFound:
        record = next((found for found in store.images.all().records if name.digest in found.indexes), None)
    return Resolved(record, name) if record is not None and str(name) in record.repo_digests else None


def _by_last_parts(store: Store, wanted: Reference, text: str) -> Resolved | None:
    """The image whose name ends in `/text`."""
    if wanted.digest:
        return None
    ending = f"/{wanted.repository}"
    found = {
        name: digest
        for one in (*reversed(store.shared), store)
        for name, digest in one.refs.all().refs
        if name.tag == wanted.tag and f"/{name.repository}".endswith(ending)
    }
    if len(set(found.values())) > 1:
        raise Invalid(
            "image name", text, "several images have names that end so", hint=f"choose {' or '.join(map(str, found))}"
        )
    for name in found:
        return _look_up(store, name)
    return None


def _may_be_id(text: str) -> bool:
    digits = text.removeprefix("sha256:")
    return len(digits) <= 64 and digests.is_hex(digits)


def config(store: Store, record: ImageRecord) -> ImageConfig:
    """The image's config.  Raises Damaged when the blob is not what its digest says, NotFound when it is gone.

    That is ImageNotKnown when the image was removed meanwhile, with all it was made of.
    """
    from argosy.oci import imageconfig

    try:
        data = store.blobs.read(record.config_digest, imageconfig.SIZE_LIMIT)
    except NotFound:
        if store.images.exists(record.manifest_digest):
            raise
        raise ImageNotKnown(record.config_digest) from None
    return imageconfig.parse(data)


def ensure(
    store: Store,
    registries: LoadRegistries,
    text: str,
    *,
    pull: Pull,
    policy: str = "missing",
    platform: Platform | None = None,
) -> Resolved:
    """The image that `text` means, pulled when the policy says so.  Its layers can be relied on when this returns.

    `missing` pulls what is not there or is for another platform than the wanted one; `always` and `newer` ask the
    registry each time, and `newer` is content with the local image when the registry cannot be reached; `never` does
    not pull.  `pull` gets `text` and the policy is its own business from there on.
    """
    if policy not in POLICIES:
        raise Invalid("pull policy", policy, f"choose {', '.join(POLICIES)}")
    local: Resolved | None = None
    try:
        local = resolve(store, registries, text, platform)
    except ImageNotKnown:
        if policy == "never" or _is_plain_id(text):
            raise ImageNotKnown(text, hint="the pull policy is never" if policy == "never" else "") from None
    fits = local is not None and (platform is None or _fits(local.record, platform))
    if local is None or (policy != "never" and (not fits or (policy != "missing" and local.name is not None))):
        return _pulled(pull, text, local if fits and policy == "newer" else None)
    if not fits:
        raise ArgosyError(
            f"{text}: the image in the store is for {_platform(local.record)}, not {platform}",
            hint="allow pulling with --pull=missing",
        )
    if store.layers.untrusted(local.record.diff_ids):
        from argosy.images import restore

        restore.restore(store, local.record)
    return local


def _pulled(pull: Pull, text: str, fallback: Resolved | None) -> Resolved:
    try:
        return pull(text)
    except ArgosyError:
        if fallback is None:
            raise
        return fallback


def _is_plain_id(text: str) -> bool:
    """Whether `text` can be nothing but an image id."""
    return text.startswith("sha256:") or (len(text) == 64 and digests.is_hex(text))


def _fits(record: ImageRecord, wanted: Platform) -> bool:
    from argosy.oci import platform

    return platform.fits(_platform(record), wanted)


def _platform(record: ImageRecord) -> Platform:
    from argosy.oci.platform import Platform

    return Platform(record.os, record.architecture, record.variant)
