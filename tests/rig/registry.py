"""Real registries for tests: Debian's docker-registry on loopback, on ports that the kernel chooses.

`registry` speaks TLS with a certificate of our own authority and wants a password (htpasswd); `insecure_registry`
speaks plain HTTP and lets everybody in.  Both run for the whole session; a test uses repositories of its own name.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.client
import io
import json
import os
import shutil
import ssl
import subprocess
import tarfile
import tempfile
import time
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

USER = "argosy"
PASSWORD = "sesame"
# bcrypt of the password, at the lowest cost: `htpasswd -nbB -C 4 argosy sesame`
_HTPASSWD = "argosy:$2y$04$Yu0M4prZ14KN3vp22uqJAOLJMZLIxgMIcbwHDVuUOOd0eClNge9iG\n"
_START_S = 20.0

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def sha256(data: bytes) -> str:
    """The digest of some bytes, computed without the program's own code."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def describe(media_type: str, data: bytes, **more: Any) -> dict[str, Any]:
    """A descriptor as JSON."""
    return {"mediaType": media_type, "digest": sha256(data), "size": len(data), **more}


def encode(value: Any) -> bytes:
    return json.dumps(value).encode()


def tar(files: Mapping[str, bytes]) -> bytes:
    """An uncompressed archive of regular files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            entry.mode = 0o755
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


@dataclass(frozen=True)
class Image:
    """A manifest (or index) with its media type, and all that it points at."""

    manifest: bytes
    media_type: str
    blobs: dict[str, bytes] = field(default_factory=dict)
    children: tuple[Image, ...] = ()

    @property
    def digest(self) -> str:
        return sha256(self.manifest)


def image(
    layers: Sequence[bytes | Mapping[str, bytes]] = ({"hello": b"hello\n"},),
    *,
    config: Mapping[str, Any] | None = None,
    docker: bool = False,
    **fields: Any,
) -> Image:
    """An image of these layers: each an uncompressed archive, or the files to make one of.  `fields` go to the config
    object's top level, `config` into its member of that name."""
    archives = [layer if isinstance(layer, bytes) else tar(layer) for layer in layers]
    packed = [gzip.compress(archive, 1, mtime=0) for archive in archives]
    config_data = encode(
        {
            "architecture": _architecture(),
            "os": "linux",
            "created": "2024-01-02T03:04:05Z",
            "config": dict(config or {}),
            "rootfs": {"type": "layers", "diff_ids": [sha256(archive) for archive in archives]},
            "history": [{"created_by": f"layer {number}"} for number in range(len(archives))],
            **fields,
        }
    )
    layer_type = DOCKER_LAYER_GZIP if docker else f"{OCI_LAYER}+gzip"
    media_type = DOCKER_MANIFEST if docker else OCI_MANIFEST
    manifest = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": describe(DOCKER_CONFIG if docker else OCI_CONFIG, config_data),
        "layers": [describe(layer_type, data) for data in packed],
    }
    return Image(encode(manifest), media_type, {sha256(data): data for data in (config_data, *packed)})


def index(images: Sequence[tuple[Image, Mapping[str, str] | None]], *, docker: bool = False) -> Image:
    """An index of images, each with its platform (None: without one)."""
    media_type = DOCKER_LIST if docker else OCI_INDEX
    entries = [
        describe(child.media_type, child.manifest, **({"platform": dict(platform)} if platform else {}))
        for child, platform in images
    ]
    data = encode({"schemaVersion": 2, "mediaType": media_type, "manifests": entries})
    return Image(data, media_type, {}, tuple(child for child, _ in images))


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


class Authority:
    """A certificate authority of our own, made with the openssl program."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        self.certificate = f"{directory}/ca.crt"
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{directory}/ca.key")
        self._openssl(
            *(
                "req",
                "-x509",
                "-new",
                "-key",
                f"{directory}/ca.key",
                "-days",
                "3650",
                "-subj",
                "/CN=argosy test authority",
            ),
            *("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign,cRLSign"),
            *("-out", self.certificate),
        )

    def issue(
        self, name: str, *, alternatives: str = "DNS:localhost,IP:127.0.0.1", client: bool = False
    ) -> tuple[str, str]:
        """The paths of a new certificate and its key."""
        stem = f"{self.directory}/{name}"
        with open(f"{stem}.ext", "w", encoding="utf-8") as file:
            usage = "clientAuth" if client else "serverAuth"
            file.write(f"subjectAltName={alternatives}\nextendedKeyUsage={usage}\nbasicConstraints=CA:FALSE\n")
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{stem}.key")
        self._openssl("req", "-new", "-key", f"{stem}.key", "-subj", f"/CN={name}", "-out", f"{stem}.csr")
        self._openssl(
            *("x509", "-req", "-in", f"{stem}.csr", "-CA", self.certificate, "-CAkey", f"{self.directory}/ca.key"),
            *("-CAcreateserial", "-days", "3650", "-extfile", f"{stem}.ext", "-out", f"{stem}.cert"),
        )
        return f"{stem}.cert", f"{stem}.key"

    def server_context(self, name: str = "server") -> ssl.SSLContext:
        """For servers written in Python."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue(name))
        return context

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@dataclass
class Registry:
    """A running docker-registry.  `name` is host:port, as in references."""

    name: str
    directory: str
    certificate: str = ""
    user: str = ""
    password: str = ""

    @property
    def certificate_directory(self) -> str:
        """What --cert-dir takes."""
        return os.path.dirname(self.certificate) if self.certificate else ""

    def auth_file(self, path: str, password: str = "") -> str:
        """Write an auth.json with our credentials (or a wrong password) to `path`."""
        pair = f"{self.user}:{password or self.password}"
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"auths": {self.name: {"auth": base64.b64encode(pair.encode()).decode()}}}, file)
        return path

    def push(self, repository: str, tag: str, pushed: Image) -> str:
        """Put an image there and return its reference by tag."""
        for child in pushed.children:
            self.push(repository, child.digest, child)
        for digest, data in pushed.blobs.items():
            self._push_blob(repository, digest, data)
        path = f"/v2/{repository}/manifests/{tag}"
        self._send("PUT", path, pushed.manifest, {"Content-Type": pushed.media_type}, 201)
        return f"{self.name}/{repository}:{tag}"

    def _push_blob(self, repository: str, digest: str, data: bytes) -> None:
        location = self._send("POST", f"/v2/{repository}/blobs/uploads/", b"", {}, 202)
        parts = urllib.parse.urlsplit(location)
        target = f"{parts.path}?{parts.query}&digest={urllib.parse.quote(digest)}"
        self._send("PUT", target, data, {"Content-Type": "application/octet-stream"}, 201)

    def _send(self, method: str, path: str, body: bytes, headers: dict[str, str], expected: int) -> str:
        host, _, port = self.name.partition(":")
        connection: http.client.HTTPConnection
        if self.certificate:
            context = ssl.create_default_context(cafile=self.certificate)
            connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=30)
        else:
            connection = http.client.HTTPConnection(host, int(port), timeout=30)
        if self.user:
            pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            headers = {**headers, "Authorization": f"Basic {pair}"}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status == expected, f"{method} {path}: {answer.status} {text!r}"
            return answer.getheader("Location") or ""
        finally:
            connection.close()


class _Server:
    """A docker-registry process."""

    def __init__(self, directory: str, options: Mapping[str, Any]) -> None:
        self.log = f"{directory}/log"
        config = {
            "version": 0.1,
            "log": {"level": "info", "formatter": "json"},
            "storage": {"filesystem": {"rootdirectory": f"{directory}/data"}, "delete": {"enabled": True}},
            **options,
        }
        with open(f"{directory}/config.yml", "w", encoding="utf-8") as file:
            json.dump(config, file)  # JSON is YAML
        environment = {"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["docker-registry", "serve", f"{directory}/config.yml"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )

    def port(self) -> int:
        """The port that the kernel chose, from the line that says so."""
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            with open(self.log, encoding="utf-8") as file:
                for line in file:
                    if '"msg":"listening on ' in line:
                        address = json.loads(line)["msg"].removeprefix("listening on ").partition(",")[0]
                        return int(address.rpartition(":")[2])
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        with open(self.log, encoding="utf-8") as file:
            raise RuntimeError(f"docker-registry does not start:\n{file.read()[-4000:]}")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="session")
def authority() -> Iterator[Authority]:
    """A certificate authority that nobody trusts unless told to."""
    directory = tempfile.mkdtemp(prefix="argosy-authority.")
    os.chmod(directory, 0o755)
    yield Authority(f"{directory}/made")
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def registry(authority: Authority) -> Iterator[Registry]:
    """A registry with TLS and a password."""
    directory = _directory()
    certificate, key = authority.issue("registry")
    with open(f"{directory}/htpasswd", "w", encoding="utf-8") as file:
        file.write(_HTPASSWD)
    os.mkdir(f"{directory}/certs")
    shutil.copy(authority.certificate, f"{directory}/certs/ca.crt")
    server = _Server(
        directory,
        {
            "http": {"addr": "127.0.0.1:0", "tls": {"certificate": certificate, "key": key}},
            "auth": {"htpasswd": {"realm": "test", "path": f"{directory}/htpasswd"}},
        },
    )
    try:
        name = f"localhost:{server.port()}"
        yield Registry(name, directory, f"{directory}/certs/ca.crt", USER, PASSWORD)
    finally:
        server.stop()
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def insecure_registry() -> Iterator[Registry]:
    """A registry with plain HTTP, open to everybody."""
    directory = _directory()
    server = _Server(directory, {"http": {"addr": "127.0.0.1:0"}})
    try:
        yield Registry(f"localhost:{server.port()}", directory)
    finally:
        server.stop()
        shutil.rmtree(directory)


def _directory() -> str:
    """A directory that an unprivileged user may read: the certificate is there."""
    if shutil.which("docker-registry") is None:
        pytest.skip("docker-registry is not installed")
    directory = tempfile.mkdtemp(prefix="argosy-registry.")
    os.chmod(directory, 0o755)
    return directory
