"""Signatures against the rules of a policy: what is accepted, and everything that must not be."""

from __future__ import annotations

import base64
import datetime
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from argosy.config.policy import SIGNED_BY, SIGSTORE_SIGNED, Fulcio, Identity, Key, Pki, Requirement
from argosy.oci import reference
from argosy.signatures import blob, evaluate
from argosy.signatures.blob import Sigstore, Simple
from argosy.signatures.evaluate import Candidate, Rejected
from argosy.signatures.gpg import BadSignature, verify
from tests.rig import signing
from tests.rig.signing import Authority, Gpg

MANIFEST = b'{"schemaVersion":2}'
DIGEST = "sha256:" + hashlib.sha256(MANIFEST).hexdigest()
NAME = "quay.io/a/b:1"
IMAGE = Candidate(f"docker://{NAME}", reference.parse(NAME), MANIFEST)
ATOMIC = "atomic container signature"
COSIGN = "cosign container image signature"


@pytest.fixture(scope="module")
def gpg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gpg]:
    made = Gpg.create(str(tmp_path_factory.mktemp("gpg") / "home"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def key(gpg: Gpg) -> str:
    return gpg.key("good@example.com")


def simple_rule(public: bytes, identity: Identity = Identity()) -> Requirement:  # noqa: B008 -- frozen
    return Requirement(SIGNED_BY, "default[0]", "GPGKeys", (Key(data=public),), identity)


def refusal(rule: Requirement, *signatures: Simple | Sigstore, image: Candidate = IMAGE) -> str:
    """Why the image is refused; "" when it is not."""
    try:
        evaluate.judge((rule,), "/p.json", image, lambda: signatures)
    except Rejected as error:
        assert "default[0]" in str(error)
        assert "/p.json" in str(error)
        return error.brief
    return ""


@pytest.mark.parametrize("armor", [False, True])
def test_a_good_signature(gpg: Gpg, key: str, armor: bool) -> None:
    signed = Simple(gpg.sign(signing.payload(ATOMIC, DIGEST, NAME), key))
    assert refusal(simple_rule(gpg.public(key, armor=armor)), signed) == ""
    assert refusal(simple_rule(gpg.public(key, armor=armor)), Simple(b"\xff" * 99), signed) == ""


def test_what_a_signature_must_not_be(gpg: Gpg, key: str) -> None:
    other = gpg.key("other@example.com")
    expired = gpg.key("expired@example.com", "--faked-system-time", "20200101T000000", expires="2d")
    rule = simple_rule(gpg.public(key, expired))
    good = signing.payload(ATOMIC, DIGEST, NAME)
    message = gpg.sign(good, key, more=("--compress-algo", "none"))
    cases = {
        "no signature exists": (),
        "none of the keys": (Simple(gpg.sign(good, other)),),
        "the key has expired": (Simple(gpg.sign(good, expired, more=("--faked-system-time", "20200101T010000"))),),
        "the signature is wrong": (Simple(message.replace(b"quay.io/a/b:1", b"quay.io/a/b:2")),),
        "not one signed message": (Simple(gpg.run("--store", "--output", "-", "-", data=good)),),
        "another manifest": (Simple(gpg.sign(signing.payload(ATOMIC, "sha256:" + "0" * 64, NAME), key)),),
        'is for "quay.io/a/b:2"': (Simple(gpg.sign(signing.payload(ATOMIC, DIGEST, "quay.io/a/b:2"), key)),),
        "its type is not": (Simple(gpg.sign(signing.payload(COSIGN, DIGEST, NAME), key)),),
        "nothing else": (Simple(gpg.sign(signing.payload(ATOMIC, DIGEST, NAME, more=1), key)),),
        "None of the 2 signatures": (Simple(b"\x99"), Simple(b"\xa3\x01")),
    }
    for why, signatures in cases.items():
        assert why in refusal(rule, *signatures)
    double = gpg.sign(good, key, other)
    assert refusal(simple_rule(gpg.public(key)), Simple(double))


@pytest.mark.parametrize("packing", [("--compress-algo", "none"), ("--compress-algo", "zlib")])
def test_only_what_was_signed_is_believed(gpg: Gpg, key: str, packing: tuple[str, ...]) -> None:
    """However signed and unsigned texts are put together."""
    signed = gpg.sign(b"signed", key, more=packing)
    unsigned = gpg.run(*packing, "--store", "--output", "-", "-", data=b"unsigned")
    for joined in (unsigned + signed, signed + unsigned, signed + signed, unsigned + unsigned, signed[:-1]):
        try:
            assert verify(joined, [gpg.public(key)]).payload == b"signed"
        except BadSignature:
            pass
    assert verify(signed, [gpg.public(key)]).payload == b"signed"
    with pytest.raises(BadSignature):
        verify(unsigned + signed, [gpg.public(key)])


def test_a_compressed_bomb_is_stopped(gpg: Gpg, key: str) -> None:
    bomb = gpg.sign(b" " * (64 << 20), key, more=("--compress-algo", "zlib"))
    assert len(bomb) < blob.SIZE_LIMIT
    assert "more than 4 MiB" in refusal(simple_rule(gpg.public(key)), Simple(bomb))


@pytest.mark.parametrize(
    ("kind", "image", "signed", "accepted"),
    [
        (Identity("matchExact"), NAME, NAME, True),
        (Identity("matchExact"), NAME, "quay.io/a/b", False),
        (Identity("matchExact"), f"quay.io/a/b@{DIGEST}", NAME, False),
        (Identity(), f"quay.io/a/b@{DIGEST}", NAME, True),
        (Identity(), f"quay.io/a/b@{DIGEST}", "quay.io/a/c:1", False),
        (Identity(), NAME, "quay.io/a/b:2", False),
        (Identity("matchRepository"), NAME, "quay.io/a/b:2", True),
        (Identity("matchRepository"), NAME, "quay.io/a/c:1", False),
        (Identity("exactReference", NAME), "localhost/x:1", NAME, True),
        (Identity("exactReference", NAME), NAME, "quay.io/a/b:2", False),
        (Identity("exactRepository", "quay.io/a/b"), "localhost/x:1", "quay.io/a/b:9", True),
        (Identity("exactRepository", "quay.io/a/b"), NAME, "quay.io/a/c:1", False),
        (Identity("remapIdentity", "", "mirror.local/q", "quay.io"), "mirror.local/q/a/b:1", NAME, True),
        (Identity("remapIdentity", "", "mirror.local/q", "quay.io"), "mirror.local/qq/a/b:1", NAME, False),
        (Identity("remapIdentity", "", "mirror.local/q", "quay.io"), NAME, NAME, True),
    ],
)
def test_identities(gpg: Gpg, key: str, kind: Identity, image: str, signed: str, accepted: bool) -> None:
    candidate = IMAGE.replace(reference=reference.parse(image))
    signature = Simple(gpg.sign(signing.payload(ATOMIC, DIGEST, signed), key))
    assert (refusal(simple_rule(gpg.public(key), kind), signature, image=candidate) == "") is accepted


def test_an_image_without_a_name_is_refused_unless_the_rule_has_one(gpg: Gpg, key: str) -> None:
    nameless = IMAGE.replace(reference=None)
    signature = Simple(gpg.sign(signing.payload(ATOMIC, DIGEST, NAME), key))
    assert "has no name" in refusal(simple_rule(gpg.public(key)), signature, image=nameless)
    rule = simple_rule(gpg.public(key), Identity("exactReference", NAME))
    assert refusal(rule, signature, image=nameless) == ""


def sigstore(key: ec.EllipticCurvePrivateKey, name: str = NAME, digest: str = DIGEST, **annotations: str) -> Sigstore:
    data = signing.payload(COSIGN, digest, name)
    return Sigstore(blob.PAYLOAD_TYPE, data, {blob.SIGNATURE: signing.ecdsa(key, data), **annotations})


def test_sigstore_with_keys() -> None:
    good, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    keys = (Key(data=signing.public_pem(other)), Key(data=signing.public_pem(good)))
    rule = Requirement(SIGSTORE_SIGNED, "default[0]", keys=keys)
    assert refusal(rule, sigstore(good)) == ""
    assert "none of the keys" in refusal(rule, sigstore(ec.generate_private_key(ec.SECP256R1())))
    assert "another manifest" in refusal(rule, sigstore(good, digest="sha256:" + "1" * 64))
    assert "not for" in refusal(rule, sigstore(good, "quay.io/a/b:2"))
    assert "lacks the annotation" in refusal(rule, sigstore(good).replace(annotations={}))
    tampered = sigstore(good)
    assert "none of the keys" in refusal(rule, tampered.replace(payload=tampered.payload + b" "))
    assert "no signature exists" in refusal(rule, Simple(b"\x99"))
    broken = rule.replace(keys=(Key(data=b"x"),))
    assert "not a PEM block" in refusal(broken, sigstore(good))


class Keyless:
    """A signature with a certificate and a log entry, and the rule that it fulfils."""

    def __init__(self, made: datetime.datetime) -> None:
        self.moment_s = int(made.timestamp()) + 60
        self.authority = Authority(made)
        self.log, self.key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        fulcio = Fulcio(Key(data=self.authority.root_pem), signing.ISSUER, signing.EMAIL)
        logs = (Key(data=signing.public_pem(self.log)),)
        self.rule = Requirement(SIGSTORE_SIGNED, "default[0]", fulcio=fulcio, rekor_keys=logs)

    def signature(self, leaf: bytes, *, moment_s: int = 0, key: ec.EllipticCurvePrivateKey | None = None) -> Sigstore:
        plain = sigstore(key or self.key)
        made = plain.annotations[blob.SIGNATURE]
        bundle = signing.rekor_bundle(self.log, made, leaf, plain.payload, moment_s or self.moment_s)
        return plain.replace(
            annotations={
                **plain.annotations,
                blob.CERTIFICATE: leaf.decode(),
                blob.CHAIN: self.authority.chain_pem.decode(),
                blob.BUNDLE: bundle,
            }
        )


def test_sigstore_with_a_certificate_and_a_log_entry() -> None:
    ground = Keyless(datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC))
    leaf = ground.authority.leaf(ground.key)
    good = ground.signature(leaf)
    assert refusal(ground.rule, good) == ""

    def without(name: str) -> Sigstore:
        return good.replace(annotations={key: text for key, text in good.annotations.items() if key != name})

    for name in (blob.CERTIFICATE, blob.BUNDLE):
        assert f"lacks the annotation {name}" in refusal(ground.rule, without(name))
    assert "does not lead to the authority" in refusal(ground.rule, without(blob.CHAIN))
    late = ground.signature(leaf, moment_s=ground.moment_s + 3600)
    assert "does not lead to the authority" in refusal(ground.rule, late)
    stranger = Keyless(ground.authority.made)
    foreign = ground.signature(stranger.authority.leaf(ground.key))
    assert "does not lead to the authority" in refusal(ground.rule, foreign)
    assert "for mallory@example.com, not" in refusal(
        ground.rule, ground.signature(ground.authority.leaf(ground.key, email="mallory@example.com"))
    )
    assert "on the word of" in refusal(
        ground.rule, ground.signature(ground.authority.leaf(ground.key, issuer="https://other"))
    )
    server = ground.authority.leaf(ground.key, usage=ExtendedKeyUsageOID.SERVER_AUTH)
    assert "does not lead" in refusal(ground.rule, ground.signature(server))
    other = ec.generate_private_key(ec.SECP256R1())
    assert "the holder of the certificate did not make it" in refusal(ground.rule, ground.signature(leaf, key=other))


def test_sigstore_with_a_certificate_of_an_ordinary_authority() -> None:
    now = datetime.datetime.now(datetime.UTC)
    authority, stranger = Authority(now), Authority(now)
    key = ec.generate_private_key(ec.SECP256R1())
    pki = Pki(Key(data=authority.root_pem), None, signing.EMAIL)

    def told(wanted: Pki, leaf: bytes, signer: ec.EllipticCurvePrivateKey = key, *, chain: bool = True) -> str:
        plain = sigstore(signer)
        more = {blob.CERTIFICATE: leaf.decode(), **({blob.CHAIN: authority.chain_pem.decode()} if chain else {})}
        rule = Requirement(SIGSTORE_SIGNED, "default[0]", pki=wanted)
        return refusal(rule, plain.replace(annotations={**plain.annotations, **more}))

    leaf = authority.leaf(key, hosts=("build.example.com", "*.ci.example.com"))
    assert told(pki, leaf) == ""
    assert "does not lead" in told(pki, leaf, chain=False)
    assert told(pki.replace(intermediates=Key(data=authority.chain_pem)), leaf, chain=False) == ""
    for host, accepted in (("build.example.com", True), ("a.ci.example.com", True), ("a.b.ci.example.com", False)):
        assert (told(pki.replace(subject_email="", subject_hostname=host), leaf) == "") is accepted
    assert "not for x@y" in told(pki.replace(subject_email="x@y"), leaf)
    assert "not for other" in told(pki.replace(subject_hostname="other"), leaf)
    assert "does not lead" in told(pki, stranger.leaf(key))
    assert "did not make it" in told(pki, leaf, ec.generate_private_key(ec.SECP256R1()))
    old = Authority(now - datetime.timedelta(days=1))
    assert "does not lead" in told(Pki(Key(data=old.root_pem), Key(data=old.chain_pem), signing.EMAIL), old.leaf(key))


def test_a_log_entry_must_be_about_the_signature() -> None:
    ground = Keyless(datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC))
    leaf = ground.authority.leaf(ground.key)
    good = ground.signature(leaf)
    made = good.annotations[blob.SIGNATURE]

    def bundled(bundle: str) -> str:
        return refusal(ground.rule, good.replace(annotations={**good.annotations, blob.BUNDLE: bundle}))

    log, moment_s = ground.log, ground.moment_s
    forged = signing.rekor_bundle(ground.key, made, leaf, good.payload, moment_s)
    assert "not signed by a log" in bundled(forged)
    assert "another payload" in bundled(signing.rekor_bundle(log, made, leaf, b"x", moment_s))
    wrong = base64.b64encode(b"x").decode()
    assert "another signature" in bundled(signing.rekor_bundle(log, wrong, leaf, good.payload, moment_s))
    other = ground.authority.leaf(ground.key)
    assert "another key" in bundled(signing.rekor_bundle(log, made, other, good.payload, moment_s))
    assert "no JSON" in bundled("") or "lacks" in bundled("")
    honest = signing.rekor_bundle(log, made, leaf, good.payload, moment_s)
    assert "not signed by a log" in bundled(honest.replace(f'"integratedTime": {moment_s}', '"integratedTime": 1'))


def test_a_key_with_a_log_entry() -> None:
    key, log = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    pem = signing.public_pem(key)
    logs = (Key(data=signing.public_pem(log)),)
    rule = Requirement(SIGSTORE_SIGNED, "default[0]", keys=(Key(data=pem),), rekor_keys=logs)
    plain = sigstore(key)
    assert "lacks the annotation" in refusal(rule, plain)
    bundle = signing.rekor_bundle(log, plain.annotations[blob.SIGNATURE], pem, plain.payload, 1_700_000_000)
    assert refusal(rule, plain.replace(annotations={**plain.annotations, blob.BUNDLE: bundle})) == ""


def test_all_rules_must_be_fulfilled(tmp_path: Path) -> None:
    reject = Requirement("reject", "default[1]")
    accept = Requirement("insecureAcceptAnything", "default[0]")
    evaluate.judge((accept,), "/p", IMAGE, lambda: pytest.fail("nobody needs signatures"))
    with pytest.raises(Rejected, match=r"docker://quay.io/a/b:1 is rejected by policy.*default\[1\] .reject. in /p"):
        evaluate.judge((accept, reject), "/p", IMAGE, lambda: ())
    with pytest.raises(Rejected, match="signedBaseLayer"):
        evaluate.judge((Requirement("signedBaseLayer", "default[0]"),), "/p", IMAGE, lambda: ())
    missing = Requirement(SIGNED_BY, "default[0]", "GPGKeys", (Key(str(tmp_path / "none")),))
    with pytest.raises(Rejected, match="cannot read the key"):
        evaluate.judge((missing,), "/p", IMAGE, lambda: (Simple(b"\x99"),))
    x509 = Requirement(SIGNED_BY, "default[0]", "X509Certificates", (Key("/k"),))
    with pytest.raises(Rejected, match="only GPGKeys"):
        evaluate.judge((x509,), "/p", IMAGE, lambda: (Simple(b"\x99"),))
