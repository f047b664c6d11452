"""What a signature says: a JSON document that names a manifest's digest and the image's name.

Simple signing (containers-signature(5)) and cosign share the form and differ in `type`.  Both are read strictly: a
claim with keys that are unknown may mean something else to who signed it.
"""

from __future__ import annotations

from argosy import jsontext
from argosy.errors import Invalid
from argosy.oci import digest as digests
from argosy.oci import reference as references
from argosy.values import Value
from argosy.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.oci.digest import Digest
    from argosy.oci.reference import Reference

SIMPLE = "atomic container signature"
SIGSTORE = "cosign container image signature"

_WHAT = "signature"


class Claim(Value):
    """The image that was signed: the digest of its manifest and its name."""

    digest: Digest
    reference: Reference


def make(kind: str, digest: str, reference: str, moment_s: int) -> bytes:
    """The payload of a signature of this kind, made at `moment_s`, in seconds since the epoch."""
    critical = {
        "identity": {"docker-reference": reference},
        "image": {"docker-manifest-digest": digest},
        "type": kind,
    }
    optional = {"creator": f"argosy {VERSION}", "timestamp": moment_s}
    return jsontext.encode({"critical": critical, "optional": optional})


def read(kind: str, data: bytes) -> Claim:
    """The claim in a payload, which must be of this kind.  Raises Invalid unless it has exactly the form."""
    document = jsontext.decode(data, _WHAT)
    critical, optional = _members(document, "payload", "critical", "optional")
    kinds, image, identity = _members(critical, "critical", "type", "image", "identity")
    if kinds != kind:
        raise Invalid(_WHAT, str(kinds), f'its type is not "{kind}"')
    (digest,) = _members(image, "critical.image", "docker-manifest-digest")
    (name,) = _members(identity, "critical.identity", "docker-reference")
    if optional is not None and type(optional) is not dict:
        raise Invalid(_WHAT, "optional", "it is not an object")
    return Claim(digests.parse(_text(digest)), references.parse(_text(name), default_tag=""))


def _members(value: Any, where: str, *names: str) -> list[Any]:
    """The members of an object that has these and no others."""
    if type(value) is not dict or sorted(value) != sorted(names):
        raise Invalid(_WHAT, where, f"it must be an object with {' and '.join(names)}, and nothing else")
    return [value[name] for name in names]


def _text(value: Any) -> str:
    if type(value) is not str:
        raise Invalid(_WHAT, str(value), "it is not a string")
    return value
