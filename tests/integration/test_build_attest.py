"""`build --sbom` and `--provenance`: artifacts that refer to the image, here and at its registry."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from argosy.build.sbom import statement
from tests.rig.program import Program
from tests.rig.registry import Registry

INSECURE = "--tls-verify=false"


@pytest.fixture(scope="module")
def program(insecure_registry: Registry, shared_program: Program) -> Program:
    os.mkdir(f"{shared_program.files}/ctx")
    shared_program.write("ctx/status", "Package: tool\nVersion: 1.0\nStatus: install ok installed\n")
    shared_program.write("ctx/Dockerfile", "FROM scratch\nARG WHO\nCOPY status /var/lib/dpkg/status\n")
    return shared_program


def build(program: Program, *flags: str, check: bool | int = True) -> Any:
    return program.run("build", "-q", *flags, f"{program.files}/ctx", check=check)


def content(program: Program, name: str) -> Any:
    directory = f"{program.files}/out-{os.urandom(3).hex()}"
    os.mkdir(directory)
    program.run("artifact", "extract", name, directory)
    (file,) = os.listdir(directory)
    with open(f"{directory}/{file}", encoding="utf-8") as found:
        return json.load(found)


def test_documents_refer_to_the_image(program: Program) -> None:
    path = f"{program.files}/bom.json"
    flags = ("--sbom=cyclonedx", "--sbom-output", path, "--provenance=mode=max", "--build-arg", "WHO=me")
    image = build(program, *flags, "-t", "said").stdout.strip()
    digest = program.run("image", "inspect", image).json()[0]["Digest"]
    tag = f"localhost/said:{digest.replace(':', '-')}"
    bill = content(program, f"{tag}.sbom")
    with open(path, encoding="utf-8") as file:
        assert json.load(file) == bill
    assert [component["purl"] for component in bill["components"]] == ["pkg:deb/debian/tool@1.0"]
    origin = content(program, f"{tag}.provenance")
    assert origin["subject"] == [{"name": "localhost/said", "digest": {"sha256": digest[7:]}}]
    assert origin["predicateType"] == "https://slsa.dev/provenance/v1"
    parameters = origin["predicate"]["buildDefinition"]["externalParameters"]
    assert parameters["arguments"] == {"WHO": "me"}
    manifest = program.run("artifact", "inspect", f"{tag}.sbom").json()["Manifest"]
    assert manifest["subject"]["digest"] == digest
    assert manifest["artifactType"] == "application/vnd.cyclonedx+json"
    build(program, *flags, "-t", "said")  # again: the earlier ones are replaced
    plain = build(program, "--provenance", "-t", "plain").stdout.strip()
    digest = program.run("image", "inspect", plain).json()[0]["Digest"]
    told = content(program, f"localhost/plain:{digest.replace(':', '-')}.provenance")
    assert "arguments" not in told["predicate"]["buildDefinition"]["externalParameters"]
    for flag in ("--sbom=no", "--provenance=no", "--sbom-output=x"):
        assert "sbom" in build(program, flag, check=125).stderr or "--provenance" in flag


def test_signed_and_pushed(program: Program, insecure_registry: Registry) -> None:
    key, password = f"{program.files}/key", program.write("password", "secret\n")
    program.run("generate-sigstore-key", "--output-prefix", key, "--passphrase-file", password, name="skopeo")
    place = f"{insecure_registry.name}/attest/image-{os.urandom(3).hex()}"
    signing = ("--sign-by-sigstore-private-key", f"{key}.private", "--sign-passphrase-file", password)
    build(program, INSECURE, "--push", "--sbom", "--provenance", *signing, "-t", f"{place}:1")
    digest = program.run("inspect", INSECURE, f"docker://{place}:1", name="skopeo").json()["Digest"]
    with open(f"{key}.pub", "rb") as file:
        public = serialization.load_pem_public_key(file.read())
    assert isinstance(public, ec.EllipticCurvePublicKey)
    for kind, predicate in (("sbom", "https://spdx.dev/Document"), ("provenance", "https://slsa.dev/provenance/v1")):
        name = f"{place}:{digest.replace(':', '-')}.{kind}"
        raw = program.run("inspect", INSECURE, "--raw", f"docker://{name}", name="skopeo").json()
        assert raw["subject"]["digest"] == digest
        assert raw["artifactType"] == "application/vnd.dsse.envelope.v1+json"
        envelope = content(program, name)
        payload = base64.b64decode(envelope["payload"])
        signature = base64.b64decode(envelope["signatures"][0]["sig"])
        public.verify(signature, statement.encoding(payload), ec.ECDSA(hashes.SHA256()))
        said = json.loads(payload)
        assert (said["predicateType"], said["subject"][0]["digest"]) == (predicate, {"sha256": digest[7:]})


def referrers(registry: Registry, program: Program, place: str, digest: str) -> dict[str, Any]:
    """What refers to the digest there, by its type: by the tag that stands for the API."""
    tag = f"docker://{place}:{digest.replace(':', '-')}"
    index = program.run("inspect", INSECURE, "--raw", tag, name="skopeo").json()
    return {entry["artifactType"]: entry["digest"] for entry in index["manifests"]}


def test_a_later_push_carries_them(program: Program, insecure_registry: Registry) -> None:
    """About the manifest there, whose layers are compressed; again without another copy; signed ones cannot follow."""
    build(program, "--sbom", "--provenance", "--label", "is=later", "-t", "later")
    place = f"{insecure_registry.name}/attest/later-{os.urandom(3).hex()}"
    found = []
    for _ in range(2):
        program.run("push", "-q", INSECURE, "later", f"{place}:1")
        digest = program.run("inspect", INSECURE, f"docker://{place}:1", name="skopeo").json()["Digest"]
        assert digest != program.run("image", "inspect", "later").json()[0]["Digest"]
        found.append(referrers(insecure_registry, program, place, digest))
    assert found[0] == found[1]
    assert sorted(found[0]) == ["application/spdx+json", "application/vnd.in-toto+json"]
    name = f"{place}:{digest.replace(':', '-')}.provenance"
    program.run("artifact", "pull", "-q", INSECURE, name)
    assert content(program, name)["subject"] == [{"name": place, "digest": {"sha256": digest[7:]}}]
    key, password = f"{program.files}/later-key", program.write("password", "secret\n")
    program.run("generate-sigstore-key", "--output-prefix", key, "--passphrase-file", password, name="skopeo")
    signing = ("--sign-by-sigstore-private-key", f"{key}.private", "--sign-passphrase-file", password)
    build(program, "--sbom", *signing, "--label", "is=signed", "-t", "signed")
    assert "build --push signs" in program.run("push", "-q", INSECURE, "signed", f"{place}:signed").stderr


def test_those_of_a_list_follow_its_images(program: Program, insecure_registry: Registry) -> None:
    build(program, "--sbom", "--platform", "linux/amd64,linux/arm64", "-t", "several")
    place = f"{insecure_registry.name}/attest/several-{os.urandom(3).hex()}"
    program.run("manifest", "push", "-q", "--all", INSECURE, "several", f"docker://{place}:1")
    index = program.run("inspect", INSECURE, "--raw", f"docker://{place}:1", name="skopeo").json()
    for entry in index["manifests"]:
        assert len(referrers(insecure_registry, program, place, entry["digest"])) == 1
