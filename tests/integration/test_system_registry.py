"""`system registry`: the distribution API as any client may use it, and as no client should."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator

import pytest

from tests.rig.program import Program
from tests.rig.registry import OCI_INDEX, OCI_MANIFEST, Authority, Image, describe, encode, image, index, sha256
from tests.rig.served import Answer, Served

STREAM = {"Content-Type": "application/octet-stream"}
DATA = os.urandom(300_000)
DIGEST = sha256(DATA)


@pytest.fixture(scope="module")
def served(shared_both: Program) -> Iterator[Served]:
    with Served(shared_both, "registry") as running:
        yield running
        assert running.stop() == 0
    shared_both.run("system", "check")
    shared_both.run("system", "prune", "--force")  # uploads that were left


def begin(served: Served, name: str) -> str:
    answer = served.request("POST", f"/v2/{name}/blobs/uploads/")
    assert (answer.status, answer.headers["range"]) == (202, "0-0")
    return answer.headers["location"]


def put(served: Served, name: str, data: bytes) -> str:
    digest = sha256(data)
    answer = served.request("PUT", f"{begin(served, name)}?digest={digest}", data, STREAM)
    assert (answer.status, answer.headers["location"]) == (201, f"/v2/{name}/blobs/{digest}")
    return digest


def push(served: Served, name: str, pushed: Image, *tags: str) -> None:
    for child in pushed.children:
        push(served, name, child)
    for data in pushed.blobs.values():
        put(served, name, data)
    for reference in (pushed.digest, *tags):
        path = f"/v2/{name}/manifests/{reference}"
        answer = served.request("PUT", path, pushed.manifest, {"Content-Type": pushed.media_type})
        assert (answer.status, answer.headers["docker-content-digest"]) == (201, pushed.digest)


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, json.loads(answer.body)["errors"][0]["code"]


def test_chunks(served: Served) -> None:
    place = begin(served, "chunks/a")
    half = len(DATA) // 2
    answer = served.request("PATCH", place, DATA[:half], {**STREAM, "Content-Range": f"0-{half - 1}"})
    assert (answer.status, answer.headers["range"]) == (202, f"0-{half - 1}")
    for wrong in (f"{half + 1}-{half + 1}", "0-0", "x", f"{half - 1}-{half - 1}"):
        answer = served.request("PATCH", place, b"x", {**STREAM, "Content-Range": wrong})
        assert (code(answer), answer.headers["range"]) == ((416, "RANGE_INVALID"), f"0-{half - 1}")
    answer = served.request("PATCH", place, b"xx", {**STREAM, "Content-Range": f"{half}-{half}"})
    assert code(answer) == (400, "SIZE_INVALID")
    other = begin(served, "chunks/a")
    for sent, came in ((b"12345", b"123"), (b"45", b"12345")):  # in chunks of HTTP, which tell no length before
        start = 0 if sent == b"12345" else 3
        answer = served.request("PATCH", other, iter([sent]), {**STREAM, "Content-Range": f"{start}-{start + 2}"})
        assert code(answer) == (400, "SIZE_INVALID")
        assert served.request("GET", other).headers["range"] == f"0-{len(came) - 1}"
    answer = served.request("GET", place)
    assert (answer.status, answer.headers["range"], answer.headers["location"]) == (204, f"0-{half - 1}", place)
    assert code(served.request("PUT", place)) == (400, "DIGEST_INVALID")
    end = {**STREAM, "Content-Range": f"{half}-{len(DATA) - 1}"}
    assert served.request("PUT", f"{place}?digest={DIGEST}", DATA[half:], end).status == 201
    assert served.request("GET", f"/v2/chunks/a/blobs/{DIGEST}").body == DATA
    assert code(served.request("GET", place)) == (404, "BLOB_UPLOAD_UNKNOWN")
    place = begin(served, "chunks/a")
    assert served.request("DELETE", place).status == 204
    assert code(served.request("PATCH", place, b"x")) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_at_once_mounted_and_sha512(served: Served) -> None:
    answer = served.request("POST", f"/v2/once/a/blobs/uploads/?digest={DIGEST}", DATA, STREAM)
    assert answer.status == 201
    target = f"/v2/once/b/blobs/uploads/?mount={DIGEST}"
    assert served.request("POST", f"{target}&from=no/such").status == 202
    assert served.request("GET", f"/v2/once/b/blobs/{DIGEST}").status == 404
    assert served.request("POST", f"{target}&from=once/a").status == 201
    assert served.request("GET", f"/v2/once/b/blobs/{DIGEST}").body == DATA
    long = f"sha512:{hashlib.sha512(DATA).hexdigest()}"
    assert served.request("PUT", f"{begin(served, 'once/c')}?digest={long}", DATA).status == 201
    answer = served.request("GET", f"/v2/once/c/blobs/{long}")
    assert (answer.body, answer.headers["docker-content-digest"]) == (DATA, long)
    config = {**describe("application/vnd.oci.empty.v1+json", DATA), "digest": long}
    manifest = encode({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": []})
    by_digest = f"/v2/once/c/manifests/sha512:{hashlib.sha512(manifest).hexdigest()}"
    assert served.request("PUT", by_digest, manifest, {"Content-Type": OCI_MANIFEST}).status == 201
    assert served.request("GET", by_digest).body == manifest


def test_parts_and_conditions(served: Served) -> None:
    put(served, "parts", DATA)
    path = f"/v2/parts/blobs/{DIGEST}"
    answer = served.request("HEAD", path)
    assert (answer.status, answer.headers["content-length"], answer.body) == (200, str(len(DATA)), b"")
    size = len(DATA)
    for header, start, end in (
        ("bytes=0-9", 0, 9),
        (f"bytes={size - 5}-", size - 5, size - 1),
        ("bytes=-1", size - 1, size - 1),
    ):
        answer = served.request("GET", path, headers={"Range": header})
        assert (answer.status, answer.headers["content-range"]) == (206, f"bytes {start}-{end}/{size}")
        assert answer.body == DATA[start : end + 1]
    answer = served.request("GET", path, headers={"Range": f"bytes={size}-"})
    assert (code(answer), answer.headers["content-range"]) == ((416, "RANGE_INVALID"), f"bytes */{size}")
    tag = served.request("HEAD", path).headers["etag"]
    assert served.request("GET", path, headers={"If-None-Match": f'"x", {tag}'}).status == 304
    assert served.request("GET", path, headers={"Range": "bytes=0-0", "If-Range": '"other"'}).status == 200


def test_manifests(served: Served) -> None:
    made = image([{"a": b"a"}])
    several = index([(made, {"os": "linux", "architecture": "amd64"})])
    answer = served.request("PUT", "/v2/docs/manifests/1", made.manifest, {"Content-Type": OCI_MANIFEST})
    assert code(answer) == (404, "MANIFEST_BLOB_UNKNOWN")
    answer = served.request("PUT", "/v2/docs/manifests/1", several.manifest, {"Content-Type": OCI_INDEX})
    assert code(answer) == (404, "MANIFEST_BLOB_UNKNOWN")
    push(served, "docs", several, *(f"v{number}" for number in (3, 1, 2)))
    answer = served.request("GET", "/v2/docs/manifests/v1")
    assert (answer.body, answer.headers["content-type"]) == (several.manifest, OCI_INDEX)
    headers = {"If-None-Match": answer.headers["etag"]}
    assert served.request("GET", "/v2/docs/manifests/v2", headers=headers).status == 304
    assert json.loads(served.request("GET", "/v2/docs/tags/list").body) == {"name": "docs", "tags": ["v1", "v2", "v3"]}
    page = served.request("GET", "/v2/docs/tags/list?n=2")
    assert json.loads(page.body)["tags"] == ["v1", "v2"]
    assert page.headers["link"] == '</v2/docs/tags/list?n=2&last=v2>; rel="next"'
    assert json.loads(served.request("GET", "/v2/docs/tags/list?n=2&last=v2").body)["tags"] == ["v3"]
    assert code(served.request("GET", "/v2/docs/tags/list?n=x")) == (400, "PAGINATION_NUMBER_INVALID")
    assert "docs" in json.loads(served.request("GET", "/v2/_catalog?n=1000").body)["repositories"]
    lie = made.manifest.replace(b'"size":', b'"size":1', 1)
    answer = served.request("PUT", "/v2/docs/manifests/lie", lie, {"Content-Type": OCI_MANIFEST})
    assert code(answer) == (400, "MANIFEST_INVALID")
    assert served.request("DELETE", "/v2/docs/manifests/v1").status == 202
    assert code(served.request("GET", "/v2/docs/manifests/v1")) == (404, "MANIFEST_UNKNOWN")
    assert served.request("DELETE", f"/v2/docs/manifests/{several.digest}").status == 202
    assert code(served.request("GET", "/v2/docs/manifests/v2")) == (404, "MANIFEST_UNKNOWN")
    assert json.loads(served.request("GET", "/v2/docs/tags/list").body)["tags"] == []
    layer = json.loads(made.manifest)["layers"][0]["digest"]
    assert served.request("DELETE", f"/v2/docs/blobs/{layer}").status == 202
    assert code(served.request("DELETE", f"/v2/docs/blobs/{layer}")) == (404, "BLOB_UNKNOWN")


def test_referrers(served: Served) -> None:
    put(served, "refer", b"{}")
    subject = {"mediaType": OCI_MANIFEST, "digest": sha256(b"subject"), "size": 7}
    path = f"/v2/refer/referrers/{subject['digest']}"
    assert json.loads(served.request("GET", path).body)["manifests"] == []
    for kind in ("application/a", "application/b"):
        config = describe("application/vnd.oci.empty.v1+json", b"{}")
        document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [], "subject": subject}
        manifest = encode({**document, "artifactType": kind, "annotations": {"k": kind}})
        answer = served.request("PUT", f"/v2/refer/manifests/{sha256(manifest)}", manifest)
        assert (answer.status, answer.headers["oci-subject"]) == (201, subject["digest"])
    answer = served.request("GET", path)
    assert answer.headers["content-type"] == OCI_INDEX
    kinds = {entry["artifactType"]: entry for entry in json.loads(answer.body)["manifests"]}
    assert kinds["application/a"]["annotations"] == {"k": "application/a"}
    answer = served.request("GET", f"{path}?artifactType=application/b")
    assert answer.headers["oci-filters-applied"] == "artifactType"
    assert [entry["artifactType"] for entry in json.loads(answer.body)["manifests"]] == ["application/b"]


def test_many_referrers_come_by_the_page(served: Served) -> None:
    put(served, "many", b"{}")
    subject = {"mediaType": OCI_MANIFEST, "digest": sha256(b"subject"), "size": 7}
    config = describe("application/vnd.oci.empty.v1+json", b"{}")
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [], "subject": subject}
    pushed = set()
    for number in range(3):
        manifest = encode({**document, "artifactType": "application/x", "annotations": {str(number): "x" * 900_000}})
        served.request("PUT", f"/v2/many/manifests/{sha256(manifest)}", manifest)
        pushed.add(sha256(manifest))
    path = f"/v2/many/referrers/{subject['digest']}?artifactType=application/x"
    found = []
    while path:
        answer = served.request("GET", path)
        found.append([entry["digest"] for entry in json.loads(answer.body)["manifests"]])
        path = answer.headers.get("link", "").partition(">")[0].removeprefix("<")
    assert [len(page) for page in found] == [2, 1]
    assert set(found[0] + found[1]) == pushed


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v2/../../etc/passwd/manifests/x", (400, "NAME_INVALID")),
        ("GET", "/v2/%2e%2e/manifests/x", (400, "NAME_INVALID")),
        ("POST", "/v2/a%2f..%2fb/blobs/uploads/", (400, "NAME_INVALID")),
        ("POST", "/v2/UPPER/blobs/uploads/", (400, "NAME_INVALID")),
        ("POST", f"/v2/{'a' * 256}/blobs/uploads/", (400, "NAME_INVALID")),
        ("GET", "/v2/a+b/tags/list", (400, "NAME_INVALID")),
        ("GET", "/v2/none/tags/list", (404, "NAME_UNKNOWN")),
        ("GET", "/v2/none/blobs/sha256:xyz", (400, "DIGEST_INVALID")),
        ("GET", f"/v2/none/blobs/sha256:{'A' * 64}", (400, "DIGEST_INVALID")),
        ("GET", "/v2/none/blobs/sha256:..%2f..%2fx", (404, "NAME_UNKNOWN")),
        ("POST", "/v2/a/blobs/uploads/?digest=md5:0", (400, "DIGEST_INVALID")),
        ("PUT", "/v2/a/manifests/.hidden", (400, "TAG_INVALID")),
        ("PUT", "/v2/a/manifests/1", (400, "MANIFEST_INVALID")),
        ("PUT", f"/v2/a/manifests/sha256:{'0' * 64}", (400, "DIGEST_INVALID")),
        ("PATCH", "/v2/a/blobs/uploads/..", (404, "BLOB_UPLOAD_UNKNOWN")),
        ("PATCH", f"/v2/a/blobs/uploads/{'0' * 32}", (404, "BLOB_UPLOAD_UNKNOWN")),
        ("PUT", "/v2/", (405, "UNSUPPORTED")),
        ("GET", "/etc/passwd", (404, "NAME_UNKNOWN")),
    ],
)
def test_what_is_refused(served: Served, method: str, path: str, expected: tuple[int, str]) -> None:
    assert code(served.request(method, path, b"x" if method in ("PUT", "PATCH") else None)) == expected


def test_bytes_that_are_not_what_they_should_be(served: Served) -> None:
    place = begin(served, "lies")
    assert code(served.request("PUT", f"{place}?digest={DIGEST}", b"other")) == (400, "DIGEST_INVALID")
    assert served.request("GET", place).status == 404
    assert code(served.request("GET", f"/v2/lies/blobs/{DIGEST}"))[0] == 404
    answer = served.request("PUT", "/v2/lies/manifests/1", b"x" * (5 << 20), {"Content-Type": OCI_MANIFEST})
    assert code(answer) == (413, "SIZE_INVALID")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /v2/ HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", b"431"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET http://elsewhere/v2/ HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"GET /v2/%ff HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"GET /v2/ HTTP/1.1\r\n\r\n", b"400"),
        (b"POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400"),
        (b"GET /v2/ HTTP/1.0\r\n\r\n", b"200"),
    ],
)
def test_what_is_not_http(served: Served, sent: bytes, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", served.port), 60) as connection:
        connection.sendall(sent)
        answer = b""
        while data := connection.recv(65536):
            answer += data
    assert answer.split(b" ", 2)[1] == status


def test_a_broken_upload_goes_on_after_a_kill(served: Served) -> None:
    """What arrived before the connection broke and the registry was killed counts; what was acknowledged is there."""
    put(served, "killed", b"before")
    place = begin(served, "killed")
    half = len(DATA) // 2
    with socket.create_connection(("127.0.0.1", served.port), 60) as connection:
        head = f"PATCH {place} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(DATA)}\r\n\r\n"
        connection.sendall(head.encode() + DATA[:half])
    assert served.request("GET", place).headers["range"] == f"0-{half - 1}"
    served.kill()
    served.start()
    assert served.request("GET", place).headers["range"] == f"0-{half - 1}"
    answer = served.request("PATCH", place, DATA[half:], {"Content-Range": f"{half}-{len(DATA) - 1}"})
    assert answer.status == 202
    served.kill()
    served.start()
    assert served.request("PUT", f"{place}?digest={DIGEST}").status == 201
    assert served.request("GET", f"/v2/killed/blobs/{DIGEST}").body == DATA
    assert served.request("GET", f"/v2/killed/blobs/{sha256(b'before')}").body == b"before"


def test_what_no_client_can_go_on_with_is_not_kept(served: Served) -> None:
    """An upload at once has no id to go on with, when its connection breaks."""
    before = os.listdir(f"{served.program.root}/tmp")
    with socket.create_connection(("127.0.0.1", served.port), 60) as connection:
        head = f"POST /v2/broken/blobs/uploads/?digest={DIGEST} HTTP/1.1\r\nHost: localhost\r\n"
        connection.sendall(f"{head}Content-Length: {len(DATA)}\r\n\r\n".encode() + DATA[:1000])
        connection.shutdown(socket.SHUT_WR)
        assert not connection.recv(1)
    assert os.listdir(f"{served.program.root}/tmp") == before


def test_many_clients_send_one_blob(served: Served) -> None:
    data = os.urandom(2 << 20)
    failures: list[object] = []

    def send() -> None:
        try:
            put(served, "crowd", data)
        except BaseException as error:
            failures.append(error)

    clients = [threading.Thread(target=send) for _ in range(8)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(120)
    assert failures == []
    assert served.request("GET", f"/v2/crowd/blobs/{sha256(data)}").body == data


def test_peers(served: Served) -> None:
    """Argosy, skopeo and podman push and pull; digests stay."""
    program = served.program
    name = f"{served.name}/peers/busybox"
    busybox = program.busybox()
    program.run("push", "-q", "--tls-verify=false", busybox, f"{name}:1")
    tls = ("--src-tls-verify=false", "--dest-tls-verify=false")
    program.call("/usr/bin/skopeo", "copy", "-q", *tls, f"docker://{name}:1", f"docker://{name}:2")
    if not program.rootless:
        with tempfile.TemporaryDirectory() as base:  # podman takes no long path
            podman = ("podman", "--root", f"{base}/root", "--runroot", f"{base}/run", "--storage-driver", "vfs")
            program.call(*podman, "pull", "-q", "--tls-verify=false", f"{name}:2")
            program.call(*podman, "push", "-q", "--tls-verify=false", f"{name}:2", f"{name}:3")
    tags = json.loads(served.request("GET", "/v2/peers/busybox/tags/list").body)["tags"]
    digests = {
        served.request("HEAD", f"/v2/peers/busybox/manifests/{tag}").headers["docker-content-digest"]
        for tag in tags[:2]
    }
    assert len(digests) == 1
    program.run("pull", "-q", "--tls-verify=false", f"{name}:{tags[-1]}")


def test_artifacts_and_their_referrers(served: Served) -> None:
    program = served.program
    name = f"{served.name}/things/a"
    subject = image([{"a": b"subject"}])
    push(served, "things/a", subject, "subject")
    path = program.write("thing.txt", "thing")
    flags = ("--type", "application/x.thing", "--subject", f"{name}:subject", "--tls-verify=false")
    digest = program.run("artifact", "add", *flags, f"{name}:1", path).lines[0]
    program.run("artifact", "push", "-q", "--tls-verify=false", f"{name}:1")
    (entry,) = json.loads(served.request("GET", f"/v2/things/a/referrers/{subject.digest}").body)["manifests"]
    assert (entry["digest"], entry["artifactType"]) == (f"sha256:{digest}", "application/x.thing")
    assert json.loads(served.request("GET", "/v2/things/a/tags/list").body)["tags"] == ["1", "subject"]


def test_the_same_blob_is_there_once(served: Served) -> None:
    """Of the registry and of images of the store; prune leaves what repositories need."""
    program = served.program
    made = image([{"shared": os.urandom(1000)}])
    push(served, "shared", made, "1")
    program.run("system", "prune", "--force", "--all")
    assert served.request("GET", "/v2/shared/manifests/1").body == made.manifest
    for digest, data in made.blobs.items():
        assert served.request("GET", f"/v2/shared/blobs/{digest}").body == data
        assert os.path.exists(f"{program.root}/blobs/sha256/{digest[7:]}")
    program.run("pull", "-q", "--tls-verify=false", f"{served.name}/shared:1")
    program.run("rmi", f"{served.name}/shared:1")
    assert served.request("GET", "/v2/shared/manifests/1").body == made.manifest


def test_names_of_others_are_refused(served: Served) -> None:
    """A page whose host name leads to this address (DNS rebinding) is not answered."""
    for host in (
        f"localhost:{served.port}",
        "127.0.0.1",
        f"[::1]:{served.port}",
        "host.containers.internal",
        "LOCALHOST.",
    ):
        assert served.request("GET", "/v2/", headers={"Host": host}).status == 200, host
    for host in ("evil.example", f"evil.example:{served.port}", "localhost.evil.example", "x"):
        answer = served.request("GET", "/v2/", headers={"Host": host})
        assert (answer.status, b"--host" in answer.body) == (421, True), host


def test_users(argosy: Program) -> None:
    """Those of the file alone; it is read again when it changes; a broken one lets nobody in."""
    line = subprocess.run(["htpasswd", "-nbB", "me", "hunter2"], capture_output=True, text=True, check=True).stdout
    path = argosy.write("users", line)
    busybox = argosy.busybox()
    with Served(argosy, "registry", "--htpasswd", path, "--host", "registry.test") as running:
        answer = running.request("GET", "/v2/", headers={"Host": "registry.test"})
        assert (code(answer), answer.headers["www-authenticate"][:12]) == ((401, "UNAUTHORIZED"), "Basic realm=")
        name = f"localhost:{running.port}/users/a:1"
        assert "unauthorized" in argosy.run("push", "-q", "--tls-verify=false", busybox, name, check=125).stderr.lower()
        argosy.run("push", "-q", "--tls-verify=false", "--creds", "me:hunter2", busybox, name)

        def status(user: str) -> int:
            basic = base64.b64encode(user.encode()).decode()
            return running.request("GET", "/v2/", headers={"Authorization": f"Basic {basic}"}).status

        assert [status(user) for user in ("me:hunter2", "me:hunter", "me:", "you:hunter2", "")] == [
            200,
            401,
            401,
            401,
            401,
        ]
        more = subprocess.run(["htpasswd", "-nbB", "you", "x" * 9], capture_output=True, text=True, check=True).stdout
        argosy.write("users", more)
        assert [status(user) for user in ("me:hunter2", f"you:{'x' * 9}")] == [401, 200]
        argosy.write("users", "you:{SHA}notgood\n")
        assert status(f"you:{'x' * 9}") == 401
    assert "not hashed with bcrypt" in argosy.run("system", "registry", "--htpasswd", path, check=125).stderr


def test_tls(argosy: Program, authority: Authority) -> None:
    certificate, key = authority.issue("own")
    os.mkdir(f"{argosy.files}/certs")
    shutil.copy(authority.certificate, f"{argosy.files}/certs/ca.crt")
    with Served(argosy, "registry", "--tls-cert", certificate, "--tls-key", key) as running:
        name = f"localhost:{running.port}/tls/busybox:1"
        argosy.run("push", "-q", "--cert-dir", f"{argosy.files}/certs", argosy.busybox(), name)
        argosy.run("rmi", "-a", "-f")
        argosy.run("pull", "-q", "--cert-dir", f"{argosy.files}/certs", name)
        assert "certificate" in argosy.run("pull", "-q", name, check=125).stderr
