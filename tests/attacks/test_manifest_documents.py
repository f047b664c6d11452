"""Manifests and configs that break rules: each is refused by name, none half read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from argosy.errors import ArgosyError, Invalid, Unsupported
from argosy.oci import imageconfig, manifest, mediatypes
from tests.rig.registry import image, index

MANIFEST: dict[str, Any] = json.loads(image([{"a": b"1"}, {"b": b"2"}]).manifest)
INDEX: dict[str, Any] = json.loads(index([(image(), {"os": "linux", "architecture": "amd64"})]).manifest)


def changed(document: dict[str, Any], path: str, value: Any) -> bytes:
    """The document with one field replaced, or left out for `...`."""
    copy = json.loads(json.dumps(document))
    *parents, last = path.split(".")
    place: Any = copy
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place[name]
    key: Any = int(last) if isinstance(place, list) else last
    if value is ...:
        del place[key]
    else:
        place[key] = value
    return json.dumps(copy).encode()


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("manifests", INDEX["manifests"], "both an index and an image"),
        ("manifests", None, "both an index and an image"),
        ("schemaVersion", 3, "schemaVersion"),
        ("schemaVersion", "2", "a string, not a whole number"),
        ("schemaVersion", True, "true or false"),
        ("schemaVersion", 2.0, "a fraction"),
        ("schemaVersion", ..., "0 is not a version"),
        ("schemaVersion", 1, "schema 1"),
        ("mediaType", "application/vnd.oci.image.config.v1+json", "it says .* but was sent as"),
        ("mediaType", 5, "mediaType"),
        ("mediaType", mediatypes.OCI_INDEX, "it says|both|must have this field"),
        ("config", ..., "must have this field"),
        ("config", [], "an array, not an object"),
        ("config", "sha256:x", "a string, not an object"),
        ("config.digest", ..., "invalid manifest: config.digest"),
        ("config.digest", "sha256:../../x", "config.digest"),
        ("config.digest", "md5:d41d8cd98f00b204e9800998ecf8427e", "neither sha256 nor sha512"),
        ("config.digest", MANIFEST["config"]["digest"].upper(), "config.digest"),
        ("config.digest", "sha512:" + "0" * 128, "not sha256"),
        ("config.digest", 7, "config.digest"),
        ("config.size", ..., "config.size"),
        ("config.size", -1, "-1 is not the size of anything"),
        ("config.size", 1 << 70, "is not the size of anything"),
        ("config.size", 5 << 20, "larger than 4 MiB"),
        ("config.size", "12", "a string, not a whole number"),
        ("config.size", 12.5, "a fraction, not a whole number"),
        ("config.mediaType", "", "is not a media type"),
        ("config.mediaType", "nonsense", "is not a media type"),
        ("config.mediaType", "a/b\n", "is not a media type"),
        ("config.mediaType", "application/vnd.cncf.helm.config.v1+json", "an artifact of type"),
        ("layers", {}, "an object, not an array"),
        ("layers.0", None, "null, not an object"),
        ("layers.0", [], "an array, not an object"),
        ("layers.1.digest", "sha256:" + "0" * 63, r"layers\[1\].digest"),
        ("layers.1.size", -5, r"layers\[1\].size"),
        ("layers.1.mediaType", "text/html", "layer 2 has the media type"),
        ("layers.1.urls", [1], r"layers\[1\].urls\[0\]"),
        ("layers.1.annotations", {"a": 1}, r"layers\[1\].annotations.a"),
        ("layers", [MANIFEST["layers"][0]] * 129, "129 layers are more than the 128"),
        ("annotations", [], "annotations"),
        ("subject", {"digest": "x"}, "subject"),
        ("Layers", [], "only in upper and lower case"),
        ("CONFIG", {}, "only in upper and lower case"),
        ("Manifests", [], "only in upper and lower case"),
    ],
)
def test_images(path: str, value: Any, words: str) -> None:
    with pytest.raises(ArgosyError, match=words):
        manifest.parse(changed(MANIFEST, path, value), mediatypes.OCI_MANIFEST)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("config", MANIFEST["config"], "both an index and an image"),
        ("layers", [], "both an index and an image"),
        ("fsLayers", [], "both an index and an image"),
        ("manifests", ..., "must have this field"),
        ("manifests", {}, "an object, not an array"),
        ("manifests.0.digest", "x", r"manifests\[0\].digest"),
        ("manifests.0.size", -1, r"manifests\[0\].size"),
        ("manifests.0.platform", "linux", r"manifests\[0\].platform"),
        ("manifests.0.platform.os", 7, r"manifests\[0\].platform.os"),
    ],
)
def test_indexes(path: str, value: Any, words: str) -> None:
    with pytest.raises(ArgosyError, match=words):
        manifest.parse(changed(INDEX, path, value), mediatypes.OCI_INDEX)


def test_a_document_that_is_sent_as_something_else() -> None:
    text = json.dumps(MANIFEST).encode()
    for sent in (mediatypes.OCI_INDEX, mediatypes.DOCKER_MANIFEST, "text/html", "image/png"):
        with pytest.raises(ArgosyError):
            manifest.parse(text, sent)
    with pytest.raises(Unsupported, match="not the media type"):
        manifest.parse(changed(MANIFEST, "mediaType", ...), "image/png")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"{}",
        b"{}{}",
        b'{"schemaVersion":2,"schemaVersion":2}',
        b'{"schemaVersion":NaN}',
        b"\xff\xfe",
        b'{"config":{"a":1,"a":2}}',
        b'{"layers":' + b"[" * 100_000,
        b'{"schemaVersion":' + b"9" * 5000 + b"}",
        b" " * ((4 << 20) + 1),
    ],
)
def test_documents_that_are_none(text: bytes) -> None:
    with pytest.raises(ArgosyError):
        manifest.parse(text)


def test_duplicate_keys_are_named() -> None:
    text = json.dumps(MANIFEST).encode().replace(b'"layers": [', b'"layers": [], "layers": [')
    with pytest.raises(Invalid, match="duplicate key 'layers'"):
        manifest.parse(text)


CONFIG: dict[str, Any] = {
    "architecture": "amd64",
    "os": "linux",
    "config": {},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]},
}


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("architecture", 7, "architecture"),
        ("os", ["linux"], "os"),
        ("config", [], "config"),
        ("config.User", 0, "config.User"),
        ("config.User", "a\0b", "NUL"),
        ("config.User", "root\x1b[2J", "control characters"),
        ("config.Env", {"A": "b"}, "config.Env"),
        ("config.Env", "A=b", "config.Env"),
        ("config.Env", ["A=b", 7], r"config.Env\[1\]"),
        ("config.Env", ["no equals sign"], "NAME=VALUE"),
        ("config.Env", ["=value"], "NAME=VALUE"),
        ("config.Env", [""], "NAME=VALUE"),
        ("config.Env", ["A=b\0c"], "NUL"),
        ("config.Env", [None], "null, not a string"),
        ("config.WorkingDir", 1, "config.WorkingDir"),
        ("config.WorkingDir", "relative/path", "not an absolute path"),
        ("config.WorkingDir", "/a\0b", "NUL"),
        ("config.Entrypoint", "/bin/sh", "config.Entrypoint"),
        ("config.Entrypoint", [1], r"config.Entrypoint\[0\]"),
        ("config.Entrypoint", ["/bin/sh", "a\0"], "NUL"),
        ("config.Cmd", {"0": "x"}, "config.Cmd"),
        ("config.ExposedPorts", ["80"], "config.ExposedPorts"),
        ("config.ExposedPorts", {"http": {}}, "port"),
        ("config.ExposedPorts", {"80/icmp": {}}, "none of tcp, udp and sctp"),
        ("config.ExposedPorts", {"0": {}}, "from 1 to 65535"),
        ("config.ExposedPorts", {"65536/tcp": {}}, "from 1 to 65535"),
        ("config.ExposedPorts", {"-1": {}}, "port"),
        ("config.ExposedPorts", {"9-8/tcp": {}}, "below the first"),
        ("config.ExposedPorts", {"80/": {}}, "none of"),
        ("config.ExposedPorts", {"": {}}, "port"),
        ("config.ExposedPorts", {"\u0668\u0660": {}}, "port"),
        ("config.ExposedPorts", {"80": 1}, "config.ExposedPorts.80"),
        ("config.StopSignal", 15, "config.StopSignal"),
        ("config.StopSignal", "SIG TERM", "neither the name nor the number"),
        ("config.StopSignal", "; rm -rf /", "neither the name nor the number"),
        ("config.Volumes", ["/data"], "config.Volumes"),
        ("config.Volumes", {"data": {}}, "absolute path"),
        ("config.Volumes", {"/": {}}, "absolute path below the root"),
        ("config.Volumes", {"": {}}, "absolute path"),
        ("config.Volumes", {"/a\0": {}}, "absolute path"),
        ("config.Labels", {"a": 1}, "config.Labels.a"),
        ("config.Labels", [], "config.Labels"),
        ("config.Healthcheck", {"Interval": -1}, "negative"),
        ("config.Healthcheck", {"Test": "true"}, "config.Healthcheck.Test"),
        ("rootfs", [], "rootfs"),
        ("rootfs.type", "squashfs", "not 'layers'"),
        ("rootfs.diff_ids", ["sha256:0"], r"rootfs.diff_ids\[0\]"),
        ("rootfs.diff_ids", [7], r"rootfs.diff_ids\[0\]"),
        ("history", {}, "history"),
        ("history", [7], r"history\[0\]"),
        ("history", [{"empty_layer": "yes"}], r"history\[0\].empty_layer"),
        ("created", 7, "created"),
    ],
)
def test_configs(path: str, value: Any, words: str) -> None:
    with pytest.raises(Invalid, match=words) as caught:
        imageconfig.parse(changed(CONFIG, path, value))
    assert "\x1b" not in str(caught.value)
    assert "\0" not in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"7", b" " * ((4 << 20) + 1), b'{"os":"a","os":"b"}'])
def test_configs_that_are_none(text: bytes) -> None:
    with pytest.raises(Invalid, match="image config"):
        imageconfig.parse(text)
