"""Whether the name in a signature is the image's, by the rule that the policy gives (containers-policy.json(5))."""

from __future__ import annotations

from argosy.oci import reference as references

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.config.policy import Identity
    from argosy.oci.reference import Reference


def mismatch(identity: Identity, image: Reference | None, signed: Reference) -> str:
    """Why `signed` is not accepted for `image` (None: the image has no name, as in a directory); "" when it is."""
    if identity.kind == "exactReference":
        wanted: Reference | None = references.parse(identity.value, default_tag="")
        accepted = bool(signed.selector) and signed == wanted
    elif identity.kind == "exactRepository":
        wanted = references.parse(identity.value, default_tag="")
        accepted = signed.name == wanted.name
    elif image is None:
        return "the image has no name that a signature's could be compared with"
    else:
        wanted = _remapped(identity, image) if identity.kind == "remapIdentity" else image
        accepted = _accepted(identity.kind, wanted, signed)
    return "" if accepted else f'the signature is for "{signed}", not for "{wanted}"'


def _accepted(kind: str, image: Reference, signed: Reference) -> bool:
    if kind == "matchRepository":
        return signed.name == image.name
    if not signed.selector:
        return False
    if kind != "matchExact" and image.digest and not image.tag:
        return signed.name == image.name  # which manifest it is, the digest has said
    return bool(image.selector) and signed == image


def _remapped(identity: Identity, image: Reference) -> Reference:
    """`image` under the name that it is signed by, when its name begins with the prefix."""
    rest = image.name.removeprefix(identity.prefix)
    if not image.name.startswith(identity.prefix) or (rest and not rest.startswith("/")):
        return image
    moved = references.parse(identity.signed_prefix + rest, default_tag="")
    return moved.replace(tag=image.tag, digest=image.digest)
