"""docker:// from configuration files to bytes, against real registries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from argosy.config import registries
from argosy.errors import ArgosyError
from argosy.oci import manifest as manifests
from argosy.oci import reference as references
from argosy.oci.manifest import ImageManifest
from argosy.registry.faults import Unauthorized, Unknown, Unreachable
from argosy.registry.retry import Backoff
from argosy.transports import docker
from argosy.transports.access import RegistryOptions
from argosy.transports.docker import DockerSource
from tests.rig.hostile_registry import Exchange, Hostile, serves
from tests.rig.registry import Authority, Image, Registry, image

QUICK = Backoff(retries=1, base_s=0.01)


class User:
    """Somebody with configuration files, who opens images."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environ = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run"), "PATH": "/usr/bin:/bin"}
        self.notices: list[str] = []
        self.write(".config/containers/registries.conf", "")

    def write(self, name: str, text: str) -> None:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def open(self, name: str, **options: Any) -> DockerSource:
        return docker.open_source(
            references.parse(name),
            registries=registries.load(self.environ, rootless=True),
            environ=self.environ,
            uid=1000,
            options=RegistryOptions(backoff=QUICK, timeout_s=5, **options),
            notice=self.notices.append,
        )


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


def check(source: DockerSource, pushed: Image) -> None:
    """The source gives the image, byte for byte."""
    raw = source.manifest()
    assert raw.data == pushed.manifest
    parsed = manifests.parse(raw.data, raw.media_type)
    assert isinstance(parsed, ImageManifest)
    assert source.fetch(parsed.config, 1 << 20) == pushed.blobs[parsed.config.digest]
    for layer in parsed.layers:
        with source.read_blob(layer) as stream:
            assert b"".join(stream) == pushed.blobs[layer.digest]
    assert source.manifest(raw.digest) == raw
    source.close()
    source.close()


def test_with_options(user: User, registry: Registry) -> None:
    pushed = image()
    name = registry.push("transport/options", "latest", pushed)
    creds = f"{registry.user}:{registry.password}"
    check(user.open(name, creds=creds, cert_dir=registry.certificate_directory), pushed)
    check(user.open(name, creds=creds, tls_verify=False), pushed)
    source = user.open(name, creds=creds, tls_verify=False)
    assert source.tags() == ["latest"]
    source.close()


def test_with_configuration_files(user: User, registry: Registry) -> None:
    pushed = image()
    name = registry.push("transport/files", "latest", pushed)
    with open(registry.certificate, encoding="utf-8") as file:
        user.write(f".config/containers/certs.d/{registry.name}/ca.crt", file.read())
    (user.home / "run/containers").mkdir(parents=True)
    registry.auth_file(f"{user.home}/run/containers/auth.json")
    check(user.open(name), pushed)


def test_wrong_credentials_in_an_authfile(user: User, registry: Registry) -> None:
    path = registry.auth_file(f"{user.home}/auth.json", password="wrong")
    with pytest.raises(Unauthorized) as caught:
        user.open(f"{registry.name}/x/y", authfile=path, tls_verify=False).manifest()
    assert f'for user "argosy" (from {path})' in caught.value.brief
    assert "argosy login" in caught.value.hint


def test_insecure_by_configuration_but_not_against_the_command_line(user: User, insecure_registry: Registry) -> None:
    pushed = image()
    name = insecure_registry.push("transport/insecure", "latest", pushed)
    with pytest.raises(Unreachable, match="HTTP response to HTTPS client"):
        user.open(name).manifest()
    user.write(
        ".config/containers/registries.conf", f'[[registry]]\nlocation = "{insecure_registry.name}"\ninsecure = true'
    )
    check(user.open(name), pushed)
    with pytest.raises(Unreachable, match="HTTP response to HTTPS client"):
        user.open(name, tls_verify=True).manifest()


def test_mirrors_in_order_with_a_fallback(user: User, insecure_registry: Registry) -> None:
    """The first mirror is not there, the second lacks the image, the third has it."""
    pushed = image([{"mirrored": b"1"}])
    insecure_registry.push("transport/mirror/app", "latest", pushed)
    place = insecure_registry.name
    user.write(
        ".config/containers/registries.conf",
        f"""
[[registry]]
location = "origin.invalid"
[[registry.mirror]]
location = "localhost:1"
insecure = true
[[registry.mirror]]
location = "{place}/transport/empty"
insecure = true
[[registry.mirror]]
location = "{place}/transport/mirror"
insecure = true
""",
    )
    check(user.open("origin.invalid/app"), pushed)
    assert any(f"{place}/transport/empty/app failed" in notice for notice in user.notices)


def test_when_all_places_fail_all_are_told(user: User, insecure_registry: Registry) -> None:
    place = insecure_registry.name
    user.write(
        ".config/containers/registries.conf",
        f"""
[[registry]]
location = "{place}/transport/origin"
insecure = true
[[registry.mirror]]
location = "localhost:1"
insecure = true
""",
    )
    with pytest.raises(Unknown, match="manifest unknown") as caught:
        user.open(f"{place}/transport/origin/app").manifest()
    assert "Mirrors also failed: [localhost:1/app: cannot reach" in str(caught.value)


def test_a_rewritten_place_keeps_its_name(user: User, insecure_registry: Registry) -> None:
    pushed = image()
    insecure_registry.push("transport/real", "latest", pushed)
    user.write(
        ".config/containers/registries.conf",
        f'[[registry]]\nprefix = "*.wild.invalid"\nlocation = "{insecure_registry.name}/transport"\ninsecure = true',
    )
    source = user.open("some.wild.invalid/real")
    assert str(source.reference) == "some.wild.invalid/real:latest"
    check(source, pushed)


def test_blocked_registries_are_not_spoken_to(user: User) -> None:
    with Hostile(serves(image())) as server:
        user.write(".config/containers/registries.conf", f'[[registry]]\nlocation = "{server.name}"\nblocked = true')
        with pytest.raises(ArgosyError, match="is blocked"):
            user.open(f"{server.name}/a/b", tls_verify=False)
    assert server.seen == []


def test_credentials_of_the_command_line_are_not_for_mirrors(user: User) -> None:
    def closed(exchange: Exchange) -> None:
        exchange.answer(401, b"", {"WWW-Authenticate": 'Basic realm="x"'})

    with Hostile(closed) as mirror, Hostile(serves(image())) as origin:
        user.write(
            ".config/containers/registries.conf",
            f'[[registry]]\nlocation = "{origin.name}"\ninsecure = true\n'
            f'[[registry.mirror]]\nlocation = "{mirror.name}"\ninsecure = true',
        )
        source = user.open(f"{origin.name}/a/b", creds="me:secret")
        source.manifest()
        source.close()
    assert mirror.seen
    assert mirror.authorizations() == []


def test_each_mirror_gets_its_own_stored_credentials(user: User) -> None:
    pushed = image()

    def script(exchange: Exchange) -> None:
        if "authorization" in exchange.headers:
            serves(pushed)(exchange)
        else:
            exchange.answer(401, b"", {"WWW-Authenticate": 'Basic realm="x"'})

    with Hostile(script) as mirror:
        user.write(
            ".config/containers/registries.conf",
            f'[[registry]]\nlocation = "origin.invalid"\n'
            f'[[registry.mirror]]\nlocation = "{mirror.name}/cache"\ninsecure = true',
        )
        auths = {f"{mirror.name}/cache": {"auth": "bWlycm9yOnB3"}, "origin.invalid": {"auth": "b3JpZ2luOnB3"}}
        user.write(".config/containers/auth.json", json.dumps({"auths": auths}))
        check(user.open("origin.invalid/app"), pushed)
    assert set(mirror.authorizations()) == {"Basic bWlycm9yOnB3"}


def test_a_blob_that_the_mirror_lacks_comes_from_behind_it(user: User) -> None:
    pushed = image()
    honest = serves(pushed)

    def lossy(exchange: Exchange) -> None:
        if "/blobs/" in exchange.path:
            exchange.answer(404)
        else:
            honest(exchange)

    with Hostile(lossy) as mirror, Hostile(honest) as origin:
        user.write(
            ".config/containers/registries.conf",
            f'[[registry]]\nlocation = "{origin.name}"\ninsecure = true\n'
            f'[[registry.mirror]]\nlocation = "{mirror.name}"\ninsecure = true',
        )
        check(user.open(f"{origin.name}/a/b"), pushed)
    assert not any("/manifests/" in path for path in origin.paths())


def test_layers_that_are_elsewhere(user: User, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are fetched from their URLs, by TLS alone, and without the registry's credentials."""
    made = image([{"a": b"foreign"}])
    document = json.loads(made.manifest)
    layer = document["layers"][0]
    monkeypatch.setenv("SSL_CERT_FILE", authority.certificate)

    def elsewhere(exchange: Exchange) -> None:
        found = exchange.path == "/layers/one?x=1"
        exchange.answer(200 if found else 404, made.blobs[layer["digest"]] if found else b"")

    def lacking(exchange: Exchange) -> None:
        if "authorization" not in exchange.headers:
            exchange.answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        else:
            exchange.answer(200 if exchange.path == "/v2/" else 404)

    with Hostile(elsewhere, authority.server_context("foreign")) as there, Hostile(lacking) as registry:
        source = user.open(f"{registry.name}/a:1", tls_verify=False, creds="me:secret")
        found = manifests.parse(json.dumps(document).encode())
        assert isinstance(found, ImageManifest)
        plain = f"http://{there.name}/layers/one?x=1"
        urls = (plain, f"{there.url}/nosuch", f"{there.url}/layers/one?x=1")
        with source.read_blob(found.layers[0].replace(urls=urls)) as stream:
            assert b"".join(stream) == made.blobs[layer["digest"]]
        assert there.authorizations() == []
        with pytest.raises(Unknown) as missing:
            source.read_blob(found.layers[0].replace(urls=urls[:2]))
        assert "https://HOST/PATH" in missing.value.__notes__[0]
        with pytest.raises(Unknown):
            source.read_blob(found.layers[0])
        source.close()
