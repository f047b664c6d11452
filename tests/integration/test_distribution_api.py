"""The distribution specification's endpoints and statuses (spec.md, "Endpoints" and the four workflow categories).

The official suite is a Go program; this table says the same of `system registry`: what MUST and SHOULD be answered.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.rig.program import Program
from tests.rig.registry import OCI_INDEX, OCI_MANIFEST, describe, encode, sha256
from tests.rig.served import Answer, Served

NAME = "conformance/one"
EMPTY = b"{}"
BLOB = b"a blob of the conformance table"
LONG = f"sha512:{hashlib.sha512(BLOB).hexdigest()}"
NONE = "sha256:" + "0" * 64
CONFIG = describe("application/vnd.oci.empty.v1+json", EMPTY)
LAYER = describe("application/octet-stream", BLOB)
MANIFEST = encode({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": CONFIG, "layers": [LAYER]})
REFERRER = encode(
    {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": "application/vnd.test",
        "config": CONFIG,
        "layers": [LAYER],
        "subject": describe(OCI_MANIFEST, MANIFEST),
    }
)
INDEX = encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [describe(OCI_MANIFEST, MANIFEST)]})
OCTETS = {"Content-Type": "application/octet-stream"}


@pytest.fixture(scope="module")
def served(shared_program: Program) -> Iterator[Served]:
    with Served(shared_program, "registry") as running:
        for data in (EMPTY, BLOB):
            place = running.request("POST", f"/v2/{NAME}/blobs/uploads/").headers["location"]
            assert running.request("PUT", f"{place}?digest={sha256(data)}", data, OCTETS).status == 201
        for tag, document, kind in (
            ("a", MANIFEST, OCI_MANIFEST),
            ("b", MANIFEST, OCI_MANIFEST),
            ("i", INDEX, OCI_INDEX),
        ):
            put(running, tag, document, kind)
        put(running, sha256(REFERRER), REFERRER, OCI_MANIFEST)
        yield running


def put(served: Served, selector: str, document: bytes, kind: str) -> Answer:
    answer = served.request("PUT", f"/v2/{NAME}/manifests/{selector}", document, {"Content-Type": kind})
    assert answer.status == 201, answer.body
    return answer


# Endpoint of the specification, method, path below the repository, status, headers that must be there.
PULLS: list[tuple[str, str, str, int, dict[str, str]]] = [
    ("end-2", "GET", f"blobs/{sha256(BLOB)}", 200, {"docker-content-digest": sha256(BLOB)}),
    ("end-2", "HEAD", f"blobs/{sha256(BLOB)}", 200, {"content-length": str(len(BLOB))}),
    ("end-2", "GET", f"blobs/{NONE}", 404, {}),
    ("end-2", "HEAD", f"blobs/{NONE}", 404, {}),
    ("end-2", "GET", "blobs/sha256:short", 400, {}),
    ("end-3", "GET", "manifests/a", 200, {"content-type": OCI_MANIFEST, "docker-content-digest": sha256(MANIFEST)}),
    ("end-3", "HEAD", "manifests/a", 200, {"content-length": str(len(MANIFEST))}),
    ("end-3", "GET", f"manifests/{sha256(MANIFEST)}", 200, {"docker-content-digest": sha256(MANIFEST)}),
    ("end-3", "GET", "manifests/i", 200, {"content-type": OCI_INDEX}),
    ("end-3", "GET", "manifests/none", 404, {}),
    ("end-3", "HEAD", f"manifests/{NONE}", 404, {}),
    ("end-8a", "GET", "tags/list", 200, {"content-type": "application/json"}),
    ("end-8b", "GET", "tags/list?n=1", 200, {"link": f'</v2/{NAME}/tags/list?n=1&last=a>; rel="next"'}),
    ("end-8b", "GET", "tags/list?n=0", 200, {}),
    ("end-12a", "GET", f"referrers/{sha256(MANIFEST)}", 200, {"content-type": OCI_INDEX}),
    ("end-12a", "GET", f"referrers/{NONE}", 200, {"content-type": OCI_INDEX}),
    ("end-12b", "GET", f"referrers/{NONE}?artifactType=a%2Fb", 200, {"oci-filters-applied": "artifactType"}),
    ("end-12a", "GET", "referrers/sha256:short", 400, {}),
]


@pytest.mark.parametrize(("end", "method", "path", "status", "headers"), PULLS)
def test_reading(served: Served, end: str, method: str, path: str, status: int, headers: dict[str, str]) -> None:
    answer = served.request(method, f"/v2/{NAME}/{path}")
    assert answer.status == status, end
    assert headers.items() <= answer.headers.items(), end
    if status >= 400 and method != "HEAD":
        (error,) = json.loads(answer.body)["errors"]
        assert set(error) >= {"code", "message"}


def listed(served: Served, path: str) -> Any:
    return json.loads(served.request("GET", f"/v2/{NAME}/{path}").body)


def test_the_base_and_the_lists(served: Served) -> None:
    assert served.request("GET", "/v2/").status == 200
    assert listed(served, "tags/list")["tags"] == ["a", "b", "i"]
    assert listed(served, "tags/list?n=0")["tags"] == []
    assert listed(served, "tags/list?last=a")["tags"] == ["b", "i"]
    assert listed(served, "tags/list?n=1&last=a")["tags"] == ["b"]
    (entry,) = listed(served, f"referrers/{sha256(MANIFEST)}")["manifests"]
    assert (entry["digest"], entry["size"], entry["mediaType"]) == (sha256(REFERRER), len(REFERRER), OCI_MANIFEST)
    assert listed(served, f"referrers/{sha256(MANIFEST)}?artifactType=other/x")["manifests"] == []


def test_pushing(served: Served) -> None:
    """end-4a, 4b, 5, 6, 7, 11 and 13."""
    begun = served.request("POST", f"/v2/{NAME}/blobs/uploads/")
    assert begun.status == 202
    place = begun.headers["location"]
    first = served.request("PATCH", place, BLOB[:5], {**OCTETS, "Content-Range": "0-4"})
    assert (first.status, first.headers["range"]) == (202, "0-4")
    assert served.request("GET", first.headers["location"]).headers["range"] == "0-4"
    assert served.request("PATCH", place, BLOB[9:], {**OCTETS, "Content-Range": f"9-{len(BLOB) - 1}"}).status == 416
    done = served.request("PUT", f"{place}?digest={sha256(BLOB)}", BLOB[5:], OCTETS)
    assert (done.status, done.headers["location"]) == (201, f"/v2/{NAME}/blobs/{sha256(BLOB)}")
    assert served.request("POST", f"/v2/{NAME}/blobs/uploads/?digest={LONG}", BLOB, OCTETS).status == 201
    assert served.request("HEAD", f"/v2/{NAME}/blobs/{LONG}").status == 200
    place = served.request("POST", f"/v2/{NAME}/blobs/uploads/").headers["location"]
    assert served.request("PUT", f"{place}?digest={NONE}", BLOB, OCTETS).status == 400
    mount = f"/v2/conformance/two/blobs/uploads/?from={NAME}&mount="
    assert served.request("POST", mount + sha256(BLOB)).status == 201
    other = served.request("POST", mount + NONE)
    assert other.status == 202
    assert served.request("DELETE", other.headers["location"]).status == 204
    again = put(served, sha256(REFERRER), REFERRER, OCI_MANIFEST)
    assert again.headers["oci-subject"] == sha256(MANIFEST)
    assert again.headers["docker-content-digest"] == sha256(REFERRER)
    for document, status in ((b"not JSON", 400), (MANIFEST.replace(sha256(BLOB)[7:].encode(), b"0" * 64), 404)):
        answer = served.request("PUT", f"/v2/{NAME}/manifests/bad", document, {"Content-Type": OCI_MANIFEST})
        assert answer.status == status
    assert served.request("PUT", f"/v2/{NAME}/manifests/{NONE}", MANIFEST, {"Content-Type": OCI_MANIFEST}).status == 400


def test_deleting(served: Served) -> None:
    """end-9 and 10: a tag goes alone, a manifest with its tags and its place among the referrers."""
    put(served, "gone", MANIFEST, OCI_MANIFEST)
    for path in ("manifests/gone", f"manifests/{sha256(REFERRER)}", f"blobs/{LONG}"):
        assert served.request("DELETE", f"/v2/{NAME}/{path}").status == 202, path
        assert served.request("GET", f"/v2/{NAME}/{path}").status == 404, path
        assert served.request("DELETE", f"/v2/{NAME}/{path}").status == 404, path
    assert served.request("HEAD", f"/v2/{NAME}/manifests/{sha256(MANIFEST)}").status == 200
    assert listed(served, f"referrers/{sha256(MANIFEST)}")["manifests"] == []
    assert "gone" not in listed(served, "tags/list")["tags"]
