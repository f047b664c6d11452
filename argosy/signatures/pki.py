"""Certificates of an ordinary authority: for an address or a host, checked up to the policy's roots as of now."""

from __future__ import annotations

import time

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from argosy.errors import Invalid
from argosy.signatures import fulcio, sigstorekeys
from argosy.signatures.gpg import BadSignature
from argosy.signatures.sigstorekeys import PublicKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.config.policy import Key, Pki


def verify(rule: Pki, leaf_pem: bytes, chain_pem: bytes) -> PublicKey:
    """The public key of a certificate that fulfils `rule`.  Raises BadSignature."""
    leaf = fulcio.certificate(leaf_pem)
    known = _certificates(rule.intermediates) if rule.intermediates is not None else []
    chain = [*known, *fulcio.chain(chain_pem)]
    try:
        fulcio.check_chain(leaf, chain, _certificates(rule.roots), int(time.time()))
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        addresses, hosts = names.get_values_for_type(x509.RFC822Name), names.get_values_for_type(x509.DNSName)
        if rule.subject_email and rule.subject_email not in addresses:
            raise BadSignature(f"the certificate is for {_listed(addresses)}, not for {rule.subject_email}")
        if rule.subject_hostname and not any(_is_for(host, rule.subject_hostname) for host in hosts):
            raise BadSignature(f"the certificate is for {_listed(hosts)}, not for {rule.subject_hostname}")
        return sigstorekeys.accepted(leaf.public_key(), "the certificate")
    except (ValueError, x509.ExtensionNotFound, UnsupportedAlgorithm) as error:
        raise BadSignature("the signature's certificate cannot be read", details=str(error)[:300]) from error


def _certificates(key: Key) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(key.read())
    except ValueError as error:
        raise Invalid("certificate authority", key.path or "the policy's data", "it is not PEM") from error


def _is_for(pattern: str, host: str) -> bool:
    """Whether a certificate's name means the host: `*.` stands for one label (RFC 6125)."""
    pattern, host = pattern.lower().rstrip("."), host.lower().rstrip(".")
    if pattern.startswith("*."):
        first, dot, rest = host.partition(".")
        return bool(first and dot) and rest == pattern[2:]
    return pattern == host


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "nobody"
