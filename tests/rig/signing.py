"""Keys and signatures for tests, made by gpg and `cryptography`, not by the program's own code."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

ISSUER = "https://issuer.example.com"
EMAIL = "dev@example.com"
_PEM = serialization.Encoding.PEM
_PUBLIC = serialization.PublicFormat.SubjectPublicKeyInfo


@dataclass(frozen=True)
class Gpg:
    """A GnuPG home with secret keys that need no passphrase (`passphrase` otherwise)."""

    home: str

    @classmethod
    def create(cls, home: str) -> Gpg:
        os.mkdir(home, 0o700)
        return cls(home)

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "GNUPGHOME": self.home}

    def run(self, *argv: str, data: bytes = b"") -> bytes:
        return subprocess.run(
            ["gpg", "--batch", "--quiet", *argv], input=data, env=self.env, check=True, capture_output=True
        ).stdout

    def key(self, address: str, *more: str, passphrase: str = "", expires: str = "never") -> str:
        """Make a key; its fingerprint."""
        words = ("--pinentry-mode", "loopback", "--passphrase", passphrase)
        self.run(*more, *words, "--quick-gen-key", f"Tester <{address}>", "ed25519", "sign", expires)
        listed = self.run("--with-colons", "--list-keys", address).decode().splitlines()
        return next(line.split(":")[9] for line in listed if line.startswith("fpr:"))

    def public(self, *keys: str, armor: bool = False) -> bytes:
        return self.run("--export", *(["--armor"] if armor else []), *keys)

    def sign(self, data: bytes, *keys: str, more: tuple[str, ...] = ()) -> bytes:
        users = [word for key in keys for word in ("--local-user", key)]
        return self.run(*more, "--sign", *users, "--output", "-", "-", data=data)

    def stop(self) -> None:
        """End the agent that gpg has started for this home."""
        subprocess.run(["gpgconf", "--kill", "all"], env=self.env, check=False)


def payload(kind: str, digest: str, name: str, **more: Any) -> bytes:
    """What is signed."""
    critical = {
        "type": kind,
        "image": {"docker-manifest-digest": digest},
        "identity": {"docker-reference": name},
    }
    return json.dumps({"critical": critical, "optional": {"creator": "test"}, **more}).encode()


def public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(_PEM, _PUBLIC)


def ecdsa(key: ec.EllipticCurvePrivateKey, data: bytes) -> str:
    """The signature in base64."""
    return base64.b64encode(key.sign(data, ec.ECDSA(hashes.SHA256()))).decode()


def rekor_bundle(log: ec.EllipticCurvePrivateKey, signature: str, signer_pem: bytes, data: bytes, moment_s: int) -> str:
    """The log's promise about a signature, as cosign keeps it beside the image."""
    record = {
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}},
            "signature": {
                "content": signature,
                "publicKey": {"content": base64.b64encode(signer_pem).decode()},
            },
        },
    }
    entry = {
        "body": base64.b64encode(json.dumps(record).encode()).decode(),
        "integratedTime": moment_s,
        "logID": "00" * 32,
        "logIndex": 7,
    }
    canonical = json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()
    return json.dumps({"SignedEntryTimestamp": ecdsa(log, canonical), "Payload": entry})


class Authority:
    """A certificate authority as Fulcio is one: a root, an intermediate, leaves that hold for ten minutes."""

    def __init__(self, made: datetime.datetime) -> None:
        self.made = made
        self._root_key = ec.generate_private_key(ec.SECP256R1())
        self._key = ec.generate_private_key(ec.SECP256R1())
        root = self._authority("root", self._root_key, "root", self._root_key, 1)
        self._intermediate = self._authority("intermediate", self._key, "root", self._root_key, 0)
        self.root_pem = root.public_bytes(_PEM)
        self.chain_pem = self._intermediate.public_bytes(_PEM) + self.root_pem

    def _authority(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        issuer: str,
        issuer_key: ec.EllipticCurvePrivateKey,
        depth: int,
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.made)
            .not_valid_after(self.made + datetime.timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=depth), critical=True)
            .add_extension(_usage(authority=True), critical=True)
        )
        if depth == 0:
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
        return builder.sign(issuer_key, hashes.SHA256())

    def leaf(
        self,
        key: ec.EllipticCurvePrivateKey,
        *,
        email: str = EMAIL,
        issuer: str = ISSUER,
        usage: ObjectIdentifier = ExtendedKeyUsageOID.CODE_SIGNING,
        hosts: tuple[str, ...] = (),
    ) -> bytes:
        """A certificate for the key, in PEM."""
        text = issuer.encode()
        names = [x509.RFC822Name(email), *map(x509.DNSName, hosts)]
        extension = x509.UnrecognizedExtension(
            ObjectIdentifier("1.3.6.1.4.1.57264.1.8"), bytes((0x0C, len(text))) + text
        )
        old = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.57264.1.1"), text)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(_name("intermediate"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.made)
            .not_valid_after(self.made + datetime.timedelta(minutes=10))
            .add_extension(x509.SubjectAlternativeName(names), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(extension, critical=False)
            .add_extension(old, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(_PEM)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
