"""One signature as bytes, in the two formats that there are, and told apart as containers/image does.

Simple signing is an OpenPGP message, whose first byte has its highest bit set.  Everything else begins with a zero byte
and the name of its format; sigstore's is a JSON object of payload and annotations, as cosign has them beside an image.
"""

from __future__ import annotations

import binascii

from argosy import jsontext
from argosy.errors import Invalid
from argosy.oci.fields import Fields
from argosy.values import Value

SIZE_LIMIT = 4 << 20
COUNT_LIMIT = 128

PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"
CERTIFICATE = "dev.sigstore.cosign/certificate"
CHAIN = "dev.sigstore.cosign/chain"
BUNDLE = "dev.sigstore.cosign/bundle"

_WHAT = "signature"
_SIGSTORE = b"\0sigstore-json\n"
_SIMPLE = b"\0simple-signing\n"


class Simple(Value):
    """An OpenPGP message with the signed payload inside.  Nothing of it is to be believed before it is verified."""

    data: bytes


class Sigstore(Value):
    """A payload, and annotations that hold its signature (base64) and perhaps certificates and a log entry."""

    media_type: str
    payload: bytes
    annotations: dict[str, str]


Signature = Simple | Sigstore


def encode(signature: Signature) -> bytes:
    """The bytes of which files and stores are made."""
    if isinstance(signature, Simple):
        return signature.data
    document = {
        "mimeType": signature.media_type,
        "payload": binascii.b2a_base64(signature.payload, newline=False).decode(),
        "annotations": dict(signature.annotations),
    }
    return _SIGSTORE + jsontext.encode(document)


def decode(data: bytes) -> Signature:
    """The signature in `data`.  Raises Invalid for a format that is not known."""
    if not data:
        raise Invalid(_WHAT, "", "it is empty")
    if data[0] & 0x80:
        return Simple(data)
    if data.startswith(_SIMPLE):
        return Simple(data[len(_SIMPLE) :])
    if not data.startswith(_SIGSTORE):
        raise Invalid(_WHAT, repr(data[:20])[2:-1], "neither a binary OpenPGP message nor sigstore's JSON")
    fields = Fields(jsontext.decode(data[len(_SIGSTORE) :], _WHAT), _WHAT)
    try:
        payload = binascii.a2b_base64(fields.text("payload"), strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise fields.fault("payload", "it is not base64") from error
    return Sigstore(fields.text("mimeType"), payload, fields.mapping("annotations"))
