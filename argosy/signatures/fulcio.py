"""Certificates of Fulcio's kind: short-lived, for an address that an OpenID provider has vouched for.

All is checked offline: the chain up to the policy's authority at the moment that the transparency log has noted, the
issuer and the address.
"""

from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from argosy.errors import Invalid
from argosy.signatures import sigstorekeys
from argosy.signatures.gpg import BadSignature
from argosy.signatures.sigstorekeys import PublicKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.config.policy import Fulcio

# https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md: the issuer as plain text, and as a DER UTF8String
_ISSUER_1 = ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_ISSUER_2 = ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_UTF8_STRING = 0x0C


def verify(rule: Fulcio, leaf_pem: bytes, chain_pem: bytes, moment_s: int) -> PublicKey:
    """The public key of a certificate that fulfils `rule` and held at `moment_s`.  Raises BadSignature."""
    leaf = certificate(leaf_pem)
    try:
        roots = x509.load_pem_x509_certificates(rule.authority.read())
    except ValueError as error:
        raise Invalid("certificate authority", rule.authority.path or "caData", "it is not PEM") from error
    try:
        check_chain(leaf, chain(chain_pem), roots, moment_s)
        _check_holder(leaf, rule)
        return sigstorekeys.accepted(leaf.public_key(), "the certificate")
    except (ValueError, x509.ExtensionNotFound, UnsupportedAlgorithm) as error:  # extensions are parsed when asked for
        raise BadSignature("the signature's certificate cannot be read", details=str(error)[:300]) from error


def _check_holder(leaf: x509.Certificate, rule: Fulcio) -> None:
    issuer = _issuer(leaf)
    if issuer != rule.oidc_issuer:
        raise BadSignature(f'the certificate was given on the word of "{issuer}", not of "{rule.oidc_issuer}"')
    addresses = _addresses(leaf)
    if rule.subject_email not in addresses:
        raise BadSignature(f"the certificate is for {', '.join(addresses) or 'nobody'}, not for {rule.subject_email}")


def certificate(pem: bytes) -> x509.Certificate:
    """The one certificate in `pem`."""
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise BadSignature("the signature's certificate is not PEM") from error
    if len(found) != 1:
        raise BadSignature(f"the signature has {len(found)} certificates where one is expected")
    return found[0]


def chain(pem: bytes) -> list[x509.Certificate]:
    """The certificates that come with a signature; none for an empty annotation."""
    try:
        return x509.load_pem_x509_certificates(pem) if pem.strip() else []
    except ValueError as error:
        raise BadSignature("the signature's chain of certificates is not PEM") from error


def check_chain(
    leaf: x509.Certificate, between: list[x509.Certificate], roots: list[x509.Certificate], moment_s: int
) -> None:
    """Raise BadSignature unless `leaf` is for signing code and leads to one of `roots` at `moment_s`."""
    moment = datetime.datetime.fromtimestamp(moment_s, datetime.UTC)
    any_ca = verification.ExtensionPolicy.permit_all().require_present(
        x509.BasicConstraints, verification.Criticality.AGNOSTIC, None
    )
    signer = verification.ExtensionPolicy.permit_all().require_present(
        x509.ExtendedKeyUsage, verification.Criticality.AGNOSTIC, _signs_code
    )
    signer = signer.require_present(x509.SubjectAlternativeName, verification.Criticality.AGNOSTIC, None)
    builder = verification.PolicyBuilder().store(verification.Store(roots)).time(moment)
    verifier = builder.extension_policies(ca_policy=any_ca, ee_policy=signer).build_client_verifier()
    try:
        verifier.verify(leaf, between)
    except (verification.VerificationError, ValueError) as error:
        raise BadSignature(
            f"the certificate does not lead to the authority at the time of signing ({moment:%Y-%m-%d %H:%M:%S} UTC)",
            details=" ".join(str(error).split())[:300],
        ) from error


def _signs_code(_policy: verification.Policy, _certificate: x509.Certificate, usage: x509.ExtendedKeyUsage) -> None:
    if ExtendedKeyUsageOID.CODE_SIGNING not in usage:
        raise ValueError("the certificate is not for signing")


def _issuer(leaf: x509.Certificate) -> str:
    """The OpenID provider that the certificate names; the newer extension counts where both are there."""
    found = {extension.oid: extension.value for extension in leaf.extensions}
    for oid in (_ISSUER_2, _ISSUER_1):
        value = found.get(oid)
        if isinstance(value, x509.UnrecognizedExtension):
            return _text(value.value, der=oid == _ISSUER_2)
    raise BadSignature("the certificate names no OpenID provider")


def _text(data: bytes, *, der: bool) -> str:
    try:
        return _utf8_string(data) if der else data.decode()
    except (UnicodeDecodeError, IndexError) as error:
        raise BadSignature("the certificate's OpenID provider cannot be read") from error


def _utf8_string(data: bytes) -> str:
    """The text of one DER UTF8String with nothing behind it."""
    start, length = 2, data[1]
    if length == 0x81:
        start, length = 3, data[2]
    elif length == 0x82:
        start, length = 4, int.from_bytes(data[2:4], "big")
    elif length > 0x7F:
        raise BadSignature("the certificate's OpenID provider cannot be read")
    if data[0] != _UTF8_STRING or len(data) != start + length:
        raise BadSignature("the certificate's OpenID provider cannot be read")
    return data[start:].decode()


def _addresses(leaf: x509.Certificate) -> list[str]:
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.RFC822Name)
