"""Whether an image fulfils the rules of a policy: the judge between `config.policy` and the signatures found."""

from __future__ import annotations

from argosy.config import policy as policies
from argosy.errors import ArgosyError, Invalid, Unsupported
from argosy.oci import digest as digests
from argosy.signatures import identity, payload
from argosy.signatures.blob import BUNDLE, CERTIFICATE, CHAIN, Signature, Sigstore, Simple
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from argosy.config.policy import Requirement
    from argosy.oci.reference import Reference

    Signatures = Callable[[], Sequence[Signature]]

_REASONS_SHOWN = 5


class Rejected(ArgosyError):
    """The policy does not allow the image: names the rule and the file that it is in."""

    def __init__(self, why: str, rule: Requirement, path: str) -> None:
        super().__init__(
            f"Source image rejected: {why}",
            details=f"the rule {rule.where} ({rule.kind}) in {path or 'the default policy'} says so",
            hint="`argosy image trust show` lists the rules; `argosy image trust set` changes them",
        )
        self.rule = rule
        self.path = path


class Candidate(Value):
    """The image to judge: what to call it, its name at a registry (None: it has none) and its manifest's bytes."""

    label: str
    reference: Reference | None
    manifest: bytes


def judge(rules: Sequence[Requirement], path: str, image: Candidate, signatures: Signatures) -> None:
    """Raise Rejected unless the image fulfils each of `rules`, which the file `path` has.

    `signatures` is called, at most once, when a rule needs them.
    """
    found: Sequence[Signature] | None = None
    for rule in rules:
        if rule.kind == policies.ACCEPT:
            continue
        if rule.kind == policies.REJECT:
            raise Rejected(f"Running image {image.label} is rejected by policy", rule, path)
        if rule.kind == policies.SIGNED_BASE_LAYER:
            raise Rejected("signedBaseLayer is not a rule that can be checked", rule, path)
        if found is None:
            found = signatures()
        _require_signature(rule, path, image, found)


def _require_signature(rule: Requirement, path: str, image: Candidate, signatures: Sequence[Signature]) -> None:
    kind = Simple if rule.kind == policies.SIGNED_BY else Sigstore
    of_kind = [signature for signature in signatures if isinstance(signature, kind)]
    if not of_kind:
        raise Rejected("A signature was required, but no signature exists", rule, path)
    reasons = []
    for signature in of_kind:
        try:
            accept(rule, image, signature)
            return
        except ArgosyError as error:
            reasons.append(str(error))
    if len(reasons) == 1:
        raise Rejected(reasons[0], rule, path)
    told = "; ".join(list(dict.fromkeys(reasons))[:_REASONS_SHOWN])
    raise Rejected(f"None of the {len(reasons)} signatures were accepted, reasons: {told}", rule, path)


def accept(rule: Requirement, image: Candidate, signature: Signature) -> payload.Claim:
    """The claim of a signature by which the image fulfils `rule`.  Raises ArgosyError with the reason otherwise."""
    if isinstance(signature, Simple):
        claim = payload.read(payload.SIMPLE, _verified_simple(rule, signature))
    else:
        _verify_sigstore(rule, signature)
        claim = payload.read(payload.SIGSTORE, signature.payload)
    why = identity.mismatch(rule.identity, image.reference, claim.reference)
    if why:
        raise Invalid("signature", str(claim.reference), why)
    hasher = digests.hasher(claim.digest.algorithm)
    hasher.update(image.manifest)
    if hasher.hexdigest() != claim.digest.hex:
        raise Invalid("signature", claim.digest, "it is for another manifest")
    return claim


def _verified_simple(rule: Requirement, signature: Simple) -> bytes:
    from argosy.signatures import gpg

    if rule.key_type != "GPGKeys":
        raise Unsupported(f"keys of the type {rule.key_type} cannot be used, only GPGKeys")
    return gpg.verify(signature.data, [key.read() for key in rule.keys]).payload


def _verify_sigstore(rule: Requirement, signature: Sigstore) -> None:
    """Raise ArgosyError unless the payload was signed by who the rule says, and noted by the log if it says so."""
    from argosy.signatures import rekor, sigstore, sigstorekeys

    logs = [sigstorekeys.public(key.read(), key.path or "rekorPublicKeyData") for key in rule.rekor_keys]
    raw = sigstore.raw_signature(signature)
    if rule.pki is not None:
        from argosy.signatures import pki

        certificate = sigstore.annotation(signature, CERTIFICATE).encode()
        holder = pki.verify(rule.pki, certificate, signature.annotations.get(CHAIN, "").encode())
        sigstore.check(holder, raw, signature.payload, "the holder of the certificate")
        return
    if rule.fulcio is None:
        keys = [sigstorekeys.public(key.read(), key.path or "keyData") for key in rule.keys]
        signer = rule.keys[sigstore.maker(signature, keys)]
        if logs:
            bundle = sigstore.annotation(signature, BUNDLE)
            rekor.verify(bundle, logs, signer_pem=signer.read(), signature=raw, payload=signature.payload)
        return
    from argosy.signatures import fulcio

    leaf = sigstore.annotation(signature, CERTIFICATE).encode()
    bundle = sigstore.annotation(signature, BUNDLE)
    moment_s = rekor.verify(bundle, logs, signer_pem=leaf, signature=raw, payload=signature.payload)
    chain = signature.annotations.get(CHAIN, "").encode()
    key = fulcio.verify(rule.fulcio, leaf, chain, moment_s)
    sigstore.check(key, raw, signature.payload, "the holder of the certificate")
