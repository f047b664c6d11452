"""What the transparency log Rekor has signed: that it knew a signature, its payload and its key at a moment.

The entry comes with the signature (cosign's "bundle"), so that nobody is asked: the log's public key is in the policy.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from argosy import jsontext
from argosy.errors import Invalid
from argosy.oci.fields import Fields
from argosy.signatures import sigstore
from argosy.signatures.gpg import BadSignature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.signatures.sigstorekeys import PublicKey

_WHAT = "Rekor entry"
_LATEST_S = 253402300800  # the year 10000, which no certificate reaches


def verify(bundle: str, keys: list[PublicKey], *, signer_pem: bytes, signature: bytes, payload: bytes) -> int:
    """When the log noted the signature, in seconds since the epoch.

    `signer_pem` is the certificate or public key that made `signature` of `payload`: the entry must be about these.
    Raises BadSignature.
    """
    try:
        fields = Fields(jsontext.decode(bundle, _WHAT), _WHAT)
        promise = _base64(fields.text("SignedEntryTimestamp"))
        entry = fields.child("Payload")
        if entry is None:
            raise fields.fault("Payload", "it is missing")
        _check_promise(entry, promise, keys)
        _check_entry(_base64(entry.text("body")), signer_pem, signature, payload)
        moment_s = entry.number("integratedTime")
    except Invalid as error:
        raise BadSignature(str(error)) from error
    if not 0 < moment_s < _LATEST_S:
        raise BadSignature(f"the Rekor entry has the time {moment_s}")
    return moment_s


def _check_promise(entry: Fields, promise: bytes, keys: list[PublicKey]) -> None:
    """The log signs its entry as canonical JSON (RFC 8785): for these four members, sorted keys without blanks."""
    if sorted(entry.data) != ["body", "integratedTime", "logID", "logIndex"]:
        raise Invalid(_WHAT, "Payload", "it has other members than body, integratedTime, logID and logIndex")
    canonical = jsontext.encode(
        {
            "body": entry.text("body"),
            "integratedTime": entry.number("integratedTime"),
            "logID": entry.text("logID"),
            "logIndex": entry.number("logIndex"),
        }
    )
    for key in keys:
        try:
            return sigstore.check(key, promise, canonical, "the transparency log")
        except BadSignature:
            continue
    raise BadSignature("the Rekor entry was not signed by a log that is trusted")


def _check_entry(body: bytes, signer_pem: bytes, signature: bytes, payload: bytes) -> None:
    fields = Fields(jsontext.decode(body, _WHAT), _WHAT)
    spec = fields.child("spec")
    if fields.text("kind") != "hashedrekord" or fields.text("apiVersion") != "0.0.1" or spec is None:
        raise Invalid(_WHAT, fields.text("kind"), "it is not a hashedrekord of version 0.0.1")
    data, made = _path(spec, "data", "hash"), _path(spec, "signature")
    if data.get("algorithm") != "sha256" or data.get("value") != hashlib.sha256(payload).hexdigest():
        raise Invalid(_WHAT, "spec.data", "it is about another payload")
    if _base64(str(made.get("content"))) != signature:
        raise Invalid(_WHAT, "spec.signature", "it is about another signature")
    key = made.get("publicKey")
    content = key.get("content") if isinstance(key, dict) else None
    if _der(_base64(str(content))) != _der(signer_pem):
        raise Invalid(_WHAT, "spec.signature.publicKey", "it is about another key")


def _path(spec: Fields, *names: str) -> dict[str, Any]:
    found: Any = spec.data
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        raise Invalid(_WHAT, f"spec.{'.'.join(names)}", "it is not an object")
    return found


def _der(pem: bytes) -> bytes:
    """The content of the one PEM block."""
    lines = pem.decode("ascii", "replace").strip().splitlines()
    if len(lines) < 3 or not lines[0].startswith("-----BEGIN ") or not lines[-1].startswith("-----END "):
        raise Invalid(_WHAT, "publicKey", "it is not one PEM block")
    return _base64("".join(lines[1:-1]))


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid(_WHAT, text[:40], "it is not base64") from error
