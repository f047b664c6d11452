"""Statements about an image: in-toto's (in-toto.io/Statement/v1), and their DSSE envelope when somebody signs them."""

from __future__ import annotations

import base64

from argosy import jsontext
from argosy.oci import mediatypes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.signatures.sigstorekeys import PrivateKey

STATEMENT = mediatypes.IN_TOTO_STATEMENT
ENVELOPE = mediatypes.DSSE_ENVELOPE


def statement(name: str, digest: str, predicate_type: str, predicate: dict[str, Any]) -> bytes:
    """The statement that `predicate` holds for the image."""
    algorithm, _, digits = digest.partition(":")
    return jsontext.encode(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": name, "digest": {algorithm: digits}}],
            "predicateType": predicate_type,
            "predicate": predicate,
        }
    )


def signed(payload: bytes, key: PrivateKey) -> bytes:
    """The envelope with the payload and its signature (secure-systems-lab/dsse, protocol.md and envelope.md)."""
    from argosy.signatures import sigstore

    made = sigstore.raw_signature(sigstore.sign(encoding(payload), key))
    return jsontext.encode(
        {
            "payloadType": STATEMENT,
            "payload": base64.b64encode(payload).decode(),
            "signatures": [{"keyid": "", "sig": base64.b64encode(made).decode()}],
        }
    )


def encoding(payload: bytes) -> bytes:
    """What is signed: DSSE's pre-authentication encoding."""
    kind = STATEMENT.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
