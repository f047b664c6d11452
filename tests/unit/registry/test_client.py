"""The client against a real registry: TLS, a password, several threads."""

from __future__ import annotations

import hashlib
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from argosy.config.auth import Credentials
from argosy.config.certs import Certificates
from argosy.oci import manifest as manifests
from argosy.oci.descriptor import Descriptor
from argosy.oci.digest import Digest
from argosy.registry import login
from argosy.registry.client import RegistryClient
from argosy.registry.faults import Unauthorized, Unknown, Unreachable
from argosy.registry.http import Connection
from argosy.registry.retry import Backoff
from argosy.registry.session import Session
from tests.rig import host
from tests.rig.registry import Registry, image, index

QUICK = Backoff(retries=2, base_s=0.01)


def client(registry: Registry, repository: str, *, password: str = "", trusted: bool = True) -> RegistryClient:
    certificates = Certificates((registry.certificate,) if registry.certificate and trusted else ())
    session = Session(
        registry.name,
        connection=Connection(insecure=not registry.certificate, certificates=certificates, timeout_s=5),
        credentials=Credentials(registry.user, password or registry.password, origin="test") if registry.user else None,
        backoff=QUICK,
    )
    return RegistryClient(session, repository)


def test_manifest_by_tag_and_by_digest(registry: Registry) -> None:
    pushed = image()
    registry.push("client/plain", "v1", pushed)
    reader = client(registry, "client/plain")
    by_tag = reader.manifest("v1")
    assert by_tag.data == pushed.manifest
    assert by_tag.digest == pushed.digest
    assert by_tag.media_type == pushed.media_type
    assert reader.manifest(pushed.digest) == by_tag
    reader.close()


def test_index_and_its_children(registry: Registry) -> None:
    one, two = image(), image([{"other": b"x"}], docker=True)
    both = index([(one, {"os": "linux", "architecture": "amd64"}), (two, {"os": "linux", "architecture": "arm64"})])
    registry.push("client/index", "latest", both)
    reader = client(registry, "client/index")
    parsed = manifests.parse(reader.manifest("latest").data)
    assert isinstance(parsed, manifests.Index)
    assert [entry.digest for entry in parsed.manifests] == [one.digest, two.digest]
    assert reader.manifest(parsed.manifests[1].digest).data == two.manifest
    reader.close()


def test_config_is_fetched_and_verified(registry: Registry) -> None:
    pushed = image(config={"Cmd": ["/hello"]})
    registry.push("client/config", "latest", pushed)
    reader = client(registry, "client/config")
    parsed = manifests.parse(reader.manifest("latest").data)
    assert isinstance(parsed, manifests.ImageManifest)
    assert reader.fetch(parsed.config, 1 << 20) == pushed.blobs[parsed.config.digest]
    reader.close()


def test_blobs_from_several_threads(registry: Registry) -> None:
    pushed = image([{"data": os.urandom(300_000 * number)} for number in range(1, 9)])
    registry.push("client/many", "latest", pushed)
    reader = client(registry, "client/many")
    parsed = manifests.parse(reader.manifest("latest").data)
    assert isinstance(parsed, manifests.ImageManifest)

    def digest_of(layer: Descriptor) -> str:
        with reader.blob(layer) as stream:
            return "sha256:" + hashlib.sha256(b"".join(stream)).hexdigest()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(digest_of, parsed.layers)) == [layer.digest for layer in parsed.layers]
    reader.close()


@pytest.mark.parametrize("offset", [0, 1, 4095, 70_000])
def test_blob_from_an_offset(registry: Registry, offset: int) -> None:
    pushed = image([{"data": os.urandom(100_000)}])
    registry.push("client/offset", "latest", pushed)
    reader = client(registry, "client/offset")
    parsed = manifests.parse(pushed.manifest)
    assert isinstance(parsed, manifests.ImageManifest)
    layer = parsed.layers[0]
    with reader.blob(layer, offset) as stream:
        assert b"".join(stream) == pushed.blobs[layer.digest][offset:]
        assert stream.offset == layer.size
    reader.close()


def test_unknown_tag_and_repository(registry: Registry) -> None:
    registry.push("client/known", "v1", image())
    with pytest.raises(Unknown, match=r"reading manifest v2 in localhost:\d+/client/known: manifest unknown"):
        client(registry, "client/known").manifest("v2")
    with pytest.raises(Unknown, match="manifest unknown"):
        client(registry, "client/absent").manifest("v1")


def test_missing_blob(registry: Registry) -> None:
    registry.push("client/known", "v1", image())
    absent = Descriptor("application/octet-stream", Digest("sha256:" + "0" * 64), 10)
    with pytest.raises(Unknown, match="blob unknown"):
        client(registry, "client/known").blob(absent)


def test_wrong_password_names_the_user_and_the_way_out(registry: Registry) -> None:
    with pytest.raises(Unauthorized, match="invalid username/password") as caught:
        client(registry, "client/known", password="wrong").manifest("v1")
    assert '"argosy"' in caught.value.brief
    assert "wrong" not in str(caught.value)
    assert caught.value.hint == f"log in with `argosy login {registry.name}`"


def test_no_credentials(registry: Registry) -> None:
    anonymous = Registry(registry.name, registry.directory, registry.certificate)
    with pytest.raises(Unauthorized, match="authentication required") as caught:
        client(anonymous, "client/known").manifest("v1")
    assert "argosy login" in caught.value.hint


def test_all_pages_of_tags(registry: Registry) -> None:
    pushed = image()
    names = [f"t{number}" for number in range(7)]
    for name in names:
        registry.push("client/tags", name, pushed)
    assert sorted(client(registry, "client/tags").tags()) == names


def test_plain_http_is_found_only_where_it_is_permitted(registry: Registry, insecure_registry: Registry) -> None:
    assert login.check(client(registry, "x/y").session) == f"https://{registry.name}"
    assert login.check(client(insecure_registry, "x/y").session) == f"http://{insecure_registry.name}"
    strict = RegistryClient(Session(insecure_registry.name, backoff=QUICK), "x/y")
    with pytest.raises(Unreachable, match="HTTP response to HTTPS client") as caught:
        login.check(strict.session)
    assert "--tls-verify=false" in caught.value.hint


def test_unknown_authority_is_refused_with_a_hint(registry: Registry) -> None:
    with pytest.raises(Unreachable, match="certificate cannot be verified") as caught:
        login.check(client(registry, "x/y", trusted=False).session)
    assert f"certs.d/{registry.name}/ca.crt" in caught.value.hint


def test_unverified_certificate_where_it_is_permitted(registry: Registry) -> None:
    session = Session(
        registry.name,
        connection=Connection(insecure=True),
        credentials=Credentials(registry.user, registry.password),
    )
    assert login.check(session) == f"https://{registry.name}"


def test_nobody_listens() -> None:
    with pytest.raises(Unreachable, match="connection refused"):
        RegistryClient(Session("localhost:1", backoff=Backoff(retries=0)), "x/y").manifest("latest")


@host.needs_program("skopeo")
def test_the_same_bytes_as_skopeo_reads(insecure_registry: Registry) -> None:
    reference = insecure_registry.push("client/skopeo", "latest", image(docker=True))
    raw = subprocess.run(
        ["skopeo", "inspect", "--raw", "--no-creds", "--tls-verify=false", f"docker://{reference}"],
        check=True,
        capture_output=True,
    ).stdout
    assert client(insecure_registry, "client/skopeo").manifest("latest").data == raw
